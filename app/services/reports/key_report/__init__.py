"""The key report: `pool_monitor` collects counts, `alarms` and `advice` find problems, `report` writes the report.

`find_alarms` and `advise` use only their arguments, and have no side effects.
"""
