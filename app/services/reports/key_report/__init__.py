"""Report on keys: `pool_monitor` collects counts, `alarms` and `advice` find problems, `report` writes the report.

`find_alarms` and `advise` are pure functions.
"""
