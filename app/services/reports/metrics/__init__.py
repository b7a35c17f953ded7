"""Export Prometheus metrics of all processes.

`instruments` counts in each process, and `shared_counts` adds up the counts of all processes in Redis. `exposition`
combines these totals with figures of the key pool and the jobs (`samples`). `web` serves the result.
"""
