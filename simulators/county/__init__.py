"""A fictional county on loopback: seven kinds of sites that do not always agree about the same 200 properties.

`python -m simulators.county` starts it. The generator first draws the true facts of every property (`homes.py`), then
chooses the facts that each site states (`sites.py`), then plants errors (`flaws.py`), and finally writes the pages. So
tests know which values each page states, and which of them are wrong. People, places, firms, and ids are invented.
"""
