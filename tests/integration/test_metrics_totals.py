"""What many processes count, in one Valkey: every count once, whatever becomes of processes and connections."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

import pytest
import redis
from prometheus_client import CollectorRegistry, Counter, Histogram

from app.redis.embedded_valkey import EmbeddedValkey
from app.services.keys.store import connect_store
from app.services.reports.metrics.flusher import Flusher
from app.services.reports.metrics.outbox import Report, encode
from app.services.reports.metrics.totals import Totals
from tests.plugins.lossy_server import LosesReplies

#: a worker's parent has threads as well when it forks
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
_FORK = multiprocessing.get_context("fork")
PAGES = encode("pages_total", {"outcome": "fetched"})


@pytest.fixture
def url(embedded_valkey_url: str) -> str:
    with redis.Redis.from_url(embedded_valkey_url) as connection:
        connection.flushdb()
    return embedded_valkey_url


def _totals(url: str) -> Totals:
    return Totals(connect_store(url))


def _read(url: str) -> dict[str, float]:
    with closing(_totals(url)) as totals:
        return totals.read()


def _in_child(work: Callable[[Connection], None]) -> tuple[ForkProcess, Connection]:
    """A forked process that does `work` with its end of a pipe; and our end."""
    ours, theirs = _FORK.Pipe()
    process = _FORK.Process(target=work, args=(theirs,))
    process.start()
    return process, ours


def test_what_forked_processes_count_at_once_adds_up_exactly(url: str) -> None:
    """Each begins with its parent's numbers and reports none of them again; each sends several reports."""
    registry = CollectorRegistry()
    pages = Counter("pages", "-", ["outcome"], registry=registry)
    seconds = Histogram("seconds", "-", registry=registry, buckets=(1.0, 10.0))
    parent = Flusher(_totals(url), registry=registry, interval_seconds=0.01)
    pages.labels("fetched").inc(1000)
    assert parent.flush()

    def work(_pipe: Connection) -> None:
        flusher = Flusher(_totals(url), registry=registry, interval_seconds=0.002)
        flusher.start()
        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        flusher.stop()

    def count() -> None:
        for n in range(2500):
            pages.labels("fetched").inc()
            seconds.observe(0.5 if n % 2 else 5.0)

    children = [_in_child(work)[0] for _ in range(6)]
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    pages.labels("fetched").inc()
    parent.stop()
    found = _read(url)
    assert found[PAGES] == 1000 + 6 * 4 * 2500 + 1
    assert found[encode("seconds_count", {})] == found[encode("seconds_bucket", {"le": "10.0"})] == 60_000
    assert found[encode("seconds_bucket", {"le": "1.0"})] == 30_000
    assert found[encode("seconds_sum", {})] == 30_000 * 5.5


def test_a_child_that_inherits_a_flusher_reports_nothing(url: str) -> None:
    """Not even if it is stopped there, as by a handler that runs at every exit; and the parent's goes on."""
    registry = CollectorRegistry()
    pages = Counter("pages", "-", ["outcome"], registry=registry)
    flusher = Flusher(_totals(url), registry=registry, interval_seconds=60)
    flusher.start()
    pages.labels("fetched").inc(3)

    def work(_pipe: Connection) -> None:
        pages.labels("fetched").inc(100)
        flusher.stop()

    child, _ = _in_child(work)
    child.join(30)
    assert child.exitcode == 0
    assert _read(url) == {}
    flusher.stop()
    assert _read(url) == {PAGES: 3}


def test_a_process_that_is_killed_loses_what_it_had_not_reported_and_no_more(url: str) -> None:
    registry = CollectorRegistry()
    pages = Counter("pages", "-", ["outcome"], registry=registry)

    def work(pipe: Connection) -> None:
        flusher = Flusher(_totals(url), registry=registry)
        pages.labels("fetched").inc(40)
        flusher.flush()
        pages.labels("fetched").inc(2)
        pipe.send("counted")
        time.sleep(60)

    child, pipe = _in_child(work)
    assert pipe.recv() == "counted"
    os.kill(child.pid or 0, signal.SIGKILL)
    child.join(10)
    assert _read(url) == {PAGES: 40}


def test_a_report_that_arrives_twice_is_added_once(url: str) -> None:
    """Of each process by itself; a new number is a new report."""
    with closing(_totals(url)) as totals:
        for _ in range(3):
            totals.add("a", Report(1, {PAGES: 2.0}))
        totals.add("b", Report(1, {PAGES: 10.0}))
        totals.add("a", Report(2, {PAGES: 0.5}))
        totals.add("a", Report(1, {PAGES: 2.0}))
        assert totals.read() == {PAGES: 12.5}


@pytest.fixture
def loses_replies(url: str) -> Iterator[LosesReplies]:
    def connect() -> socket.socket:
        server = socket.socket(socket.AF_UNIX)
        server.connect(url.removeprefix("unix://").partition("?")[0])
        return server

    between = LosesReplies(connect)
    yield between
    between.close()


def test_a_report_whose_reply_was_lost_counts_once(url: str, loses_replies: LosesReplies) -> None:
    """It is sent again, with what it said the first time; what was counted meanwhile follows."""
    registry = CollectorRegistry()
    pages = Counter("pages", "-", ["outcome"], registry=registry)
    flusher = Flusher(_totals(loses_replies.url), registry=registry)
    pages.labels("fetched").inc()
    assert flusher.flush()
    pages.labels("fetched").inc(4)
    loses_replies.lose = True
    assert not flusher.flush()
    assert _read(url) == {PAGES: 5}, "it did arrive"
    pages.labels("fetched").inc(2)
    assert not flusher.flush()
    loses_replies.lose = False
    assert flusher.flush()
    assert _read(url) == {PAGES: 7}
    flusher.stop()


def test_while_redis_is_away_counts_wait_and_nothing_is_lost_or_doubled(tmp_path: Path, caplog: Any) -> None:
    """Whoever counts notices nothing. The loss and the return are logged once each."""
    caplog.set_level("INFO", "app.services.reports.metrics.flusher")
    registry = CollectorRegistry()
    pages = Counter("pages", "-", ["outcome"], registry=registry)
    with EmbeddedValkey(tmp_path) as valkey:
        flusher = Flusher(_totals(valkey.url), registry=registry)
        pages.labels("fetched").inc(5)
        assert flusher.flush()
        valkey.stop()
        for _ in range(3):
            pages.labels("fetched").inc()
            assert not flusher.flush()
        valkey.start()
        assert flusher.flush()
        assert _read(valkey.url) == {PAGES: 8}
        flusher.stop()
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_an_idle_process_sends_nothing(url: str) -> None:
    registry = CollectorRegistry()
    Counter("pages", "-", registry=registry)
    flusher = Flusher(_totals(url), registry=registry)
    with redis.Redis.from_url(url) as connection:
        assert flusher.flush()
        before = connection.info("stats")["total_connections_received"]
        assert flusher.flush()
        assert connection.info("stats")["total_connections_received"] == before
        assert connection.keys() == []
    flusher.stop()


def test_what_is_left_behind_is_forgotten_one_day(url: str) -> None:
    """No name of ours stays in Redis for ever."""
    with closing(_totals(url)) as totals, redis.Redis.from_url(url) as connection:
        totals.add("a", Report(1, {PAGES: 1.0}))
        names = connection.keys()
        assert len(names) == 2
        assert all(connection.ttl(name) > 86_400 for name in names)
        assert all(name.startswith(b"{propintel}:") for name in names)
