"""A database that was restored from a backup forgets again what was purged since, told by hashes that stand outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from app.clock import ManualClock
from app.errors import ConfigurationError
from app.errors.purging import PersonPurgedMeanwhileError
from app.errors.storage import PurgesDueError
from app.property.people import parse_name
from app.property.storage.engine import Database
from app.property.storage.names_key import NamesKey
from app.property.storage.person_purging import PersonPurge
from app.property.storage.personal_data import AgeLimits
from app.property.storage.purge_account import PurgeAccount
from app.property.storage.purge_scope import PurgeKind
from app.property.storage.purging import PurgeStore
from app.property.storage.repurging import Repurge
from app.property.storage.tables import metadata, purges
from tests.contract.test_store_purging import AGENT, MOBILE, OTHER, PAGE, Service, found, rows

ADDRESS = "12 Oak St, Springfield, IL 62701"
ANYTHING = (AGENT, "homes.example", "48213")
Restore = Callable[[], Database]


@pytest.fixture
def service(database: Database, clock: ManualClock) -> Service:
    return Service(database, clock)


@pytest.fixture
def restore(
    request: pytest.FixtureRequest, database: Database, clock: ManualClock, tmp_path: Path
) -> Iterator[Restore]:
    """Make a backup now: another database with the same rows, of every table."""
    made = list[Database]()

    def backup() -> Database:
        url = f"sqlite:///{tmp_path / f'restored-{len(made)}.sqlite3'}"
        if not database.is_sqlite:
            url = str(request.getfixturevalue("postgresql").new_database())
        made.append(Database(url, clock, names_key=NamesKey("k" * 32)))
        with database.reading() as old, made[-1].writing() as new:
            for table in metadata.sorted_tables:
                for row in old.execute(select(table)).mappings().all():
                    new.execute(insert(table).values(dict(row)))
        return made[-1]

    yield backup
    for one in made:
        one.close()


def note(database: Database, restored: Database) -> None:
    """What a journal does: tell the restored database of all purges."""
    PurgeAccount(restored).note_due(PurgeAccount(database).entries())


def purge(database: Database, kind: PurgeKind, name: str) -> None:
    if kind is PurgeKind.PERSON:
        PersonPurge(database).purge(parse_name(name), who="alice", dry_run=False)
    else:
        PurgeStore(database).purge(kind, name, who="alice", dry_run=False)


@pytest.mark.parametrize(
    "named",
    [
        (PurgeKind.URL, PAGE),
        (PurgeKind.HOST, "homes.example"),
        (PurgeKind.PROPERTY, ""),
        (PurgeKind.ADDRESS, ADDRESS),
        (PurgeKind.PERSON, AGENT),
    ],
    ids=lambda named: str(named[0]),
)
def test_what_was_purged_after_the_backup_is_gone_after_its_restore(
    database: Database, service: Service, restore: Restore, clock: ManualClock, named: tuple[PurgeKind, str]
) -> None:
    """And nothing else is, nor before somebody has it repeated; then nothing is due, and its account is there again."""
    kind, name = named
    service.scrape(OTHER, "Nobody Special", StreetNumber="77", YearBuilt=1987)
    _, home = service.scrape(PAGE, ListPrice=100)
    service.scrape(MOBILE, page_url=PAGE, ListPrice=80)
    service.hear(home, PAGE)
    restored = restore()
    clock.advance(60)
    purge(database, kind, name or home)
    note(database, restored)
    with pytest.raises(PurgesDueError, match="propintel db repurge"):
        PurgeAccount(restored).require_none_due()
    assert found(restored, AGENT), "else there is nothing to forget"

    repeated, purged = Repurge(restored).run(who="bob")
    assert repeated == 1
    assert found(restored, *(ANYTHING if kind is not PurgeKind.PERSON else [AGENT])) == []
    assert purged.removed["bodies"] > 0
    assert Service(restored, clock).properties.page().items[0]["record"]["YearBuilt"] == 1987
    assert rows(restored)["records"] == (2 if kind is PurgeKind.PERSON else 1)
    PurgeAccount(restored).require_none_due()
    assert PurgeAccount(restored).entries() == PurgeAccount(database).entries()
    with restored.reading() as connection:
        told = {row.kind: row for row in connection.execute(select(purges))}
    assert (told["repeat"].who, told["repeat"].removed) == ("bob", purged.removed)
    assert told[str(kind)].who == "alice"
    note(database, restored)
    assert Repurge(restored).run(who="bob")[0] == 0


def test_a_person_stays_forgotten_in_the_restored_database(
    database: Database, service: Service, restore: Restore, clock: ManualClock
) -> None:
    restored = restore()
    late = Service(restored, clock).page(PAGE)
    clock.advance(1)
    purge(database, PurgeKind.PERSON, AGENT)
    note(database, restored)
    Repurge(restored).run(who="bob")
    with pytest.raises(PersonPurgedMeanwhileError):
        Service(restored, clock).pages.save_page(late)


@pytest.mark.parametrize(("kind", "name"), [(PurgeKind.URL, PAGE), (PurgeKind.HOST, "www.homes.example")])
def test_urls_that_were_known_for_one_page_only_later_go_too(
    database: Database, service: Service, restore: Restore, kind: PurgeKind, name: str
) -> None:
    """The backup has the mobile page and does not know whose it is."""
    service.scrape(MOBILE)
    restored = restore()
    service.scrape(MOBILE, page_url=PAGE)
    purge(database, kind, name)
    note(database, restored)
    Repurge(restored).run(who="bob")
    assert found(restored, *ANYTHING) == []


def test_what_was_at_the_address_when_the_backup_was_made_goes_though_it_said_so_no_more(
    database: Database, service: Service, restore: Restore
) -> None:
    service.scrape(PAGE)
    restored = restore()
    service.scrape(PAGE, StreetNumber="4711")
    purge(database, PurgeKind.ADDRESS, ADDRESS)
    assert found(database, "4711"), "it is not at that address now"
    note(database, restored)
    Repurge(restored).run(who="bob")
    assert found(restored, *ANYTHING) == []


def test_what_the_database_knows_of_is_not_repeated(
    database: Database, service: Service, restore: Restore, clock: ManualClock
) -> None:
    """It was purged, and scraped anew since: the backup is from after both."""
    purge(database, PurgeKind.URL, PAGE)
    clock.advance(1)
    service.scrape(PAGE)
    restored = restore()
    note(database, restored)
    PurgeAccount(restored).require_none_due()
    assert Repurge(restored).run(who="bob")[0] == 0
    assert found(restored, AGENT)


def test_a_neighbour_of_the_same_name_stays(database: Database, service: Service, restore: Restore) -> None:
    for n, url in enumerate(("https://myhomes.example/1", "https://homes.example.org/2")):
        service.scrape(url, "Nobody Special", StreetNumber=str(n))
    restored = restore()
    purge(database, PurgeKind.HOST, "homes.example")
    note(database, restored)
    before = rows(restored)
    assert not any(Repurge(restored).run(who="bob")[1].removed.values())
    assert {**rows(restored), "purges": 0, "purge_marks": 0} == {**before, "purges": 0, "purge_marks": 0}


def test_without_the_key_of_the_purges_nothing_is_removed_and_they_stay_due(
    database: Database, service: Service, restore: Restore, clock: ManualClock
) -> None:
    service.scrape(PAGE)
    restored = restore()
    purge(database, PurgeKind.URL, PAGE)
    note(database, restored)
    other = Database(restored.url.render_as_string(hide_password=False), clock, names_key=NamesKey("o" * 32))
    with pytest.raises(ConfigurationError, match="PRIVACY_KEY"):
        Repurge(other).run(who="bob")
    other.close()
    assert found(restored, AGENT)
    with pytest.raises(PurgesDueError):
        PurgeAccount(restored).require_none_due()


def test_pages_are_not_purged_without_a_key_for_their_hashes(database_url: str, clock: ManualClock) -> None:
    bare = Database(database_url, clock)
    Service(bare, clock).scrape(PAGE)
    assert PurgeStore(bare).purge(PurgeKind.URL, PAGE, who="alice", dry_run=True).removed["bodies"] == 2
    with pytest.raises(ConfigurationError, match="PRIVACY_KEY"):
        PurgeStore(bare).purge(PurgeKind.URL, PAGE, who="alice", dry_run=False)
    assert found(bare, AGENT)
    bare.close()


def test_what_went_by_age_is_not_repeated_and_a_dry_run_is_no_purge(
    database: Database, service: Service, clock: ManualClock
) -> None:
    service.scrape(PAGE)
    PurgeStore(database).purge(PurgeKind.URL, PAGE, who="alice", dry_run=True)
    clock.advance(400 * 86_400)
    assert AgeLimits(database).prune_names(365).records == 1
    assert PurgeAccount(database).entries() == []
