"""A small site of invented property pages, for the demo, the tests and the benchmarks.

`python -m simulators.site` starts it. Places, people and firms are invented, telephone numbers of the 555 kind.
"""
