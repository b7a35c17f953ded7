"""What is noticed of a property that changes, and what is told of it, on both databases."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import OperationalError

from app.clock import ManualClock
from app.errors.requests import InvalidCursorError
from app.property.merging.change_confirmation import PublishingRules
from app.property.page import Page
from app.property.record import Method
from app.property.storage.database import Database
from app.property.storage.pages.repository import PageStore
from app.property.storage.privacy.repository import PurgeStore
from app.property.storage.privacy.scope import PurgeKind
from app.property.storage.properties.decisions import DecisionStore
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.statements import entities, new_id
from app.property.storage.watches.budget import WatchLimits
from app.property.storage.watches.changes import ChangeStore, Followed, publish
from app.property.storage.watches.models import Change
from app.property.storage.watches.repository import Watches
from benchmarks.saving import save_record
from tests.contract.conftest import ON_POSTGRESQL
from tests.plugins.page_records import page_record
from tests.plugins.statements import recorded

ADDRESS = {"StreetNumber": "12", "StreetName": "Main Street", "City": "Springfield", "StateOrProvince": "IL"}
TELLING = PublishingRules()
A, B = "https://a.example/1", "https://b.example/1"


class Home:
    """A home whose pages are read again and again."""

    def __init__(self, database: Database, clock: ManualClock, telling: PublishingRules = TELLING) -> None:
        self.store = PropertyStore(database, telling)
        self.database = database
        self.feed = ChangeStore(database)
        self.clock = clock
        self._reads = 0
        self._kept = ""

    def read(self, url: str, *, edition: str = "e1", method: Method = Method.LABEL, **values: Any) -> str:
        """The page now, with these values and a body that nobody saw before."""
        self._reads += 1
        sha, self._kept = self._kept or f"{self._reads:064d}", ""
        at = self.clock.now()
        said = {**ADDRESS, "X_Currency": "USD", **values}
        record = page_record(url, said, at, sha, method=method, quote="it says {}")
        return save_record(self.store, record, edition=edition)

    def keep(self, text: str) -> None:
        """Keep `text` as the body of the page that is read next."""
        page = Page(A, A, "text/html", text, text.encode(), self.clock.now())
        PageStore(self.database).save_page(page)
        self._kept = page.sha256

    def look_again(self, **values: Any) -> None:
        """As often as is asked for, each time the page says `values`."""
        while True:
            self.clock.advance(3600)
            due = self.looks_due()
            if not due:
                return
            for _, url in due:
                self.read(url, **values)

    def looks_due(self) -> list[tuple[str, str]]:
        """What is to be looked at now, and is: property and page."""
        now = self.clock.now()
        with self.database.writing() as connection:
            due = update(Change).where(Change.look_at <= now).values(look_at=now + timedelta(minutes=30))
            looks = connection.execute(due.returning(Change.property_id, Change.url))
            return sorted({(look.property_id, look.url) for look in looks})

    def told(self) -> list[tuple[str, Any, Any]]:
        return [(change.field, change.old, change.new) for change in self.feed.since().changes]


@pytest.fixture
def home(database: Database, clock: ManualClock) -> Home:
    return Home(database, clock)


def test_the_first_sight_of_a_property_and_of_a_page_tells_nothing(home: Home) -> None:
    home.read(A, ListPrice=500000)
    home.read(B, ListPrice=480000, StandardStatus="Active")
    home.look_again()
    assert home.told() == []


def test_a_change_that_one_page_shows_is_told_after_further_looks_with_the_evidence_of_both(home: Home) -> None:
    property_id = home.read(A, ListPrice=500000)
    home.clock.advance(86400)
    home.read(A, ListPrice=480000)
    seen_at = home.clock.now()
    assert home.told() == []
    home.look_again(ListPrice=480000)
    (change,) = home.feed.since().changes
    assert (change.property_id, change.field, change.old, change.new) == (property_id, "ListPrice", 500000, 480000)
    assert change.old_evidence is not None
    assert (change.old_evidence["quote"], change.new_evidence["quote"]) == ("it says 500000", "it says 480000")
    assert (change.context["new"], change.seen_at) == ({"X_Currency": "USD"}, seen_at)
    assert change.published_at > seen_at
    assert change.why == "3 further looks agree"


def test_a_look_is_due_five_minutes_after_the_page_showed_the_change(home: Home) -> None:
    property_id = home.read(A, ListPrice=500000)
    home.clock.advance(86400)
    home.read(A, ListPrice=480000)
    assert home.looks_due() == []
    home.clock.advance(300)
    assert home.looks_due() == [(property_id, A)]


def test_looks_before_their_time_do_not_count(home: Home) -> None:
    """A page that is scraped every minute shows what is cached for an hour many times."""
    home.read(A, ListPrice=500000)
    home.clock.advance(86400)
    for _ in range(35):
        home.read(A, ListPrice=480000)
        assert home.told() == []
        home.clock.advance(60)
    home.read(A, ListPrice=480000)
    assert home.told() == [("ListPrice", 500000, 480000)]


def test_a_watch_looks_again_by_itself(home: Home, database: Database) -> None:
    property_id = home.read(A, ListPrice=500000)
    watches, limits = Watches(database), WatchLimits(pages=100, model_calls=0)
    watches.add([property_id], interval_days=7)
    home.clock.advance(3600)
    home.read(A, ListPrice=480000)
    home.clock.advance(299)
    assert watches.tick(limits).jobs == []
    home.clock.advance(30)  # a database that was busy may have slept on the clock
    assert [job.target for job in watches.tick(limits).jobs] == [A]


def test_two_sources_that_change_alike_are_told_at_once(home: Home) -> None:
    for url in (A, B):
        home.read(url, ListPrice=500000)
    home.clock.advance(86400)
    for url in (A, B):
        home.read(url, ListPrice=480000)
    assert home.told() == [("ListPrice", 500000, 480000)]
    home.look_again(ListPrice=480000)
    assert home.told() == [("ListPrice", 500000, 480000)]


def test_a_page_that_says_one_and_the_other_in_turns_is_never_told(home: Home) -> None:
    """By the hour or by the look; it is known from its first turn on."""
    for price in [500000, 480000] * 5:
        home.read(A, ListPrice=price)
        home.clock.advance(3600)
    assert home.told() == []


def test_a_page_that_another_source_denies_by_the_day_is_not_told(home: Home) -> None:
    for day in range(7):
        home.read(B, ListPrice=500000)
        home.read(A, ListPrice=480000 if day % 2 else 500000)
        home.clock.advance(86400)
    assert home.told() == []


def test_a_real_change_of_a_page_that_flapped_is_told_when_it_holds(home: Home) -> None:
    for price in (500000, 480000, 500000):
        home.read(A, ListPrice=price)
        home.clock.advance(3600)
    for told in (*([],) * 10, [("ListPrice", 500000, 450000)]):  # ten further looks
        home.read(A, ListPrice=450000)
        home.clock.advance(86400)
        assert home.told() == told


@pytest.mark.parametrize("gap_seconds", [86400, 3600 * 24 * 7])
def test_without_rechecks_the_next_look_tells(home: Home, gap_seconds: int) -> None:
    for price in (500000, 480000, 480000):
        home.read(A, ListPrice=price)
        home.clock.advance(gap_seconds)
    assert home.told() == [("ListPrice", 500000, 480000)]


def test_a_new_source_that_is_believed_more_tells_nothing(home: Home) -> None:
    """The property shows another value, but no page has changed."""
    home.read(A, ListPrice=500000)
    home.clock.advance(86400 * 60)
    property_id = home.read(B, ListPrice=480000)
    assert home.store.get(property_id)["record"]["ListPrice"] == 480000
    home.look_again()
    assert home.told() == []


def test_what_a_page_left_out_for_a_while_tells_nothing(home: Home) -> None:
    home.read(A, ListPrice=500000)
    for values in ({}, {"ListPrice": 500000}):
        home.clock.advance(86400)
        home.read(A, **values)
    home.look_again(ListPrice=500000)
    assert home.told() == []


def test_what_a_page_says_for_the_first_time_is_told_with_nothing_before(home: Home) -> None:
    permit = {"kind": "Re-roof", "date": "2026-03-02", "status": "Issued"}
    home.read(A, ListPrice=500000)
    home.clock.advance(86400)
    home.read(A, ListPrice=500000, X_Permits=[permit])
    home.look_again(ListPrice=500000, X_Permits=[permit])
    assert home.told() == [("X_Permits", None, [permit])]


@pytest.mark.parametrize("how", [{"edition": "e2"}, {"method": Method.LLM}, {"method": Method.RECIPE}])
def test_what_better_readers_or_a_model_find_on_a_page_is_no_change(home: Home, how: dict[str, Any]) -> None:
    home.read(A, ListPrice=500000)
    home.clock.advance(86400)
    home.read(A, ListPrice=500000, X_RoofYear=2019, **how)
    home.look_again(ListPrice=500000, X_RoofYear=2019, **how)
    assert home.told() == []


@pytest.mark.parametrize("how", [{"edition": "e2"}, {"method": Method.LLM}, {"method": Method.RECIPE}])
def test_a_page_that_is_read_otherwise_has_not_changed(home: Home, database: Database, how: dict[str, Any]) -> None:
    """Both quotes stand in both bodies: an estimate is taken for the price. Where the page has other words it has."""
    both = "<p>it says\n <b>500000</b></p><p>it says 480000</p>"
    home.keep(both)
    home.read(A, ListPrice=500000)
    home.clock.advance(86400)
    home.keep(f"{both}<!-- visit 2 -->")
    home.read(A, ListPrice=480000, **how)
    home.look_again(ListPrice=480000, **how)
    assert home.told() == []
    home.keep(both.replace("480000", "470000"))
    home.read(A, ListPrice=470000, **how)
    home.look_again(ListPrice=470000, **how)
    assert home.told() == [("ListPrice", 480000, 470000)]


def test_words_that_are_new_on_a_page_are_a_change_though_a_recipe_reads_them(home: Home) -> None:
    """Most pages of a site are read by its recipe: what appears on one of them must be told."""
    home.keep("<p>for sale</p>")
    home.read(A, ListPrice=500000)
    home.clock.advance(86400)
    home.keep("<p>it says 450000</p>")
    home.read(A, ListPrice=500000, ClosePrice=450000, method=Method.RECIPE)
    home.look_again(ListPrice=500000, ClosePrice=450000, method=Method.RECIPE)
    assert home.told() == [("ClosePrice", None, 450000)]


def test_fields_that_nobody_asked_for_tell_nothing(database: Database, clock: ManualClock) -> None:
    home = Home(database, clock, PublishingRules(fields=("StandardStatus",), looks=0))
    home.read(A, ListPrice=500000, StandardStatus="Active")
    home.clock.advance(86400)
    home.read(A, ListPrice=480000, StandardStatus="Pending")
    assert home.told() == [("StandardStatus", "Active", "Pending")]


def test_a_join_or_a_split_tells_nothing_and_takes_the_changes_along(home: Home, database: Database) -> None:
    one = home.read(A, ListPrice=500000)
    home.clock.advance(86400)
    home.read(A, ListPrice=450000)
    home.look_again(ListPrice=450000)
    other = home.read(B, StreetNumber="14", StreetName="Oak Avenue", ListPrice=700000)
    assert one != other
    before = home.told()
    DecisionStore(database).join(other, one, who="me")
    assert home.told() == before == [("ListPrice", 500000, 450000)]
    assert [change.field for change in home.feed.newest(property_id=one)] == ["ListPrice"]  # by either id
    assert [change.field for change in home.feed.since(property_id=one).changes] == ["ListPrice"]
    assert home.feed.newest(property_id=other)[0].property_id == other
    split = DecisionStore(database).split(other, [A], who="me")
    assert home.told() == before
    assert [change.property_id for change in home.feed.newest(property_id=split.other_id)] == [split.other_id]


def test_a_feed_is_followed_by_its_cursor(home: Home) -> None:
    start = home.feed.since("latest").next_since
    assert home.feed.since(start) == Followed([], start)
    for url in (A, B):
        home.read(url, ListPrice=1)
    for price in (200, 3000, 40000):
        home.clock.advance(86400)
        for url in (A, B):
            home.read(url, ListPrice=price + 0.5)
    first = home.feed.since(start, limit=2)
    rest = home.feed.since(first.next_since, limit=2)
    assert [one.new for one in first.changes + rest.changes] == [200.5, 3000.5, 40000.5]
    assert (first.has_more, rest.has_more) == (True, False)
    assert home.feed.since(rest.next_since) == Followed([], rest.next_since)
    assert home.feed.since("latest").next_since == rest.next_since
    assert home.feed.since(start, property_id="another").changes == []
    with pytest.raises(InvalidCursorError):
        home.feed.since("nonsense")


def test_a_purged_page_is_in_no_change_and_its_number_is_not_given_again(home: Home, database: Database) -> None:
    def change(url: str, *prices: int) -> None:
        for price in prices:
            home.clock.advance(86400)
            home.read(url, ListPrice=price)

    change(A, 500000, 450000, 450000)
    change(A, 430000)  # stands, not told yet
    cursor = home.feed.since("latest").next_since
    PurgeStore(database).purge(PurgeKind.HOST, "a.example", who="me", dry_run=False)
    with database.reading() as connection:
        assert connection.execute(select(Change.id)).all() == []
    change(B, 300000, 280000, 280000)
    assert [one.new for one in home.feed.since(cursor).changes] == [280000]


def test_a_purged_property_leaves_no_change(home: Home, database: Database) -> None:
    for price in (500000, 450000, 450000, 430000):
        property_id = home.read(A, ListPrice=price)
        home.clock.advance(86400)
    PurgeStore(database).purge(PurgeKind.PROPERTY, property_id, who="me", dry_run=False)
    with database.reading() as connection:
        assert connection.execute(select(Change.id)).all() == []


def test_old_changes_are_pruned(home: Home) -> None:
    for price in (500000, 450000, 450000):
        home.read(A, ListPrice=price)
        home.clock.advance(86400)
    assert home.feed.prune(home.clock.now() - timedelta(days=7)) == 0
    assert home.feed.prune(home.clock.now()) == 1
    assert home.told() == []


# --- the order of commits


def _pending(connection: Connection, property_id: str, value: int) -> Change:
    at, proof = datetime(2026, 1, 1, tzinfo=UTC), {"source_url": A}
    row = {
        "id": new_id(), "property_id": property_id, "field": "ListPrice", "url": A, "old": 1, "new": value,
        "old_evidence": proof, "new_evidence": proof, "context": {"old": {}, "new": {}}, "urls": f" {A} ",
        "seen_at": at, "updated_at": at,
    }  # fmt: skip
    connection.execute(insert(Change).values(row))
    (made,) = entities(connection, select(Change).where(Change.id == row["id"]))
    return made


def test_a_change_that_commits_late_is_never_skipped(home: Home, database: Database) -> None:
    """Two transactions tell a change each; whichever ends first, a follower who reads between misses none."""
    property_id = home.read(A, ListPrice=1)
    started, followed = threading.Event(), list[Change]()
    cursor: str | None = None

    def follow() -> None:
        nonlocal cursor
        found = home.feed.since(cursor)
        followed.extend(found.changes)
        cursor = found.next_since

    def second() -> None:
        with database.writing() as connection:
            started.set()
            publish(database, connection, _pending(connection, property_id, 2), "two", home.clock.now())

    with database.writing() as connection:
        publish(database, connection, _pending(connection, property_id, 1), "one", home.clock.now())
        other = threading.Thread(target=second)
        other.start()
        if not database.is_sqlite:  # it is open beside this one; SQLite lets one write at a time
            assert started.wait(120)
            other.join(0.3)
        follow()
        assert followed == []
    other.join(10)
    assert not other.is_alive()
    follow()
    assert [change.new for change in followed] == [1, 2]


@ON_POSTGRESQL
def test_a_lower_number_that_commits_after_a_higher_one_would_be_missed(database: Database, home: Home) -> None:
    """What the lock is for: without it PostgreSQL numbers rows in the order of statements, not of commits. SQLite has
    one writer at a time."""
    property_id = home.read(A, ListPrice=1)
    with database.writing() as late:
        publish(database, late, _pending(late, property_id, 1), "late", home.clock.now())
        with database.writing() as early:
            change = _pending(early, property_id, 2)
            early.exec_driver_sql("SET LOCAL lock_timeout = '200ms'")
            with pytest.raises(OperationalError, match="lock timeout"):
                publish(database, early, change, "early", home.clock.now())
    assert [change.new for change in home.feed.since().changes] == [1]


def test_what_follows_a_cursor_is_counted(home: Home) -> None:
    began = home.feed.since("latest").next_since
    assert home.feed.count_since(began) == (0, None)
    for price in (500000, 450000, 400000):
        for url in (A, B):
            home.read(url, ListPrice=price)
        home.clock.advance(86400)
    first = home.feed.since(began, limit=1)
    assert home.feed.count_since(began) == (2, first.changes[0].published_at)
    assert home.feed.count_since(first.next_since)[0] == 1


def test_a_reread_asks_as_much_for_many_changes_as_for_few(database: Database, clock: ManualClock) -> None:
    """Of all that stand it is asked together how often pages and fields went back."""
    home = Home(database, clock, PublishingRules(looks=99))
    old: dict[str, Any] = {
        "ListPrice": 500000,
        "StandardStatus": "Active",
        "TaxAssessedValue": 400000,
        "TaxAnnualAmount": 5000,
    }
    new: dict[str, Any] = {
        "ListPrice": 480000,
        "StandardStatus": "Pending",
        "TaxAssessedValue": 420000,
        "TaxAnnualAmount": 5500,
    }
    home.read(A, **old)
    asked, stand = [], []
    for change in ({"ListPrice": 480000}, new):
        clock.advance(1)
        home.read(A, **{**old, **change})
        clock.advance(1)
        with recorded(database) as sent:
            home.read(A, **{**old, **change})
        asked.append(sum(sql.startswith("SELECT") for sql, _ in sent))
        with database.reading() as connection:
            stand.append(connection.execute(select(func.count()).where(Change.state == "pending")).scalar_one())
    assert stand[0] == 1 < stand[1]
    assert asked[0] == asked[1]
