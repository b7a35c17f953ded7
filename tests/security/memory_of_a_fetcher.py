"""Fetch URLs and print the memory that each fetch needs: `python -m tests.security.memory_of_a_fetcher FIRST URL...`.

Print one JSON row for each URL except FIRST: [outcome, peak memory during the fetch minus idle memory, in MB].
"""

import json
import re
import sys
from ipaddress import ip_network
from pathlib import Path

from app.clock import SystemClock
from app.errors import PropertyIntelligenceError
from app.property.fetch.build import build_fetcher
from app.property.fetch.limits import Limits
from app.settings import Settings


def peak_mb() -> float:
    """Return the peak of resident memory since its last reset (proc(5): VmHWM)."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(match[1]) / 1000 if match else 0.0


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def main(first: str, urls: list[str]) -> None:
    """Fetch `first`, a harmless page, to warm up; then fetch `urls` one after another."""
    settings = Settings.of(fetch_allowed_private_networks=(ip_network("127.0.0.0/8"),))
    fetcher = build_fetcher(settings, SystemClock(), limits=Limits(total_seconds=60, read_seconds=20))
    fetcher.fetch(first)
    forget_peak()
    idle_mb = peak_mb()
    for url in urls:
        forget_peak()
        try:
            fetcher.fetch(url)
            outcome = "fetched"
        except PropertyIntelligenceError as exc:
            outcome = exc.code
        sys.stdout.write(json.dumps([outcome, peak_mb() - idle_mb]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
