"""Run the browser process, connected to the worker by two pipes (see `wire.py`)."""

import asyncio
import os

from app.property.fetch.browser.chromium.host import serve

if __name__ == "__main__":
    # messages use the original stdout; anything else that is printed goes to stderr
    answers = os.dup(1)
    os.dup2(2, 1)
    asyncio.run(serve(0, answers))
