"""The browser process, which a worker starts. It controls Chromium through Playwright.

`python -m app.property.fetch.browser.chromium` reads requests from its standard input and answers on its standard
output (`wire.py`). It imports no other package of this project and holds no secret. It ends when its input closes, so
this process and its Chromium end whenever the worker ends.
"""
