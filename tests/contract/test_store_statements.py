"""The number of SQL statements does not grow with the number of properties or watches."""

import pytest
from sqlalchemy import delete, event, text, update

from app.errors.fetching import TransientHttpStatusError
from app.property.storage.database import Database
from app.property.storage.jobs.models import Job
from app.property.storage.jobs.usage import Requester
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.watches.budget import WatchLimits
from app.property.storage.watches.models import Change, Watch
from app.redis.fleet_clock import FleetClock
from app.services.reports.identity_decisions import explanation
from benchmarks.saving import save_record
from tests.contract.conftest import ON_POSTGRESQL
from tests.contract.test_store_properties import ADDRESS, source
from tests.plugins.statements import recorded
from tests.plugins.stores import Stores
from tests.plugins.watch_steps import DAY, end, show_change, store_property

FEW, MANY = 3, 30
LIMITS = WatchLimits(pages=1000, model_calls=10, daily_targets=1000)
DOWN = TransientHttpStatusError("https://site.example/", 503, None)


def fill(db: Stores, numbers: range) -> None:
    for number in numbers:
        address = {**ADDRESS, "StreetNumber": str(number), "PostalCode": "62701"}
        db.save(source(f"https://a.example/{number}", ListPrice=100_000 + number, **address))


def test_storing_a_page_takes_as_many_statements_with_many_properties_as_with_few(db: Stores) -> None:
    found = []
    for few_or_many in (range(100, 103), range(200, 240)):
        fill(db, few_or_many)
        address = {**ADDRESS, "StreetNumber": str(few_or_many[0]), "PostalCode": "62701"}
        with recorded(db) as sent:
            db.save(source(f"https://b.example/{few_or_many[0]}", YearBuilt=1990, **address))
        found.append(len(sent))
    assert found[0] == found[1]
    assert found[0] <= (16 if db.is_sqlite else 20)


def test_decisions_take_as_many_statements_with_many_pages_as_with_few(db: Stores) -> None:
    found = []
    for number, pages in ((100, 2), (200, 12)):
        homes = []
        for street in ("Main St", "Harbor St"):
            address = {**ADDRESS, "StreetNumber": str(number), "StreetName": street}
            homes += {db.save(source(f"https://s{n}.example/{number}/{street}", **address)) for n in range(pages)}
        with recorded(db) as joining:
            joined = db.decisions.join(*homes, who="tester")
        with recorded(db) as explaining:
            explanation(db, homes[0])
        with recorded(db) as undoing:
            db.decisions.undo(joined.id, who="tester")
        found.append([len(joining), len(explaining), len(undoing)])
    assert found[0] == found[1]


def test_the_clock_reads_redis_outside_of_transactions(database_url: str) -> None:
    uptime, is_open, during_transaction = [0.0], [False], list[bool]()

    def read_redis() -> int:
        during_transaction.append(is_open[0])
        return 1_800_000_000_000_000

    mine = Database(database_url, FleetClock(read_redis, monotonic=lambda: uptime[0]))
    with mine.reading() as connection:
        engine = connection.engine
    for name in ("begin", "commit", "rollback"):
        event.listen(engine, name, lambda _, begins=name == "begin": is_open.__setitem__(0, begins))
    for _ in range(3):
        uptime[0] += 61
        save_record(PropertyStore(mine), source("https://a.example/1", ListPrice=uptime[0], **ADDRESS))
    mine.close()
    assert during_transaction == [False, False, False]


@ON_POSTGRESQL
def test_postgresql_plans_are_not_reused_for_grown_tables(db: Stores) -> None:
    """A plan that was made for an empty table would later scan the whole table."""
    fill(db, range(100, 120))
    with db.reading() as connection:
        plan_counts = "sum(custom_plans), sum(generic_plans) FROM pg_prepared_statements WHERE parameter_types <> '{}'"
        custom, generic = connection.execute(text(f"SELECT {plan_counts}")).one()
    assert custom > 0
    assert generic == 0


@pytest.mark.parametrize("outcome", ["read", "failed", "in part"])
def test_a_tick_takes_as_many_statements_for_many_watches_as_for_few(db: Stores, outcome: str) -> None:
    """Each watched property has two pages. The statements that start, end, and retry their jobs are counted."""
    sent = []
    for count in (FEW, MANY):
        homes = [
            store_property(db, f"https://a.example/{count}/{n}", f"https://b.example/{count}/{n}") for n in range(count)
        ]
        caller = Requester(f"{count:064x}", 1000)
        db.watches.add(homes, interval_days=1, requester=caller)
        with db.writing() as connection:  # without the prepaid first refresh, which needs other statements
            connection.execute(update(Watch).values(prepaid=False))
        db.clock.advance(DAY)
        with recorded(db) as begins:
            made = db.watches.tick(LIMITS, seconds=DAY).jobs
        assert len(made) == 2 * count
        for n, job in enumerate(made):
            failed = outcome == "failed" or (outcome == "in part" and n % 2)
            end(db, job, DOWN if failed else homes[0])
        with recorded(db) as ends:
            db.watches.tick(LIMITS, seconds=DAY)
        db.clock.advance(3600)
        for home in homes:
            show_change(db, home, f"https://c.example/{home}", db.clock.now())
        with recorded(db) as repeats:
            assert len(db.watches.tick(LIMITS, seconds=DAY).jobs) >= count
        sent.append((len(begins), len(ends), len(repeats)))
        with db.writing() as connection:
            for table in (Change.__table__, Watch.__table__):
                connection.execute(delete(table))
            connection.execute(update(Job).values(state="done", due_at=None))
    assert sent[0] == sent[1]
