"""Eight processes fetch from twenty sites with different rules. The sites' logs show that they respect the rules."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest

from tests.integration.fetch import fleet_of_fetchers as fleet
from tests.plugins.network_namespace import run_isolated

#: The longest run, in seconds. On an idle machine, a run takes about 20.
SECONDS = 80.0
#: Gaps may seem shorter by this much, because a process may lose the CPU between its turn and its request.
JITTER_SECONDS = 0.3


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the servers' records by host, and the result of each page."""
    folder = tmp_path_factory.mktemp("fleet")
    run_isolated(fleet.__name__, str(folder), str(SECONDS), timeout_seconds=100)
    found: dict[str, Any] = json.loads((folder / "seen.json").read_text())
    return found


def _gaps(rows: Iterable[list[Any]]) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(sorted(row[0] for row in rows))]


@pytest.mark.parametrize(("kind", "gap"), [("plain", fleet.GAP_SECONDS), ("delay", 1.0), ("rate", 1.5)])
def test_every_sites_gap_is_respected(visits: dict[str, Any], kind: str, gap: float) -> None:
    """All processes together respect the gap, and robots.txt is requested before its rule applies. `make bench-fetch`
    measures how much of the allowed pace is used. The shortest gap is not checked: on a busy machine, one request in
    twelve may be late, and the next then seems too early."""
    for host in (host for host in fleet.ROBOTS if host.startswith(kind)):
        pages = [row for row in visits["seen"][host] if row[1] != "/robots.txt"]
        assert len(pages) == fleet.PAGES
        assert sorted(_gaps(pages))[1] >= gap - JITTER_SECONDS, host


def test_the_hosts_of_one_domain_share_its_pace(visits: dict[str, Any]) -> None:
    both = [*visits["seen"]["www.shared.example"], *visits["seen"]["photos.shared.example"]]
    assert len(both) >= 2 * fleet.PAGES
    assert sorted(_gaps(both))[1] >= fleet.GAP_SECONDS - JITTER_SECONDS


def test_robots_txt_is_obeyed_by_the_whole_fleet(visits: dict[str, Any]) -> None:
    asked = defaultdict(set)
    for host, rows in visits["seen"].items():
        asked[host] = {row[1] for row in rows}
    for n in range(2):
        allowed = {f"/homes/{page}" for page in range(fleet.PAGES) if not str(page).startswith("1")}
        assert asked[f"private{n}.example"] == {"/robots.txt", *allowed}
        assert asked[f"down{n}.example"] == {"/robots.txt"}, "a page was fetched (RFC 9309, section 2.3.1.4)"


def test_robots_txt_is_fetched_once_for_the_fleet(visits: dict[str, Any]) -> None:
    for host, rows in visits["seen"].items():
        assert [row[1] for row in rows].count("/robots.txt") == 1, host


def test_retry_after_is_respected_by_the_whole_fleet(visits: dict[str, Any]) -> None:
    """Two requests may be concurrent, so another may start before the 429 answer is read."""
    for n in range(2):
        pages = [row for row in visits["seen"][f"refuses{n}.example"] if row[1] != "/robots.txt"]
        longest = max(_gaps(pages[2:5]))
        assert longest >= fleet.RETRY_AFTER_SECONDS - JITTER_SECONDS
        assert len(pages) == fleet.PAGES + 1, "the refused page was not fetched exactly once"


def test_a_slow_site_has_at_most_two_concurrent_requests(visits: dict[str, Any]) -> None:
    assert max(row[2] for row in visits["seen"]["slow0.example"]) == 2
