"""The chaos suite: break every part of a fleet of real processes, and measure the damage.

`python -m tests.chaos` runs the full suite and prints the table; `test_chaos.py` runs a small version with the other
tests.
"""
