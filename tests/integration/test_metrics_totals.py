"""Counts of many processes add up in Redis, even if processes fail. After a lost reply, a report can count twice."""

import multiprocessing
import threading
from collections.abc import Callable
from contextlib import closing
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any

import pytest
import redis
from prometheus_client import CollectorRegistry, Counter, Histogram

from app.redis.embedded_valkey import EmbeddedValkey
from app.services.keys.store import connect_store
from app.services.reports.metrics.shared_counts import Flusher, encode, read_counts
from tests.plugins.lossy_server import LosesReplies, Server

#: Ignore Python's warning about fork with threads, because a worker's parent process also has threads when it forks.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
    pytest.mark.usefixtures("patient"),
]
_FORK = multiprocessing.get_context("fork")
PAGES = encode("pages_total", {"outcome": "fetched"})


@pytest.fixture
def url(embedded_valkey_url: str) -> str:
    with redis.Redis.from_url(embedded_valkey_url) as connection:
        connection.flushdb()
    return embedded_valkey_url


def _read(url: str) -> dict[str, float]:
    with closing(connect_store(url)) as connection:
        return read_counts(connection)


def _in_child(work: Callable[[], None]) -> ForkProcess:
    process = _FORK.Process(target=work)
    process.start()
    return process


def test_concurrent_counts_of_forked_processes_add_up_exactly(url: str) -> None:
    """Each process inherits its parent's counts, which it must not report again. Each process sends several reports."""
    registry = CollectorRegistry()
    pages = Counter("pages", "-", ["outcome"], registry=registry)
    seconds = Histogram("seconds", "-", registry=registry, buckets=(1.0, 10.0))
    parent = Flusher(connect_store(url), registry=registry, interval_seconds=0.01)
    pages.labels("fetched").inc(1000)
    assert parent.flush()

    def work() -> None:
        flusher = Flusher(connect_store(url), registry=registry, interval_seconds=0.002)
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

    children = [_in_child(work) for _ in range(6)]
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
    """Stopping the flusher in the child sends no report either."""
    registry = CollectorRegistry()
    pages = Counter("pages", "-", ["outcome"], registry=registry)
    flusher = Flusher(connect_store(url), registry=registry, interval_seconds=60)
    flusher.start()
    pages.labels("fetched").inc(3)

    def work() -> None:
        pages.labels("fetched").inc(100)
        flusher.stop()

    child = _in_child(work)
    child.join(30)
    assert child.exitcode == 0
    assert _read(url) == {}
    flusher.stop()
    assert _read(url) == {PAGES: 3}


def test_a_report_whose_reply_was_lost_is_added_again(lossy_server: Server, loses_replies: LosesReplies) -> None:
    """A report is delivered at least once, so a lost reply makes the total too high. Later counts are exact again."""
    registry = CollectorRegistry()
    pages = Counter("pages", "-", ["outcome"], registry=registry)
    flusher = Flusher(connect_store(loses_replies.url), registry=registry)
    pages.labels("fetched").inc()
    assert flusher.flush()
    pages.labels("fetched").inc(4)
    loses_replies.lose = True
    assert not flusher.flush()
    assert _read(lossy_server.url) == {PAGES: 5}, "the report did not arrive"
    loses_replies.lose = False
    pages.labels("fetched").inc(2)
    assert flusher.flush()
    assert _read(lossy_server.url) == {PAGES: 5 + 4 + 2}
    pages.labels("fetched").inc(3)
    flusher.stop()
    assert _read(lossy_server.url) == {PAGES: 5 + 4 + 2 + 3}


def test_counts_wait_while_redis_is_down_and_none_is_lost_or_doubled(tmp_path: Path, caplog: Any) -> None:
    """The loss of Redis and its return are logged once each."""
    caplog.set_level("INFO", "app.services.reports.metrics.shared_counts")
    registry = CollectorRegistry()
    pages = Counter("pages", "-", ["outcome"], registry=registry)
    with EmbeddedValkey(tmp_path) as valkey:
        flusher = Flusher(connect_store(valkey.url), registry=registry)
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


def test_an_idle_process_sends_nothing_and_the_totals_expire(url: str) -> None:
    registry = CollectorRegistry()
    pages = Counter("pages", "-", registry=registry)
    flusher = Flusher(connect_store(url), registry=registry)
    with redis.Redis.from_url(url) as connection:
        assert flusher.flush()
        before = connection.info("stats")["total_connections_received"]
        assert flusher.flush()
        assert connection.info("stats")["total_connections_received"] == before
        assert connection.keys() == []
        pages.inc()
        flusher.stop()
        assert connection.keys() == [b"{propintel}:metrics"]
        assert connection.ttl("{propintel}:metrics") > 30 * 86_400
