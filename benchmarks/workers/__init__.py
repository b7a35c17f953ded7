"""Measure workers: pools, job overhead, enqueueing, scheduled reports, and a small batch queued after a huge one."""
