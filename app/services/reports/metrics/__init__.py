"""Metrics of the fleet, as Prometheus reads them.

`instruments` counts in each process; `shared_counts` adds up the counts of all processes in Redis. `exposition` adds
the figures of the pool and of the jobs (`samples`) to these totals. `web` serves the result.
"""
