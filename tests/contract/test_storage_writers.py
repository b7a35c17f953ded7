"""Writers block each other only if their records may describe the same property."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, select, text

from app.errors import NotFoundError
from app.errors.pages import IdentityDecisionError
from app.property.storage.jobs.models import Job
from app.property.storage.privacy.purge import Removal
from app.property.storage.properties import repository as storing
from app.property.storage.properties.tables import Property, SourceRow
from benchmarks.saving import save_record
from tests.contract.conftest import ON_POSTGRESQL, count
from tests.contract.test_store_properties import ADDRESS, count_current, source
from tests.plugins.stores import Stores
from tests.plugins.waiting import wait_until
from tests.plugins.watch_steps import PLENTY

pytestmark = ON_POSTGRESQL


def page(number: int, site: str = "a", **values: Any) -> Any:
    home = {**ADDRESS, "StreetNumber": str(number), "PostalCode": "62701"}
    values_of_page = {name: value for name, value in {**home, **values}.items() if value is not None}
    return source(f"https://{site}.example/{number}", **values_of_page)


def test_two_properties_can_be_stored_at_the_same_time(db: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    held, go_on = threading.Event(), threading.Event()
    observe: Callable[..., None] = storing.observe

    def waiting(connection: Connection, home: str, record: Any) -> None:
        if record.url == "https://a.example/1":
            held.set()
            assert go_on.wait(60)
        observe(connection, home, record)

    monkeypatch.setattr(storing, "observe", waiting)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(save_record, db.properties, page(1))
        assert held.wait(60)
        try:
            second = threads.submit(save_record, db.properties, page(900, StreetName="Harbor")).result(60)
        finally:
            go_on.set()
        assert first.result(60) != second
    assert count_current(db) == 2


def test_writers_purges_and_pruning_can_run_at_the_same_time(db: Stores) -> None:
    """All operations change the same properties, and succeed because a transaction is repeated after a deadlock."""

    def write(n: int) -> None:
        db.save(page(n % 4 + 1, f"site{n}", ListPrice=100_000 + n, ListAgentFullName="Ada Example"))

    def purge(n: int) -> None:
        db.purge("url", f"https://site{n}.example/{n % 4 + 1}")

    def prune(_: int) -> None:
        db.ages.prune_names(1)
        db.ages.prune_observations(1)

    def join(_: int) -> None:
        with suppress(NotFoundError, IdentityDecisionError):
            one, other = (item["property"] for item in db.properties.page(limit=2).items[:2])
            db.decisions.join(one, other, who="tester")

    for n in range(8):
        write(n)
    db.clock.advance(400 * 86_400)
    work = [write, write, write, purge, prune, write, join, write]
    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(work[n % len(work)], n) for n in range(120)]:
            done.result(120)
    assert db.execute(select(SourceRow.id).where(SourceRow.property_id.not_in(select(Property.id)))) == []
    merged = select(Property.id).where(Property.merged_into.is_not(None))
    pointers = select(Property.id).where(Property.merged_into.in_(merged))
    assert db.execute(pointers) == [], "a merged property must point to a current one"


@contextmanager
def paused_purge(db: Stores, monkeypatch: pytest.MonkeyPatch) -> Iterator[Future[dict[str, int]]]:
    """Purge page 1 in another thread. During the `with` block, the purge waits after the page, before its property."""
    held, go_on, rebuild = threading.Event(), threading.Event(), Removal.rebuild_or_drop

    def waiting(part: Removal, property_ids: Sequence[str]) -> None:
        held.set()
        assert go_on.wait(60)
        rebuild(part, property_ids)

    monkeypatch.setattr(Removal, "rebuild_or_drop", waiting)
    with ThreadPoolExecutor(1) as threads:
        purged = threads.submit(db.purge, "url", page(1).url)
        assert held.wait(60)
        try:
            yield purged
        finally:
            go_on.set()


def test_a_purge_does_not_block_writers_of_other_properties(db: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    db.save(page(1))
    other = db.save(page(900, StreetName="Harbor"))
    db.clock.advance(1)
    with paused_purge(db, monkeypatch) as purged:
        newer = replace(page(900, StreetName="Harbor", ListPrice=90), content_sha256="e" * 64)
        assert db.save(newer) == other
    assert purged.result()["properties"] == 1
    assert count_current(db) == 1


def test_a_watch_does_not_request_a_page_that_is_being_purged(db: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tick starts before the deletion of the watch and its jobs is committed."""
    db.save(page(1))
    db.watches.add([page(1).url], interval_days=1)
    db.clock.advance(2 * 86_400)
    with ThreadPoolExecutor(1) as threads:
        with paused_purge(db, monkeypatch):
            ticked = threads.submit(db.watches.tick, PLENTY)
            wait_until(lambda: ticked.done() or waits(db), 10)
        assert ticked.result(60).jobs == []
    assert count(db, Job) == 0


def waits(db: Stores) -> bool:
    with db.reading() as connection:
        return bool(connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar())


def test_properties_appear_in_the_order_of_their_timestamps(db: Stores) -> None:
    """Otherwise a client that reads the feed could miss a property."""
    with ThreadPoolExecutor(1) as threads:
        with db.writing() as connection:
            first = db.properties.save(connection, page(1))
            second = threads.submit(save_record, db.properties, page(900, StreetName="Harbor"))
            wait_until(lambda: second.done() or waits(db), 10)
            assert not second.done()
        order = [first, second.result(60)]
    assert [one["property"] for one in db.properties.page().items] == order
