"""A program that renders a page, prints the id of its browser process, and waits to be killed.

Usage: `python -m tests.integration.fetch.browser.a_worker CHROMIUM idle|busy`. With `busy`, the page has an endless
script.
"""

import sys
import threading
import time
from pathlib import Path

from app.property.fetch.browser import process
from tests.integration.fetch.browser.conftest import PATIENT, drawing, renderer_of, shell
from tests.integration.fetch.conftest import Site, fetchers


def main(chromium: str, state: str) -> None:
    site = Site("127.0.0.1")
    site.start()
    process._START_SECONDS = 240.0
    with fetchers() as make:
        fetcher = make("127.0.0.0/8", fetch_browser_path=Path(chromium), fetch_browser_sandbox=False, limits=PATIENT)
        assert "12 Elm Street" in fetcher.fetch(site.page("/good", shell(drawing()))).text
        renderer = renderer_of(fetcher)
        if state == "busy":
            busy = site.page("/busy", shell("setTimeout(() => {while (true) {}}, 10)"))
            threading.Thread(target=fetcher.fetch, args=(busy,), daemon=True).start()
            while not renderer._current.users:
                time.sleep(0.01)
            time.sleep(1.0)
        sys.stdout.write(f"{renderer._current.pid}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
