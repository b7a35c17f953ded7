"""Plain httpx2: one client and a pool of threads, without robots.txt or delays."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2


def main(cell: dict[str, object]) -> None:
    urls, at_once = cell["urls"], cell["at_once"]
    assert isinstance(urls, list)
    assert isinstance(at_once, int)
    limits = httpx2.Limits(max_connections=100, max_keepalive_connections=20)
    with httpx2.Client(limits=limits, trust_env=False) as client, ThreadPoolExecutor(at_once) as pool:
        began, cpu_began = time.monotonic(), time.process_time()
        pages = sum(pool.map(lambda url: "Elm" in client.get(url).text, urls))
        took = {"wall_seconds": time.monotonic() - began, "cpu_seconds": time.process_time() - cpu_began}
    print(json.dumps({"pages": pages, **took}))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
