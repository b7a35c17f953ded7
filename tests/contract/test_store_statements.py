"""The number of SQL statements does not grow with the number of properties."""

from sqlalchemy import event, text

from app.property.storage.database import Database
from app.property.storage.properties.decisions import DecisionStore
from app.property.storage.properties.repository import PropertyStore
from app.redis.fleet_clock import FleetClock
from app.services.reports.identity_decisions import explanation
from benchmarks.saving import save_record
from tests.contract.conftest import ON_POSTGRESQL
from tests.contract.test_store_properties import ADDRESS, source
from tests.plugins.statements import recorded


def fill(store: PropertyStore, numbers: range) -> None:
    for number in numbers:
        address = {**ADDRESS, "StreetNumber": str(number), "PostalCode": "62701"}
        save_record(store, source(f"https://a.example/{number}", ListPrice=100_000 + number, **address))


def test_storing_a_page_takes_as_many_statements_with_many_properties_as_with_few(database: Database) -> None:
    store = PropertyStore(database)
    found = []
    for few_or_many in (range(100, 103), range(200, 240)):
        fill(store, few_or_many)
        address = {**ADDRESS, "StreetNumber": str(few_or_many[0]), "PostalCode": "62701"}
        with recorded(database) as sent:
            save_record(store, source(f"https://b.example/{few_or_many[0]}", YearBuilt=1990, **address))
        found.append(len(sent))
    assert found[0] == found[1]
    assert found[0] <= (16 if database.is_sqlite else 20)


def test_decisions_take_as_many_statements_with_many_pages_as_with_few(database: Database) -> None:
    store, decisions = PropertyStore(database), DecisionStore(database)
    found = []
    for number, pages in ((100, 2), (200, 12)):
        homes = []
        for street in ("Main St", "Harbor St"):
            address = {**ADDRESS, "StreetNumber": str(number), "StreetName": street}
            homes += {
                save_record(store, source(f"https://s{n}.example/{number}/{street}", **address)) for n in range(pages)
            }
        with recorded(database) as joining:
            joined = decisions.join(*homes, who="tester")
        with recorded(database) as explaining:
            explanation(database, homes[0])
        with recorded(database) as undoing:
            decisions.undo(joined.id, who="tester")
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
        uptime[0] += 61  # after 61 s, the clock reads Redis again
        save_record(PropertyStore(mine), source("https://a.example/1", ListPrice=uptime[0], **ADDRESS))
    mine.close()
    assert during_transaction == [False, False, False]


@ON_POSTGRESQL
def test_postgresql_plans_are_not_reused_for_grown_tables(database: Database) -> None:
    """A plan made for an empty table would scan the whole table after it has grown. SQLite does not reuse plans."""
    store = PropertyStore(database)
    fill(store, range(100, 120))
    with database.reading() as connection:
        plan_counts = "sum(custom_plans), sum(generic_plans) FROM pg_prepared_statements WHERE parameter_types <> '{}'"
        custom, generic = connection.execute(text(f"SELECT {plan_counts}")).one()
    assert custom > 0
    assert generic == 0
