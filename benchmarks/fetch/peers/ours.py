"""The project's fetcher in a pool of threads. Rate-limit state is in the process or in a shared Valkey."""

import heapq
import json
import os
import queue
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import redis

from app.clock import SystemClock
from app.errors.fetching import HostBusyError
from app.property.fetch.build import build_fetcher
from app.property.fetch.client.fetcher import Fetcher
from app.property.fetch.pace.rules import Visitor
from app.redis.embedded_valkey import EmbeddedValkey
from app.settings import Settings

#: Maximum wait for a site before a page is put back into the queue. A worker waits equally long before it defers a job.
_PATIENCE_SECONDS = 2.0


class Due:
    """A queue of pages, each with the time at which it is due. `take` returns None when all pages are fetched."""

    def __init__(self, urls: list[str], takers: int) -> None:
        self._heap: list[tuple[float, int, str]] = []
        self._ready: queue.SimpleQueue[tuple[int, str] | None] = queue.SimpleQueue()
        for page in enumerate(urls):
            self._ready.put(page)
        self._left, self._takers = len(urls), takers
        self._changed = threading.Condition()
        threading.Thread(target=self._hand_out, daemon=True).start()

    def take(self) -> tuple[int, str] | None:
        return self._ready.get()

    def put_back(self, page: tuple[int, str], seconds: float) -> None:
        with self._changed:
            heapq.heappush(self._heap, (time.monotonic() + seconds, *page))
            self._changed.notify()

    def fetched(self) -> None:
        with self._changed:
            self._left -= 1
            if not self._left:
                for _ in range(self._takers):
                    self._ready.put(None)

    def _hand_out(self) -> None:
        with self._changed:
            while True:
                seconds = self._heap[0][0] - time.monotonic() if self._heap else None
                if seconds is not None and seconds <= 0:
                    self._ready.put(heapq.heappop(self._heap)[1:])
                else:
                    self._changed.wait(seconds)


def _work(fetcher: Fetcher, due: Due, found: list[str]) -> None:
    while (page := due.take()) is not None:
        visitor = Visitor(page[1], "batch", max_wait_seconds=_PATIENCE_SECONDS, can_defer=True)
        try:
            if "Elm" in fetcher.fetch(page[1], visitor).text:
                found.append(page[1])
        except HostBusyError as exc:
            due.put_back(page, float(exc.facts["retry_after_seconds"]))
            continue
        due.fetched()


def main(cell: dict[str, Any]) -> None:
    rules = {"fetch_min_delay_seconds": 0.1}
    free = {"fetch_min_delay_seconds": 0, "fetch_ignore_robots": cell["hosts"], "fetch_concurrency_per_host": 16}
    with ExitStack() as stack:
        client = None
        if cell["contestant"].endswith("shared"):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            valkey = stack.enter_context(EmbeddedValkey(folder))
            client = stack.enter_context(redis.Redis.from_url(valkey.url, decode_responses=True))
        os.environ.clear()
        settings = Settings.of(**(rules if cell["gap_seconds"] else free))  # type: ignore[call-arg]
        fetcher = build_fetcher(settings, SystemClock(), client)
        due, found = Due(cell["urls"], cell["at_once"]), list[str]()
        threads = [threading.Thread(target=_work, args=(fetcher, due, found)) for _ in range(cell["at_once"])]
        began, cpu_began = time.monotonic(), time.process_time()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = {"wall_seconds": time.monotonic() - began, "cpu_seconds": time.process_time() - cpu_began}
        fetcher.close()
    print(json.dumps({"pages": len(found), **took}))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
