"""Tests of the chaos suite's own rules: which repeated fetches are excused, and which responses count as pages."""

import socket
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import httpx2
import pytest

from simulators.serving import BackgroundServer
from tests.chaos import words
from tests.chaos.account import beyond
from tests.chaos.ledger import InterruptedJob, Kill, Ledger, pid_of
from tests.chaos.plan import ALL, Plan, manners
from tests.chaos.site import ChaosSite
from tests.chaos.store_under_test import StoreUnderTest
from tests.plugins.waiting import wait_until

PAGE = "http://127.0.0.1/homes/1"


def page_with(mishaps: tuple[str, ...]) -> int:
    """Return the page with the shortest latency among those with exactly these mishaps at seed 1."""
    fitting = [n for n in range(1, 400) if manners(1, n).mishaps == mishaps]
    return min(fitting, key=lambda n: manners(1, n).latency_seconds)


@pytest.mark.parametrize(("page_saved", "beyond_a_kill"), [(False, 1), (True, 2)])
def test_a_kill_excuses_a_second_fetch_only_if_the_page_was_not_saved(page_saved: bool, beyond_a_kill: int) -> None:
    ledger = Ledger(cast(StoreUnderTest, None))
    interrupted = InterruptedJob("job", PAGE, page_saved=page_saved, answer_saved=False)
    ledger.kills.append(Kill("child", 1.0, frozenset({7}), (interrupted,)))
    pages, calls = ledger.excused()
    assert beyond({PAGE: 3}, pages) == {PAGE: beyond_a_kill}
    assert beyond({PAGE: 2}, calls) == {}


def test_the_owner_of_a_lease_names_its_process() -> None:
    assert pid_of("host.example:4700:a0b1c2d3:4711:e4f5a6b7") == 4711
    assert pid_of(None) == pid_of("somebody") == 0


def test_a_seed_draws_the_same_run_and_every_fault_of_the_table() -> None:
    plan = Plan.full(3, "sqlite")
    assert plan.order == Plan.full(3, "sqlite").order
    assert plan.order != Plan.full(4, "sqlite").order
    assert {name: plan.order.count(name) for name in ALL} == dict(ALL)


def test_only_an_answer_that_was_sent_whole_counts_as_a_page() -> None:
    """A broken response followed by a complete one counts as one page. A client that disconnects gets no page."""
    number, patient = page_with(("broken",)), page_with(())
    site = ChaosSite(1, lambda _: False)
    with BackgroundServer(site) as server:
        place = urlsplit(server.address)
        with pytest.raises(httpx2.RemoteProtocolError):
            httpx2.get(f"{server.address}/homes/{number}", trust_env=False)
        assert site.complete[f"/homes/{number}"] == 0
        assert "</html>" in httpx2.get(f"{server.address}/homes/{number}", trust_env=False).text
        with socket.create_connection((place.hostname or "", place.port or 0)) as gone:
            gone.sendall(f"GET /homes/{patient} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        wait_until(lambda: len(site.served) == 3, 10)
    assert site.complete == {f"/homes/{number}": 1}
    assert site.served[-1].outcome == "abandoned"


def test_poison_is_not_served_to_a_killed_client() -> None:
    ports: list[int] = []

    def kill(port: int) -> bool:
        ports.append(port)
        sender.close()
        return True

    site = ChaosSite(1, kill)
    with BackgroundServer(site) as server:
        place = urlsplit(server.address)
        sender = socket.create_connection((place.hostname or "", place.port or 0))
        port = sender.getsockname()[1]
        sender.sendall(b"GET /poison/9 HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: len(site.served) == 1, 10)
    assert ports == [port]
    assert site.served[0].outcome == "killed"


def test_a_traceback_counts_once_for_a_record_and_is_named_after_its_last_error(tmp_path: Path) -> None:
    """A traceback without a line of the project does not count."""
    log, head = tmp_path / "log", "Traceback (most recent call last):"
    ours = '  File "/srv/property/tasks/base.py", line 7, in retry'
    theirs = '  File "/srv/.venv/lib/python3.13/site-packages/celery/worker/consumer.py", line 7, in start'
    lines = [
        "10:00:00 INFO: all is well",
        "10:00:01 ERROR: no page",
        head,
        ours,
        "KeyError: 1",
        "",
        "During handling",
        "",
    ]
    lines += [head, "  File y", "ValueError: 2", "10:00:02 INFO: again", "10:00:03 CRITICAL: no broker", head, theirs]
    log.write_text("\n".join([*lines, "ValueError: 2", "10:00:04 INFO: on", ""]))
    ((text, times),) = words.tracebacks([log]).items()
    assert (text, times) == ("#:#:# ERROR: no page ... ValueError: 2", 1)
