"""Ages of values: names of people go when nobody has seen them for so long, history when it is of no use any more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.clock import ManualClock
from app.property.page import Page
from app.property.record import Evidence, Method, PageKind
from app.property.source_record import SourceRecord
from app.property.storage.audit import AuditEntry
from app.property.storage.database import Database
from app.property.storage.pages.index import Seen
from app.property.storage.privacy.ages import AgeLimits
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import Observation, Unverified
from benchmarks.saving import save_record
from tests.plugins.job_ends import confirm, put_claims

AGENT = "Ottilie Quackenbush"
PAGE = "https://www.homes.example/h/48213"
DAY = 86_400


@pytest.fixture
def properties(database: Database) -> PropertyStore:
    return PropertyStore(database)


@pytest.fixture
def ages(database: Database) -> AgeLimits:
    return AgeLimits(database)


def read(properties: PropertyStore, clock: ManualClock, url: str = PAGE, **values: Any) -> str:
    """A page is read now; its quotes name the agent."""
    given = {"StreetNumber": "12", "StreetName": "Oak St", "PostalCode": "62701", "ListAgentFullName": AGENT, **values}
    page = Page(url, url, "text/html", "", repr(given).encode(), clock.now())
    proofs = {
        name: Evidence(value=value, raw=str(value), method=Method.LABEL, locator="/", quote=f"{value} by {AGENT}",
                       source_url=url, fetched_at=clock.now(), content_sha256=page.sha256, confidence=0.9)
        for name, value in given.items()
    }  # fmt: skip
    record = SourceRecord(url, url, PageKind.LISTING, page.sha256, clock.now(), given, proofs, url)
    return save_record(properties, record, edition="e1")


def fields(database: Database) -> dict[str, int]:
    query = select(Observation.field, func.count()).group_by(Observation.field)
    with database.reading() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def test_a_name_goes_with_all_that_repeats_it_when_nobody_saw_it_for_so_long(
    database: Database, properties: PropertyStore, ages: AgeLimits, clock: ManualClock
) -> None:
    home = read(properties, clock, ListPrice=100, PublicRemarks=f"Ask {AGENT}.")
    heard = Unverified(
        field="ListAgentFullName",
        value=AGENT,
        quote=f"{AGENT} sells it",
        url="https://dead.example/1",
        said_by="m",
        seen_at=clock.now(),
    )
    put_claims(database, home, [heard])
    clock.advance(100 * DAY)
    assert not ages.prune_names(100).records, "it is as old as it may be"
    clock.advance(1)
    aged = ages.prune_names(100)
    assert (aged.records, aged.more) == (1, False)
    shown = properties.get(home)
    assert AGENT not in str(shown)
    assert (shown["record"]["ListPrice"], shown["record"]["PublicRemarks"]) == (100, "Ask [removed].")
    assert shown["evidence"]["ListPrice"]["quote"] == "100 by [removed]"
    assert fields(database).keys() == {"StreetNumber", "StreetName", "PostalCode", "ListPrice"}
    with database.reading() as connection:
        assert AGENT not in str(connection.execute(select(Observation)).all())
        told = connection.execute(select(AuditEntry)).one()
    assert (told.who, told.action, told.removed) == ("beat", "age", {"observations": 2, "records": 1})
    assert ages.prune_names(100) == type(aged)()


def test_a_name_that_is_still_seen_stays_and_one_that_went_comes_with_the_next_reading(
    database: Database, properties: PropertyStore, ages: AgeLimits, clock: ManualClock
) -> None:
    """A site that confirms its page says all of it again. What went is not taken for what an unchanged page says."""
    home = read(properties, clock)
    sha256 = properties.get(home)["sources"][0]["content_sha256"]
    clock.advance(90 * DAY)
    assert confirm(database, Seen(PAGE, PAGE, sha256, "e1"), clock.now()) is not None
    clock.advance(90 * DAY)
    assert not ages.prune_names(100).records
    assert fields(database)["ListAgentFullName"] == 1
    clock.advance(11 * DAY)
    assert ages.prune_names(100).records == 1
    assert confirm(database, Seen(PAGE, PAGE, sha256, "e1"), clock.now()) is None, "it has to be read again"
    read(properties, clock)
    assert properties.get(home)["record"]["ListAgentFullName"] == AGENT


def test_history_goes_by_age_and_what_pages_show_now_stays(
    database: Database, properties: PropertyStore, ages: AgeLimits, clock: ManualClock
) -> None:
    home = read(properties, clock, ListPrice=100)
    clock.advance(10 * DAY)
    read(properties, clock, ListPrice=90)
    clock.advance(1000 * DAY)
    assert ages.prune_observations(1005).observations == 5
    assert not ages.prune_observations(500).observations, "the page says so still, by all that is known"
    assert fields(database) == dict.fromkeys(
        ["StreetNumber", "StreetName", "PostalCode", "ListAgentFullName", "ListPrice"], 1
    )
    assert properties.get(home)["record"]["ListPrice"] == 90


def test_it_goes_a_part_at_a_time(
    database: Database, properties: PropertyStore, ages: AgeLimits, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that nobody who writes waits long."""
    from app.property.storage.privacy import ages as personal_data

    monkeypatch.setattr(personal_data, "_AT_ONCE", 2)
    for n in range(3):
        read(properties, clock, f"{PAGE}/{n}", StreetNumber=str(n + 1))
    clock.advance(timedelta(days=30).total_seconds())
    first, second = ages.prune_names(20), ages.prune_names(20)
    assert (first.records, first.more) == (2, True)
    assert second.records == 1
    assert "ListAgentFullName" not in fields(database)
