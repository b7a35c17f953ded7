"""The chaos suite: a fleet of real processes on which everything breaks that can, and an account of what it cost.

`python -m tests.chaos` runs it whole and prints the table, `test_chaos.py` runs a smaller one with the other tests.
"""
