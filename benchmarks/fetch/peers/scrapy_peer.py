"""Scrapy with the sites' crawl delay as DOWNLOAD_DELAY, because Scrapy does not read Crawl-delay."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import scrapy
from scrapy.crawler import CrawlerProcess


class Homes(scrapy.Spider):
    name = "homes"
    cell: dict[str, Any]
    pages = 0
    wall_began = cpu_began = 0.0

    async def start(self) -> AsyncIterator[scrapy.Request]:
        self.wall_began, self.cpu_began = time.monotonic(), time.process_time()
        for url in self.cell["urls"]:
            yield scrapy.Request(url)

    def parse(self, response: Any) -> None:
        self.pages += "Elm" in response.text

    def closed(self, _: str) -> None:
        took = {"wall_seconds": time.monotonic() - self.wall_began, "cpu_seconds": time.process_time() - self.cpu_began}
        print(json.dumps({"pages": self.pages, **took}), flush=True)


def settings(cell: dict[str, Any]) -> dict[str, Any]:
    """Return Scrapy's settings. With a crawl delay, requests to all sites may run at the same time."""
    gap = cell["gap_seconds"]
    rules = {
        "ROBOTSTXT_OBEY": True,
        "DOWNLOAD_DELAY": gap,
        "RANDOMIZE_DOWNLOAD_DELAY": False,
        "CONCURRENT_REQUESTS": max(cell["at_once"], cell["sites"]),
    }
    free = {"ROBOTSTXT_OBEY": False, "DOWNLOAD_DELAY": 0, "CONCURRENT_REQUESTS": cell["at_once"]}
    return {"LOG_LEVEL": "ERROR", "TELNETCONSOLE_ENABLED": False, "RETRY_ENABLED": False, **(rules if gap else free)}


def main(cell: dict[str, Any]) -> None:
    process = CrawlerProcess(settings(cell))
    process.crawl(Homes, cell=cell)
    process.start()


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
