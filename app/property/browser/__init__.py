"""What runs in a process of its own beside a worker: Chromium under Playwright, one order after the other.

`python -m app.property.browser` reads orders from its standard input and answers on its standard output (`wire.py`).
It imports nothing of ours outside this room, holds no secret, and ends with its input: when the worker is gone, however
that came, so are this process and its Chromium. What is done with the pages is `app/property/fetch/rendering/`.
"""
