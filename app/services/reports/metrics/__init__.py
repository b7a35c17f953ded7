"""Prometheus metrics of all processes.

`instruments` counts in each process; `shared_counts` adds up the counts of all processes in Redis. `exposition` adds
the figures of the pool and the jobs (`samples`) to these totals. `web` serves the result.
"""
