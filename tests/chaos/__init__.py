"""The chaos suite: break every part of a fleet of real processes, and check for lost or repeated work.

`python -m tests.chaos` runs the full suite and prints a table of results. `test_chaos.py` runs each fault once.
"""
