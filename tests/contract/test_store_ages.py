"""People's names and unused history are deleted at their age limit."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.clock import ManualClock
from app.property.storage.audit import AuditEntry
from app.property.storage.database import Database
from app.property.storage.pages.index import Seen
from app.property.storage.privacy.ages import AgeLimits
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import Observation, Unverified
from app.property.storage.statements import digest
from benchmarks.saving import save_record
from tests.plugins.job_ends import confirm, put_claims
from tests.plugins.page_records import page_record

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
    """Store a page as read now, with the agent's name in each quote. Return its property's id."""
    given = {"StreetNumber": "12", "StreetName": "Oak St", "PostalCode": "62701", "ListAgentFullName": AGENT, **values}
    sha, quote = digest(given), f"{{}} by {AGENT}"
    record = page_record(url, given, clock.now(), sha, quote=quote, page_url=url)
    return save_record(properties, record, edition="e1")


def fields(database: Database) -> dict[str, int]:
    query = select(Observation.field, func.count()).group_by(Observation.field)
    with database.reading() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def test_an_old_name_is_deleted_from_every_place(
    database: Database, properties: PropertyStore, ages: AgeLimits, clock: ManualClock
) -> None:
    home = read(properties, clock, ListPrice=100, PublicRemarks=f"Ask {AGENT}.")
    said = {"field": "ListAgentFullName", "value": AGENT, "quote": f"{AGENT} sells it", "reported_by": "m"}
    claim = Unverified(**said, url="https://dead.example/1", seen_at=clock.now())
    put_claims(database, home, [claim])
    clock.advance(100 * DAY)
    assert not ages.prune_names(100).records, "the name has not exceeded its age limit"
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
        entry = connection.execute(select(AuditEntry)).one()
    assert (entry.who, entry.action, entry.removed) == ("beat", "age", {"observations": 2, "records": 1})
    assert ages.prune_names(100) == type(aged)()


def test_a_confirmed_name_stays_and_a_deleted_name_returns_when_its_page_is_read(
    database: Database, properties: PropertyStore, ages: AgeLimits, clock: ManualClock
) -> None:
    """Confirming an unchanged page renews its values. If a name was deleted, the page must be read again."""
    home = read(properties, clock)
    sha256 = properties.get(home)["sources"][0]["content_sha256"]
    clock.advance(90 * DAY)
    assert confirm(database, Seen(PAGE, PAGE, sha256, "e1"), clock.now()) is not None
    clock.advance(90 * DAY)
    assert not ages.prune_names(100).records
    assert fields(database)["ListAgentFullName"] == 1
    clock.advance(11 * DAY)
    assert ages.prune_names(100).records == 1
    assert confirm(database, Seen(PAGE, PAGE, sha256, "e1"), clock.now()) is None, "the page must be read again"
    read(properties, clock)
    assert properties.get(home)["record"]["ListAgentFullName"] == AGENT


def test_old_history_is_deleted_and_current_values_stay(
    database: Database, properties: PropertyStore, ages: AgeLimits, clock: ManualClock
) -> None:
    home = read(properties, clock, ListPrice=100)
    clock.advance(10 * DAY)
    read(properties, clock, ListPrice=90)
    clock.advance(1000 * DAY)
    assert ages.prune_observations(1005).observations == 5
    assert not ages.prune_observations(500).observations, "the page still shows this value"
    assert fields(database) == dict.fromkeys(
        ["StreetNumber", "StreetName", "PostalCode", "ListAgentFullName", "ListPrice"], 1
    )
    assert properties.get(home)["record"]["ListPrice"] == 90


def test_names_are_deleted_in_small_transactions(
    database: Database, properties: PropertyStore, ages: AgeLimits, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.property.storage.privacy.ages._AT_ONCE", 2)
    for n in range(3):
        read(properties, clock, f"{PAGE}/{n}", StreetNumber=str(n + 1))
    clock.advance(timedelta(days=30).total_seconds())
    first, second = ages.prune_names(20), ages.prune_names(20)
    assert (first.records, first.more) == (2, True)
    assert second.records == 1
    assert "ListAgentFullName" not in fields(database)
