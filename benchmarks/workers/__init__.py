"""Measure workers: pools, the overhead of a job, enqueueing, scheduled reports, and a small batch behind a huge one."""
