"""What the fleet counts, and what of it Prometheus is told.

`instruments` counts in each process, `outbox` and `flusher` carry what was counted to Redis, where `totals` adds it up.
`exposition` puts the totals together with the figures of the pool (`pool_families`) and of the jobs (`job_families`).
Leaves HTTP to the door.
"""
