"""The browser's own process: Chromium under Playwright, one per worker.

`python -m app.property.fetch.browser.chromium` reads requests from its standard input and answers on its standard
output (`wire.py`). It imports no other package of this project, holds no secret, and ends when its input closes. So
this process and its Chromium end whenever the worker ends.
"""
