"""After a purge while workers run, no table, Redis key, or file except logs holds the purged personal data."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.property.storage.pages.blobs import unpack
from app.property.storage.pages.tables import Blob
from app.property.storage.privacy.scope import PurgeKind
from app.redis.embedded_valkey import connect
from app.services.privacy.purging import purge
from tasks._celery.publish import send_jobs
from tests.plugins.changing_site import ChangingSite
from tests.plugins.simulator_fixtures import SimulatorHandle

pytestmark = pytest.mark.worker

AGENT, OWNER = "Ottilie Quackenbush", "Balthasar Vandermolen"
_HOME = {
    "@context": "https://schema.org", "@type": "SingleFamilyResidence", "name": "12 Main St", "identifier": "48213",
    "address": {"@type": "PostalAddress", "streetAddress": "12 Main St", "addressLocality": "Springfield",
                "addressRegion": "IL", "postalCode": "62701"},
    "offers": {"@type": "Offer", "price": 310000, "priceCurrency": "USD", "seller": {"name": AGENT}},
}  # fmt: skip
PAGE = f"""<!doctype html><html lang="en"><head><title>12 Main St</title>
<script type="application/ld+json">{json.dumps(_HOME)}</script></head><body><h1>12 Main St, Springfield, IL 62701</h1>
<p>$310,000</p><p>Listing agent: {AGENT}</p>
<p>Owner: {OWNER}, who had the slate roof relaid with care.</p></body></html>"""
#: Matches the names of the agent and the owner, and URLs that contain the agent's name.
WORDS = re.compile(rb"Quackenbush|Vandermolen|quackenbush-48213|\x51\x00\x75\x00\x61\x00\x63\x00\x6b")


def _redis(fleet: Any) -> Iterator[bytes]:
    """Yield every Redis key with its value, whatever its type."""
    readers = {b"string": "get", b"hash": "hgetall", b"set": "smembers"}
    with connect(fleet.settings) as redis:
        for key in redis.scan_iter(count=1000):
            kind = redis.type(key)
            if kind == b"list":
                held: Any = redis.lrange(key, 0, -1)
            elif kind == b"zset":
                held = redis.zrange(key, 0, -1, withscores=True)
            elif kind == b"stream":
                held = redis.xrange(key)
            elif kind == b"none":
                continue  # the key has just expired
            else:
                held = getattr(redis, readers[kind])(key)
            yield key + b" " + repr(held).encode()


def _files(home: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of all files of the installation except logs."""
    for path in sorted(home.rglob("*")):
        if path.is_file() and path.suffix != ".log":
            yield str(path.relative_to(home)), path.read_bytes()


def _where(fleet: Any, *more: bytes) -> set[str]:
    """Return the places that contain one of the words or one of `more`."""
    named = {name for name, content in _files(fleet.home) if WORDS.search(content) or any(m in content for m in more)}
    return named | {"redis" for line in _redis(fleet) if WORDS.search(line)}


def _packed(fleet: Any) -> list[bytes]:
    """Return a slice of each stored body, because a search for words finds nothing in compressed bodies."""
    with fleet.stores.database.reading() as connection:
        return [bytes(row.packed)[40:72] for row in connection.execute(select(Blob.packed))]


def test_a_purged_page_leaves_no_trace_and_a_running_job_restores_nothing(
    make_fleet: Callable[..., Any],
    changing_site: ChangingSite,
    openai_simulator: Callable[..., SimulatorHandle],
    until: Callable[..., None],
) -> None:
    api = openai_simulator()
    path = "/agents/quackenbush-48213"
    changing_site.pages[path] = PAGE
    fleet = make_fleet(OPENAI_API_KEY=api.keys[0], OPENAI_BASE_URL=api.base_url, FETCH_MIN_DELAY_SECONDS="0")
    fleet.start_worker(concurrency=2)
    done, failed = fleet.send(f"{changing_site.address}{path}", f"{changing_site.address}{path}/gone")
    fleet.wait_for_state([done], "done")
    fleet.wait_for_state([failed], "failed")
    packed = _packed(fleet)
    assert len(packed) > 0
    assert _where(fleet, *packed) >= {"propintel.sqlite3", "redis"} or "propintel.sqlite3-wal" in _where(fleet)
    # the failed job's result contains its URL, and is written after the job's row
    until(lambda: "redis" in _where(fleet), 20, lambda: str(_where(fleet)))

    changing_site.pages[path] = PAGE.replace("with care", "with great care")
    api.set_key(api.keys[0], behavior="slow", seconds=8)
    before = api.stats()["totals"]["requests"]
    under_way = fleet.stores.jobs.enqueue([f"{changing_site.address}{path}"], refresh=True)
    send_jobs(fleet.app, fleet.stores.jobs, under_way.jobs)
    until(lambda: api.stats()["totals"]["requests"] > before, 30, lambda: fleet.describe(under_way.new))
    packed += _packed(fleet)
    result = purge(fleet.settings, fleet.stores.database, PurgeKind.HOST, "127.0.0.1", who="alice", dry_run=False)
    assert result.removed["jobs"] == 3
    assert result.removed["source_records"] == result.removed["properties"] == 1
    until(lambda: "was purged while it was read" in fleet.log("worker"), 30, lambda: fleet.log("worker"))
    with connect(fleet.settings) as redis:
        until(lambda: redis.get(f"celery-task-meta-{under_way.new[0]}") is not None, 20)
    assert result.wiped
    assert _where(fleet, *packed) == set()
    assert fleet.stores.jobs.list() == []


def test_a_purged_person_stays_removed_after_the_next_scrape(
    make_fleet: Callable[..., Any], changing_site: ChangingSite, openai_simulator: Callable[..., SimulatorHandle]
) -> None:
    """Files, logs, and Redis are searched. The owner on the same page is another person and remains."""
    api = openai_simulator()
    changing_site.pages["/homes/12"] = PAGE
    fleet = make_fleet(OPENAI_API_KEY=api.keys[0], OPENAI_BASE_URL=api.base_url, FETCH_MIN_DELAY_SECONDS="0")
    fleet.start_worker(concurrency=1)
    target = f"{changing_site.address}/homes/12"
    fleet.wait_for_state(list(fleet.send(target)), "done")
    (job,) = fleet.stores.jobs.list()
    assert fleet.stores.properties.get(job.property_id)["record"]["ListAgentFullName"] == AGENT
    packed = _packed(fleet)

    result = purge(
        fleet.settings, fleet.stores.database, PurgeKind.PERSON, "Quackenbush, Ottilie", who="alice", dry_run=False
    )
    assert result.wiped
    _assert_gone(fleet, *packed)
    changing_site.pages["/homes/12"] = PAGE.replace("310000", "305000").replace("310,000", "305,000")
    again = fleet.stores.jobs.enqueue([target], refresh=True)
    send_jobs(fleet.app, fleet.stores.jobs, again.jobs)
    fleet.wait_for_state(again.new, "done")
    record = fleet.stores.properties.get(job.property_id)["record"]
    assert record["ListPrice"] == 305000
    assert "Quackenbush" not in str(record)
    _assert_gone(fleet, *packed)
    assert any(OWNER.encode() in text for text in _unpacked(fleet)), "the purge removed another person"
    assert not any(b"Quackenbush" in text for text in _unpacked(fleet))


def _assert_gone(fleet: Any, *more: bytes) -> None:
    words = (b"Quackenbush", b"quackenbush", *more)
    assert [name for name, content in _files(fleet.home) if any(word in content for word in words)] == []
    assert not any(word in line for line in _redis(fleet) for word in words)
    logs = [path for path in fleet.home.rglob("*.log") if b"uackenbush" in path.read_bytes()]
    assert logs == [], "a log contains the purged name"


def _unpacked(fleet: Any) -> list[bytes]:
    with fleet.stores.database.reading() as connection:
        return [unpack(bytes(packed)) for packed in connection.execute(select(Blob.packed)).scalars()]
