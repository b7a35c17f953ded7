"""Which changes of properties are published, when, and in which order."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from app.clock import ManualClock
from app.errors.requests import InvalidCursorError
from app.property.merging.change_confirmation import PublishingRules
from app.property.page import Page
from app.property.record import Method
from app.property.storage.database import Database
from app.property.storage.pages.repository import PageStore
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.statements import entities, new_id
from app.property.storage.watches.changes import ChangeStore, Followed, publish
from app.property.storage.watches.models import Change
from benchmarks.saving import save_record
from tests.contract.conftest import count
from tests.plugins.page_records import page_record
from tests.plugins.statements import recorded
from tests.plugins.stores import Stores

ADDRESS = {"StreetNumber": "12", "StreetName": "Main Street", "City": "Springfield", "StateOrProvince": "IL"}
RULES = PublishingRules()
A, B = "https://a.example/1", "https://b.example/1"


class Home:
    """A property whose pages are read repeatedly, and the feed of its changes."""

    def __init__(self, database: Database, clock: ManualClock, rules: PublishingRules = RULES) -> None:
        self.store = PropertyStore(database, rules)
        self.database = database
        self.feed = ChangeStore(database)
        self.clock = clock
        self._reads = 0
        self._kept = ""

    def read(self, url: str, *, edition: str = "e1", method: Method = Method.LABEL, **values: Any) -> str:
        """Store the page with these values, and with a new text unless `keep` has set it. Return the property's id."""
        self._reads += 1
        sha, self._kept = self._kept or f"{self._reads:064d}", ""
        at = self.clock.now()
        values_of_page = {**ADDRESS, "X_Currency": "USD", **values}
        record = page_record(url, values_of_page, at, sha, method=method, quote="it says {}")
        return save_record(self.store, record, edition=edition)

    def keep(self, text: str) -> None:
        page = Page(A, A, "text/html", text, text.encode(), self.clock.now())
        PageStore(self.database).save_page(page)
        self._kept = page.sha256

    def recheck(self, **values: Any) -> None:
        """Advance the clock hour by hour, and read the pages that are due for a recheck, until none is due."""
        while True:
            self.clock.advance(3600)
            due = self.due_rechecks()
            if not due:
                return
            for _, url in due:
                self.read(url, **values)

    def due_rechecks(self) -> list[tuple[str, str]]:
        """Return the property and page of each due recheck. Each is due again in half an hour."""
        now = self.clock.now()
        with self.database.writing() as connection:
            due = update(Change).where(Change.look_at <= now).values(look_at=now + timedelta(minutes=30))
            looks = connection.execute(due.returning(Change.property_id, Change.url))
            return sorted({(look.property_id, look.url) for look in looks})

    def published(self) -> list[tuple[str, Any, Any]]:
        return [(change.field, change.old, change.new) for change in self.feed.since().changes]


@pytest.fixture
def home(db: Stores) -> Home:
    return Home(db, db.clock)


def test_new_properties_and_new_pages_publish_no_change(home: Home) -> None:
    home.read(A, ListPrice=500000)
    home.read(B, ListPrice=480000, StandardStatus="Active")
    home.recheck()
    assert home.published() == []


def test_a_change_on_one_page_is_published_with_evidence_after_rechecks(home: Home) -> None:
    property_id = home.read(A, ListPrice=500000)
    home.clock.advance(86400)
    home.read(A, ListPrice=480000)
    seen_at = home.clock.now()
    assert home.published() == []
    home.recheck(ListPrice=480000)
    (change,) = home.feed.since().changes
    assert (change.property_id, change.field, change.old, change.new) == (property_id, "ListPrice", 500000, 480000)
    assert change.old_evidence is not None
    assert (change.old_evidence["quote"], change.new_evidence["quote"]) == ("it says 500000", "it says 480000")
    assert (change.context["new"], change.seen_at) == ({"X_Currency": "USD"}, seen_at)
    assert change.published_at > seen_at
    assert change.why == "3 further looks agree"


def test_a_page_that_alternates_between_values_publishes_no_change(home: Home) -> None:
    """A page is unstable as soon as it has returned to an old value."""
    for price in [500000, 480000] * 5:
        home.read(A, ListPrice=price)
        home.read(B, ListPrice=500000)
        home.clock.advance(3600)
    assert home.published() == []


def test_a_lasting_change_on_an_unstable_page_is_published(home: Home) -> None:
    for price in (500000, 480000, 500000):
        home.read(A, ListPrice=price)
        home.clock.advance(3600)
    for published in (*([],) * 10, [("ListPrice", 500000, 450000)]):  # ten rechecks publish nothing
        home.read(A, ListPrice=450000)
        home.clock.advance(86400)
        assert home.published() == published


def test_a_new_field_is_published_without_an_old_value(home: Home) -> None:
    permit = {"kind": "Re-roof", "date": "2026-03-02", "status": "Issued"}
    home.read(A, ListPrice=500000)
    home.clock.advance(86400)
    home.read(A, ListPrice=500000, X_Permits=[permit])
    home.recheck(ListPrice=500000, X_Permits=[permit])
    assert home.published() == [("X_Permits", None, [permit])]


def test_a_value_that_is_missing_for_a_while_publishes_no_change(home: Home) -> None:
    for values in ({"ListPrice": 500000}, {}, {"ListPrice": 500000}):
        home.read(A, **values)
        home.clock.advance(86400)
    home.recheck(ListPrice=500000)
    assert home.published() == []


@pytest.mark.parametrize("how", [{"edition": "e2"}, {"method": Method.LLM}, {"method": Method.RECIPE}])
def test_better_extractors_or_a_model_publish_no_change_of_the_same_text(home: Home, how: dict[str, Any]) -> None:
    """If the text has the same numbers as before, a new value is not a change. A new number in the text is a change."""
    home.read(B, ListPrice=480000)
    home.clock.advance(86400)
    home.read(B, ListPrice=480000, X_RoofYear=2019, **how)
    home.recheck(ListPrice=480000, X_RoofYear=2019, **how)
    assert home.published() == []
    both = "<p>it says\n <b>500000</b></p><p>it says 480000</p>"
    home.keep(both)
    home.read(A, ListPrice=500000)
    home.clock.advance(86400)
    home.keep(f"{both}<!-- visit 2 -->")
    home.read(A, ListPrice=480000, **how)
    home.recheck(ListPrice=480000, **how)
    assert home.published() == []
    home.keep(both.replace("480000", "470000"))
    home.read(A, ListPrice=470000, **how)
    home.recheck(ListPrice=470000, **how)
    assert home.published() == [("ListPrice", 480000, 470000)]


def test_new_text_that_a_recipe_reads_is_a_change(home: Home) -> None:
    """Recipes read most pages. Values that they find in a changed text must be published."""
    home.keep("<p>for sale</p>")
    home.read(A, ListPrice=500000)
    home.clock.advance(86400)
    home.keep("<p>it says 450000</p>")
    home.read(A, ListPrice=500000, ClosePrice=450000, method=Method.RECIPE)
    home.recheck(ListPrice=500000, ClosePrice=450000, method=Method.RECIPE)
    assert home.published() == [("ClosePrice", None, 450000)]


def test_only_configured_fields_are_published(db: Stores) -> None:
    home = Home(db, db.clock, PublishingRules(fields=("StandardStatus",), looks=0))
    home.read(A, ListPrice=500000, StandardStatus="Active")
    home.clock.advance(86400)
    home.read(A, ListPrice=480000, StandardStatus="Pending")
    assert home.published() == [("StandardStatus", "Active", "Pending")]


def test_joins_and_splits_move_changes_and_publish_none(db: Stores, home: Home) -> None:
    one = home.read(A, ListPrice=500000)
    home.clock.advance(86400)
    home.read(A, ListPrice=450000)
    home.recheck(ListPrice=450000)
    other = home.read(B, StreetNumber="14", StreetName="Oak Avenue", ListPrice=700000)
    assert one != other
    before = home.published()
    db.decisions.join(other, one, who="me")
    assert home.published() == before == [("ListPrice", 500000, 450000)]
    assert [change.field for change in home.feed.newest(property_id=one)] == ["ListPrice"]
    assert [change.field for change in home.feed.since(property_id=one).changes] == ["ListPrice"]
    assert home.feed.newest(property_id=other)[0].property_id == other
    split = db.decisions.split(other, [A], who="me")
    assert home.published() == before
    assert [change.property_id for change in home.feed.newest(property_id=split.other_id)] == [split.other_id]


def test_a_client_follows_the_feed_by_cursor(home: Home) -> None:
    start = home.feed.since("latest").next_since
    assert (home.feed.since(start), home.feed.count_since(start)) == (Followed([], start), (0, None))
    for url in (A, B):
        home.read(url, ListPrice=1)
    for price in (200, 3000, 40000):
        home.clock.advance(86400)
        for url in (A, B):
            home.read(url, ListPrice=price + 0.5)
    assert home.feed.count_since(start) == (3, home.feed.since(start, limit=1).changes[0].published_at)
    first = home.feed.since(start, limit=2)
    assert home.feed.count_since(first.next_since)[0] == 1
    rest = home.feed.since(first.next_since, limit=2)
    assert [one.new for one in first.changes + rest.changes] == [200.5, 3000.5, 40000.5]
    assert (first.has_more, rest.has_more) == (True, False)
    assert home.feed.since(rest.next_since) == Followed([], rest.next_since)
    assert home.feed.since("latest").next_since == rest.next_since
    assert home.feed.since(start, property_id="another").changes == []
    with pytest.raises(InvalidCursorError):
        home.feed.since("nonsense")


def test_a_purged_page_leaves_no_change_and_its_number_is_not_reused(db: Stores, home: Home) -> None:
    def change(url: str, *prices: int) -> None:
        for price in prices:
            home.clock.advance(86400)
            home.read(url, ListPrice=price)

    change(A, 500000, 450000, 450000)
    change(A, 430000)  # not published yet
    cursor = home.feed.since("latest").next_since
    db.purge("host", "a.example")
    assert count(db, Change) == 0
    change(B, 300000, 280000, 280000)
    (published,) = home.feed.since(cursor).changes
    assert published.new == 280000
    db.purge("property", published.property_id)
    assert count(db, Change) == 0


def test_old_changes_are_pruned(home: Home) -> None:
    for price in (500000, 450000, 450000):
        home.read(A, ListPrice=price)
        home.clock.advance(86400)
    assert home.feed.prune(home.clock.now() - timedelta(days=7)) == 0
    assert home.feed.prune(home.clock.now()) == 1
    assert home.published() == []


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


def test_a_change_that_commits_late_is_never_skipped(db: Stores, home: Home) -> None:
    """Two transactions publish changes while a client reads the feed. The client later sees both, in order."""
    property_id = home.read(A, ListPrice=1)
    started, followed = threading.Event(), list[Change]()
    cursor: str | None = None

    def follow() -> None:
        nonlocal cursor
        found = home.feed.since(cursor)
        followed.extend(found.changes)
        cursor = found.next_since

    def second() -> None:
        with db.writing() as connection:
            started.set()
            publish(db, connection, _pending(connection, property_id, 2), "two", home.clock.now())

    with db.writing() as connection:
        publish(db, connection, _pending(connection, property_id, 1), "one", home.clock.now())
        other = threading.Thread(target=second)
        other.start()
        if not db.is_sqlite:  # both transactions are open (SQLite allows only one writer)
            assert started.wait(120)
            other.join(0.3)
        follow()
        assert followed == []
    other.join()
    follow()
    assert [change.new for change in followed] == [1, 2]


def test_many_pending_changes_take_as_many_queries_as_one(db: Stores) -> None:
    home = Home(db, db.clock, PublishingRules(looks=99))
    fields = ("ListPrice", "StandardStatus", "TaxAssessedValue", "TaxAnnualAmount")
    old, new = (dict(zip(fields, values, strict=True)) for values in ((5, "Active", 4, 3), (50, "Pending", 40, 30)))
    home.read(A, **old)
    queries, pending = [], []
    for change in ({"ListPrice": 50}, new):
        db.clock.advance(1)
        home.read(A, **{**old, **change})
        db.clock.advance(1)
        with recorded(db) as sent:
            home.read(A, **{**old, **change})
        queries.append(sum(sql.startswith("SELECT") for sql, _ in sent))
        pending.append(count(db, Change, Change.state == "pending"))
    assert pending[0] == 1 < pending[1]
    assert queries[0] == queries[1]
