"""The key report: `pool_monitor` collects counts, `alarms` and `advice` find problems, `report` writes the report.

`alarms` and `advise` are pure: frozen values in, frozen values out.
"""
