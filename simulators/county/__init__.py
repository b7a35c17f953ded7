"""A fictional county on loopback: seven kinds of sites about the same 200 properties, which do not always agree.

`python -m simulators.county` starts it. The generator first writes the true facts of every property (`homes.py`), then
the statements of each site (`sites.py`), then planted errors (`flaws.py`), and finally the pages. The content of each
page, right or wrong, is therefore known without reading the page. People, places, firms and ids are invented.
"""
