"""Workers, measured: pools, the overhead of a job, enqueueing, reports on schedule, a small batch behind a huge one."""
