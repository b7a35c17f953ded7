"""A fictional county on loopback: seven kinds of sites that tell of the same 200 properties, and do not always agree.

`python -m simulators.county` starts it. The truth of every property is written first (`homes.py`), then what each site
says of it (`sites.py`), then what some of them say wrongly (`flaws.py`), and only then the pages, so that what a page
says and whether it is right is known without reading it. People, places, firms and ids are invented.
"""
