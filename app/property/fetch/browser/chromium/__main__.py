"""Run the browser process. Two pipes connect it to the worker (`wire.py`)."""

import asyncio
import os

from app.property.fetch.browser.chromium.host import serve

if __name__ == "__main__":
    # messages use the original stdout; other output goes to stderr
    answers = os.dup(1)
    os.dup2(2, 1)
    asyncio.run(serve(0, answers))
