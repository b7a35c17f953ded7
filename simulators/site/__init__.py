"""A small site of invented listings, for the demo, tests, and benchmarks.

`python -m simulators.site` starts it. Places, people, and firms are invented; telephone numbers are from the 555 range.
"""
