"""After a purge while workers run, no table, Redis key, or file except logs holds the purged personal data."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.property.storage.pages.repository import unpack
from app.property.storage.pages.tables import Blob
from app.property.storage.privacy.scope import PurgeKind
from app.redis.embedded_valkey import connect
from app.services.privacy.purging import PurgeResult, purge
from tasks._celery.publish import send_jobs
from tests.integration.workers.conftest import redis_contents
from tests.plugins.changing_site import ChangingSite

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
AGENT_WORDS = (b"Quackenbush", b"quackenbush", "Quack".encode("utf-16-le"))


def _files(home: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(home.rglob("*")):
        if path.is_file() and path.suffix != ".log":
            yield str(path.relative_to(home)), path.read_bytes()


def _where(fleet: Any, *words: bytes) -> set[str]:
    with connect(fleet.settings) as connection:
        places = [*_files(fleet.home), *redis_contents(connection)]
    return {name for name, content in places if any(word in content for word in words)}


def _bodies(fleet: Any) -> list[bytes]:
    with fleet.stores.database.reading() as connection:
        return [bytes(packed) for packed in connection.execute(select(Blob.packed)).scalars()]


def _slices(fleet: Any) -> list[bytes]:
    """Return a slice of each stored body, because a search for words finds nothing in compressed bodies."""
    return [body[40:72] for body in _bodies(fleet)]


def test_purges_leave_no_trace_and_neither_running_jobs_nor_later_scrapes_restore_anything(
    make_fleet: Any, changing_site: ChangingSite, openai_simulator: Any
) -> None:
    """A host is purged while a job reads its page; later, an agent is purged, but not the owner on the same page."""
    api = openai_simulator()
    root, path = changing_site.address, "/agents/quackenbush-48213"
    changing_site.pages[path] = PAGE
    fleet = make_fleet(OPENAI_API_KEY=api.keys[0], OPENAI_BASE_URL=api.base_url, FETCH_MIN_DELAY_SECONDS="0")
    fleet.start_worker(concurrency=2)

    def start(path: str) -> list[str]:
        enqueued = fleet.stores.jobs.enqueue([root + path], refresh=True)
        send_jobs(fleet.app, fleet.stores.jobs, enqueued.jobs)
        return list(enqueued.new)

    def purge_all(kind: PurgeKind, name: str) -> PurgeResult:
        return purge(fleet.settings, fleet.stores.database, kind, name, who="alice", dry_run=False)

    done, failed = fleet.send(root + path, f"{root}{path}/gone")
    fleet.wait_for_state([done], "done")
    fleet.wait_for_state([failed], "failed")
    packed = _slices(fleet)
    assert packed
    assert any("propintel.sqlite3" in name for name in _where(fleet, *packed))
    # the failed job's result contains its URL and is written after the job's row
    fleet.until(lambda: any(name.startswith("Redis") for name in _where(fleet, *AGENT_WORDS)), 20)

    changing_site.pages[path] = PAGE.replace("with care", "with great care")
    api.set_key(api.keys[0], behavior="slow", seconds=8)
    before = api.stats()["totals"]["requests"]
    (under_way,) = start(path)
    fleet.until(lambda: api.stats()["totals"]["requests"] > before, 30)
    packed += _slices(fleet)
    result = purge_all(PurgeKind.HOST, "127.0.0.1")
    assert result.removed["jobs"] == 3
    assert result.removed["source_records"] == result.removed["properties"] == 1
    fleet.wait_for_line("was purged while it was read")
    with connect(fleet.settings) as connection:
        fleet.until(lambda: connection.get(f"celery-task-meta-{under_way}") is not None, 20)
    assert result.wiped
    assert _where(fleet, *packed, *AGENT_WORDS, b"Vandermolen") == set()
    assert fleet.stores.jobs.list() == []

    api.set_key(api.keys[0], behavior="ok")
    fleet_log = fleet.log("worker")
    changing_site.pages["/homes/12"] = PAGE
    (job,) = fleet.wait_for_state(start("/homes/12"), "done")
    assert fleet.stores.properties.get(job.property_id)["record"]["ListAgentFullName"] == AGENT
    packed = _slices(fleet)
    assert purge_all(PurgeKind.PERSON, "Quackenbush, Ottilie").wiped
    assert _where(fleet, *packed, *AGENT_WORDS) == set()
    changing_site.pages["/homes/12"] = PAGE.replace("310000", "305000").replace("310,000", "305,000")
    fleet.wait_for_state(start("/homes/12"), "done")
    record = fleet.stores.properties.get(job.property_id)["record"]
    assert record["ListPrice"] == 305_000
    assert "Quackenbush" not in str(record)
    assert _where(fleet, *packed, *AGENT_WORDS) == set()
    texts = [unpack(body) for body in _bodies(fleet)]
    assert any(OWNER.encode() in text for text in texts), "the purge removed another person"
    assert not any(b"Quackenbush" in text for text in texts)
    assert "uackenbush" not in fleet.log("worker").removeprefix(fleet_log), "a log contains the purged name"
