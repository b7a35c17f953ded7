"""The browser process, which a worker starts. It controls Chromium through Playwright.

`python -m app.property.fetch.browser.chromium` reads requests from its standard input and answers on its standard
output (`wire.py`). It imports no other package of this project and has no secrets. When the worker ends, the input
closes, and the process ends together with Chromium.
"""
