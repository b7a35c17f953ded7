"""A tick's number of SQL statements does not grow with the number of watches, and no transaction reads the clock."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, event, update

from app.clock import ManualClock
from app.errors.fetching import TransientHttpStatusError
from app.property.storage.database import Database
from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.jobs.repository import JobStore
from app.property.storage.jobs.usage import Requester
from app.property.storage.watches.budget import WatchLimits
from app.property.storage.watches.changes import ChangeStore
from app.property.storage.watches.models import Change, Watch
from app.property.storage.watches.repository import Watches
from tests.plugins.statements import recorded
from tests.plugins.watch_steps import DAY, PLENTY, URL, end, show_change, store_property

FEW, MANY = 3, 30
LIMITS = WatchLimits(pages=1000, model_calls=10, daily_targets=1000)
DOWN = TransientHttpStatusError("https://site.example/", 503, None)


@pytest.mark.parametrize("outcome", ["read", "failed", "in part"])
def test_a_tick_takes_as_many_statements_for_many_watches_as_for_few(
    outcome: str, watches: Watches, jobs: JobStore, database: Database, clock: ManualClock
) -> None:
    """Each watched property has two pages. The test counts the statements that start, end, and retry their jobs."""
    sent = []
    for count in (FEW, MANY):
        homes = [
            store_property(database, clock, f"https://a.example/{count}/{n}", f"https://b.example/{count}/{n}")
            for n in range(count)
        ]
        caller = Requester(f"{count:064x}", 1000)
        watches.add(homes, interval_days=1, requester=caller)
        with database.writing() as connection:  # disables the prepaid first refresh, which needs other statements
            connection.execute(update(Watch).values(prepaid=False))
        clock.advance(DAY)
        with recorded(database) as begins:
            made = watches.tick(LIMITS, seconds=DAY).jobs
        assert len(made) == 2 * count
        for n, job in enumerate(made):
            failed = outcome == "failed" or (outcome == "in part" and n % 2)
            end(jobs, job, DOWN if failed else homes[0])
        with recorded(database) as ends:
            watches.tick(LIMITS, seconds=DAY)
        clock.advance(3600)
        for home in homes:
            show_change(database, home, f"https://c.example/{home}", clock.now())
        with recorded(database) as repeats:
            assert len(watches.tick(LIMITS, seconds=DAY).jobs) >= count
        sent.append((len(begins), len(ends), len(repeats)))
        with database.writing() as connection:
            for table in (Change.__table__, Watch.__table__):
                connection.execute(delete(table))
            connection.execute(update(JobRow).values(state="done", due_at=None))
    assert sent[0] == sent[1]


class _GuardedClock(ManualClock):
    """Fails if it is read during a transaction.

    The clock of a fleet may read the time from Redis, which would make the transaction longer.
    """

    is_open = False

    def now(self) -> datetime:
        assert not self.is_open
        return super().now()


def test_the_clock_is_not_read_inside_a_transaction(database_url: str, database: Database, clock: ManualClock) -> None:
    home = store_property(database, clock, URL)
    show_change(database, home, URL, clock.now())
    guarded_clock = _GuardedClock(clock.now())
    mine = Database(database_url, guarded_clock)
    with mine.reading() as connection:
        engine = connection.engine

    def note(*, is_open: bool) -> Callable[[object], None]:
        return lambda _: setattr(guarded_clock, "is_open", is_open)

    for name in ("begin", "commit", "rollback"):
        event.listen(engine, name, note(is_open=name == "begin"))
    watches, changes_store, now = Watches(mine), ChangeStore(mine), guarded_clock.now()
    watches.add([home, URL], requester=Requester("a" * 64, 9))
    guarded_clock.advance(8 * DAY)
    assert watches.tick(PLENTY).jobs
    watches.page()
    watches.late(now)
    watches.remove(URL)
    changes_store.since()
    changes_store.prune(now - timedelta(days=9))
    mine.close()
