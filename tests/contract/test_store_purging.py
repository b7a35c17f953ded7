"""Purging a page, host, property, or address removes all its rows and prevents their return."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select, text, update

from app.errors.fetching import FetchError
from app.errors.jobs import LeaseLostError
from app.errors.purging import PurgedMeanwhileError
from app.errors.targets import InvalidTargetError, NoSourceError
from app.property.page import CacheValidators, Page
from app.property.record import Method
from app.property.source_record import SourceRecord
from app.property.storage.audit import AuditEntry
from app.property.storage.database import Database
from app.property.storage.jobs.attempts import note_failed_page
from app.property.storage.jobs.idempotency import RequestKey
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import Job, JobAttempt
from app.property.storage.jobs.usage import Requester
from app.property.storage.llm.cache import Question, StoredAnswer, StoredSearch
from app.property.storage.llm.requests import NewRequest
from app.property.storage.llm.tables import CacheKind, LlmCache
from app.property.storage.privacy import purge as purging
from app.property.storage.privacy.purge import Removal
from app.property.storage.privacy.repository import PurgeStore
from app.property.storage.privacy.scope import PurgeKind, Scope, complete
from app.property.storage.properties.repository import PropertyFilter
from app.property.storage.properties.tables import Property, Unverified
from app.property.storage.tables import metadata
from app.property.storage.watches.models import Change, Watch
from tests.contract.conftest import ON_POSTGRESQL, count, stored_texts, writing_threads
from tests.plugins.job_ends import finish, put_claims, put_tried
from tests.plugins.page_records import page_record
from tests.plugins.stores import Stores

AGENT = "Ottilie Quackenbush"
PAGE, MOBILE = "https://www.homes.example/h/48213", "https://m.homes.example/h/48213"
OTHER = "https://county.example/parcel/77"
ADDRESS = "12 OAK ST UNIT 4, SPRINGFIELD, IL 62701"
ADDRESS_VALUES = {"StreetNumber": "12", "StreetName": "Oak St", "PostalCode": "62701"}


def fetched(db: Stores, url: str, agent: str = AGENT) -> Page:
    content = f"<p>Call {agent} about {url}</p>"
    validators = CacheValidators(f'"{url[-8:]}"')
    return Page(url, url, "text/html", content, content.encode("utf-16"), db.clock.now(), validators)


def record_of(page: Page, page_url: str, agent: str = AGENT, **values: Any) -> SourceRecord:
    given = {**ADDRESS_VALUES, **values, "ListAgentFullName": agent}
    how: dict[str, Any] = {"method": Method.LLM, "quote": f"{agent} said {{}}", "page_url": page_url}
    return page_record(page.url, given, page.fetched_at, page.sha256, **how)


def add_claim(db: Stores, home: str, url: str, agent: str = AGENT) -> None:
    """Store a web search that cites the page `url` and an unverified claim from it."""
    now = db.clock.now()
    answer = StoredSearch({"output": [f"{agent} sells it ({url})"]}, "m", 1, 1, now)
    db.answers.save_search(f"{url} {agent}"[-64:], "12 Oak St, Springfield, IL 62701", answer, [url])
    claim = {"field": "ListAgentFullName", "value": agent, "quote": f"{agent} sells it", "url": url}
    put_claims(db, home, [Unverified(**claim, reported_by="web_search, m", seen_at=now)])


def scrape(db: Stores, url: str, agent: str = AGENT, *, page_url: str | None = None, **values: Any) -> str:
    """Store the page with its job and property, as a scrape would. Return the property's id."""
    job_id, page = db.start(url, refresh=True).id, fetched(db, url, agent)
    db.pages.save_page(page, job_id)
    db.index.take_reading(page_url or url, Lease(job_id, "me"))
    question = Question(page.sha256, ("ListAgentFullName",), "m", "p")
    db.answers.save_model_answer(question, StoredAnswer({"ListAgentFullName": (agent, agent)}, "m", 1, 1), page)
    home = db.save(record_of(page, page_url or url, agent, **values))
    assert finish(db.jobs, job_id, "me", home, model_note=f"{agent} could not be asked")
    db.clock.advance(1)
    return home


def found(db: Stores, *words: str) -> list[str]:
    return [table for table, _, content in stored_texts(db) if any(word in content for word in words)]


def rows(db: Stores) -> dict[str, int]:
    return {table.name: count(db, table) for table in metadata.sorted_tables}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("url", PAGE),
        ("url", f"{MOBILE}?utm_source=x#y"),
        ("host", "homes.example"),
        ("property", ""),
        ("address", "12 oak street, Springfield, IL 62701-1234"),
    ],
)
def test_every_kind_of_purge_removes_the_page_from_every_table(db: Stores, kind: str, name: str) -> None:
    """The page has two URLs with different bodies, and the first URL was stored twice."""
    home = scrape(db, PAGE, ListPrice=100)
    scrape(db, PAGE, ListPrice=90)
    scrape(db, MOBILE, page_url=PAGE, ListPrice=80)
    db.jobs.fail(db.jobs.enqueue([PAGE], refresh=True).new[0], InvalidTargetError(PAGE, AGENT))
    add_claim(db, home, f"{PAGE}/more" if kind == "host" else PAGE)
    elm = "12 Elm St, Springfield, IL 62701"
    address, moved = db.jobs.enqueue([elm, "https://old.example/1"], refresh=True).new
    db.claim(address)
    refused = JobAttempt("web search", None, PAGE, "http_status", f"{AGENT} refuses", 1)
    note_failed_page(db, Lease(address, "me"), refused, db.clock.now())
    sold = NoSourceError("12 ELM ST", f"web search: nothing; unverified claims of the search: {AGENT} ({PAGE})")
    db.jobs.fail(address, sold)
    db.jobs.fail(moved, FetchError("https://old.example/1", f"it redirects to {PAGE!r}: {AGENT}"))
    db.watches.add([elm])
    db.execute(update(Watch).values(error_message=str(sold), pause_reason=f"The page is gone: {sold}"))
    counted = db.purge(kind, name or home, dry_run=True)
    assert found(db, AGENT), "a dry run removes nothing"
    removed = db.purge(kind, name or home)
    assert removed == counted
    assert removed == {
        "blobs": 4, "pages": 3, "source_records": 1, "observations": 11, "unverified": 1, "properties": 1,
        "llm_cache": 3, "jobs": 4, "job_attempts": 1, "page_aliases": 1, "changes": 1,
    }  # fmt: skip
    assert found(db, AGENT, "homes.example", "48213", home) == []
    (row,) = db.execute(select(AuditEntry))
    assert (row.who, row.action, row.removed) == ("alice", kind, removed)
    remaining = {table: number for table, number in rows(db).items() if number}
    assert set(remaining) - {"daily_usage"} == {"batches", "jobs", "watches", "audit_log", "suppressions"}
    assert remaining["jobs"] == 2, "the other targets' jobs stay, without the page"


def test_a_copy_is_purged_with_its_final_url_and_with_its_job(db: Stores) -> None:
    page = fetched(db, PAGE)
    db.pages.save_page(Page("https://old.example/h", PAGE, "text/html", page.text, page.body, db.clock.now()))
    db.purge("url", PAGE)
    assert found(db, AGENT, "old.example") == []
    (job,) = db.jobs.enqueue([ADDRESS]).jobs
    db.pages.save_page(fetched(db, "https://portal.example/1"), job.id)
    scrape(db, OTHER, "Nobody Special")
    db.pages.save_page(fetched(db, OTHER, "Nobody Special"), job.id)
    db.purge("address", ADDRESS)
    assert found(db, AGENT, "portal.example") == []
    assert db.pages.validators(OTHER), "the page is a source of another property"


def test_a_purge_of_an_address_keeps_its_neighbors(db: Stores) -> None:
    """A purge of a unit's address includes its failed jobs, but neither the unit next door nor the building."""
    building_id = scrape(db, OTHER)
    (found_job,) = db.jobs.enqueue([ADDRESS]).jobs
    db.jobs.claim(found_job.id, "me", 30)
    home = scrape(db, PAGE, UnitNumber="4")
    finish(db.jobs, found_job.id, "me", home)
    (lost_job,) = db.jobs.enqueue([ADDRESS], refresh=True).jobs
    db.jobs.fail(lost_job.id, InvalidTargetError(ADDRESS, "is not on any page"))
    (next_door,) = db.jobs.enqueue(["12 Oak St Unit 5, Springfield, IL 62701"]).jobs
    name = "12 Oak Street #4, Springfield IL 62701"
    counted = db.purge("address", name, dry_run=True)
    done = PurgeStore(db).purge(PurgeKind.ADDRESS, name, who="alice", dry_run=False)
    assert done.removed == counted
    assert {found_job.id, lost_job.id} <= set(done.job_ids)
    assert found(db, ADDRESS, "homes.example", home) == []
    assert db.properties.get(building_id)["record"]["StreetNumber"] == "12"
    assert db.jobs.get(next_door.id).state == "queued"


@pytest.mark.parametrize(("kind", "name"), [("address", "12 Oak St"), ("address", PAGE), ("url", "12 Oak St")])
def test_a_purge_requires_a_url_or_a_complete_address(db: Stores, kind: str, name: str) -> None:
    with pytest.raises(InvalidTargetError):
        db.purge(kind, name)


def test_a_second_purge_removes_nothing_and_a_later_scrape_is_stored(db: Stores) -> None:
    scrape(db, PAGE)
    db.purge("url", PAGE)
    assert db.purge("url", PAGE) == {}
    db.clock.advance(1)
    home = scrape(db, PAGE)
    assert db.properties.get(home)["record"]["ListAgentFullName"] == AGENT


@pytest.mark.parametrize(
    "crash", [("url", MOBILE, 0), ("url", MOBILE, 2), ("property", "", 1), ("address", ADDRESS, 1)]
)
def test_a_repeated_purge_finishes_a_crashed_one(
    db: Stores, monkeypatch: pytest.MonkeyPatch, crash: tuple[str, str, int]
) -> None:
    kind, name, done = crash
    monkeypatch.setattr(purging, "_AT_ONCE", 1)
    (found_job,) = db.jobs.enqueue([ADDRESS]).jobs
    db.jobs.claim(found_job.id, "me", 30)
    home = scrape(db, PAGE, UnitNumber="4")
    finish(db.jobs, found_job.id, "me", home)
    scrape(db, MOBILE, page_url=PAGE, UnitNumber="4")
    scrape(db, "https://tablet.homes.example/h/48213", page_url=PAGE, UnitNumber="4")
    purge = partial(db.purge, kind, name or home)
    remove, remaining = Removal.remove_pages, iter(range(done))

    def interrupted(part: Removal, **keywords: Any) -> None:
        if next(remaining, None) is None:
            raise KeyboardInterrupt
        remove(part, **keywords)

    monkeypatch.setattr(Removal, "remove_pages", interrupted)
    with pytest.raises(KeyboardInterrupt):
        purge()
    assert found(db, "48213")
    monkeypatch.setattr(Removal, "remove_pages", remove)
    purge()
    assert found(db, AGENT, "homes.example", home) == []


@pytest.mark.parametrize(("kind", "name"), [("url", PAGE), ("host", "homes.example")])
def test_values_from_other_pages_of_the_property_stay(db: Stores, kind: str, name: str) -> None:
    home = scrape(db, OTHER, "Nobody Special", YearBuilt=1987)
    assert scrape(db, PAGE, ListPrice=100) == home
    add_claim(db, home, PAGE)
    add_claim(db, home, "https://nothomes.example/1", "Somebody")
    db.purge(kind, name)
    shown = db.properties.get(home)
    assert shown["record"]["YearBuilt"] == 1987
    assert "ListPrice" not in shown["record"]
    assert ([source["url"] for source in shown["sources"]], shown["conflicts"]) == ([OTHER], [])
    assert [one["url"] for one in shown["unverified"]] == ["https://nothomes.example/1"]
    assert found(db, AGENT, "//homes.example") == []
    assert count(db, LlmCache, LlmCache.kind == CacheKind.SEARCH) == 1
    assert db.properties.page(only=PropertyFilter("homes.example")).items == []


@pytest.mark.parametrize("by_the_old_id", [False, True])
def test_a_purge_of_a_property_includes_its_pages_and_replaced_properties(db: Stores, by_the_old_id: bool) -> None:
    first = scrape(db, PAGE, StreetNumber="4711")
    home = scrape(db, OTHER)
    scrape(db, "https://third.example/x")
    db.decisions.join(home, first, who="alice", reason="one house with two numbers")
    assert db.properties.get(first)["property"] == home
    add_claim(db, home, "https://dead.example/1")
    db.purge("property", first if by_the_old_id else home)
    assert found(db, AGENT, "county.example", "third.example", "homes.example") == []
    assert found(db, "dead.example") == [], "claims about the property must be deleted too"
    assert rows(db)["properties"] == 0


@pytest.mark.parametrize(("kind", "name"), [("url", PAGE), ("host", "homes.example")])
def test_the_failure_of_an_address_is_purged_with_the_pages_that_it_asked(db: Stores, kind: str, name: str) -> None:
    """The message may state what a page is about, without its URL."""
    elm = "12 Elm St, Springfield, IL 62701"
    target = db.watches.add([elm]) and elm
    address, other = db.jobs.enqueue([target, "14 Elm St, Springfield, IL 62701"], refresh=True).new
    db.execute(update(Job).where(Job.id == address).values(watch_id=select(Watch.id).scalar_subquery()))
    for job_id, url in ((address, PAGE), (other, "https://stays.example/1")):
        db.claim(job_id)
        failure = NoSourceError(elm, f"1 asked: 1 has a page of another address: A (it is about {job_id})")
        put_tried(db, job_id, [JobAttempt("A", None, url, "other_property", "")], db.clock.now())
        db.jobs.fail(job_id, failure)
    db.execute(update(Watch).values(error_message=f"it is about {address}"))
    db.purge(kind, name)
    assert found(db, f"it is about {address}") == []
    assert found(db, f"it is about {other}") == ["jobs"], "the failure of another job must stay"


def test_hosts_with_similar_names_stay(db: Stores) -> None:
    for n, url in enumerate(
        ("https://myhomes.example/1", "https://homes.example.org/2", "https://a.example/to/homes.example")
    ):
        home = scrape(db, url, "Nobody Special", StreetNumber=str(n))
        add_claim(db, home, url, "Nobody Special")
    (address,) = db.jobs.enqueue(["12 Elm St, Springfield, IL 62701"]).jobs
    db.jobs.fail(address.id, NoSourceError("12 ELM ST", "https://myhomes.example/1: nothing there"))
    before = rows(db)
    removed = db.purge("host", "homes.example")
    assert removed == {}
    assert {**rows(db), "audit_log": 0, "suppressions": 0} == {**before, "audit_log": 0, "suppressions": 0}
    assert "myhomes.example" in str(db.jobs.get(address.id).error), "the attempts of other hosts must stay"


def test_pages_that_redirect_to_one_error_page_are_purged_separately(db: Stores) -> None:
    home = scrape(db, OTHER, "Nobody Special")
    for url in (PAGE, OTHER):
        sorry = fetched(db, "https://www.homes.example/sorry", "nobody")
        db.pages.save_page(Page(url, sorry.url, "text/html", sorry.text, sorry.body, db.clock.now()))
    db.purge("url", PAGE)
    assert db.properties.get(home)["sources"]
    assert "pages" in found(db, "homes.example/sorry"), "the other page's copy must stay"


@pytest.mark.parametrize("kind", ["url", "property"])
def test_a_response_with_several_properties_is_purged_as_a_whole(db: Stores, kind: str) -> None:
    url = "https://gis.example/query"
    page = fetched(db, url)
    db.pages.save_page(page)
    homes = []
    for row in (f"{url}#parcel=1", f"{url}#parcel=2"):
        record = record_of(page, row, AGENT, StreetNumber=row[-1])
        homes.append(db.save(replace(record, url=row, final_url=row)))
    assert homes[0] != homes[1]
    db.purge(kind, url if kind == "url" else homes[0])
    assert found(db, AGENT, "gis.example") == []
    assert rows(db)["properties"] == 0


def test_a_page_fetched_before_its_purge_is_not_stored_afterwards(db: Stores) -> None:
    (job_id,) = db.jobs.enqueue([PAGE]).new
    db.jobs.claim(job_id, "owner", 300)
    page, short = fetched(db, PAGE), fetched(db, "https://short.example/x")
    redirected = Page(short.url, PAGE, "text/html", short.text, short.body, db.clock.now())
    db.pages.save_page(page, job_id)
    db.clock.advance(1)
    assert db.purge("host", "homes.example")["jobs"] == 1
    db.clock.advance(1)
    question = Question(page.sha256, ("Roof",), "m", "p")
    for write in (
        lambda: db.pages.save_page(page, job_id),
        lambda: db.pages.save_page(page),
        lambda: db.pages.save_page(redirected),
        lambda: db.answers.save_model_answer(question, StoredAnswer({"Roof": (["x"], AGENT)}, "m", 1, 1), page),
        lambda: db.save(record_of(page, PAGE, AGENT)),
    ):
        with pytest.raises(PurgedMeanwhileError):
            write()
    assert not finish(db.jobs, job_id, "owner", "x" * 32)
    assert not db.jobs.renew(job_id, "owner", 30)
    assert db.jobs.recoverable() == []
    assert found(db, AGENT, "homes.example") == []


def test_a_parked_request_is_purged_and_running_jobs_cannot_restore_it(db: Stores) -> None:
    """The request contains the text of the page. A job for another page with the same text must not park it again."""
    page = fetched(db, PAGE)
    question = Question(page.sha256, ("Roof",), "m", "p")
    request = NewRequest(question, {"messages": [{"content": page.text}]}, 1, 1, page)
    first, other = (db.jobs.get(job_id) for job_id in db.jobs.enqueue([PAGE, OTHER]).new)
    for job in (first, other):
        db.jobs.claim(job.id, "owner", 300)
    db.pages.save_page(page, first.id)
    db.requests.park(other, "owner", request, 3600)
    db.clock.advance(1)
    assert db.purge("url", PAGE)["llm_requests"] == 1
    with pytest.raises(LeaseLostError):
        db.requests.park(first, "owner", request, 3600)
    assert db.jobs.get(other.id).due_at == db.clock.now()
    assert db.jobs.claim(other.id, "owner", 300)
    with pytest.raises(PurgedMeanwhileError):
        db.requests.park(other, "owner", request, 3600)
    assert found(db, AGENT, "homes.example") == []


def test_concurrent_writers_cannot_store_a_purged_page(db: Stores, database_url: str) -> None:
    page = fetched(db, PAGE)
    db.clock.advance(1)
    with writing_threads(database_url, db.clock, page, PurgedMeanwhileError):
        db.purge("url", PAGE)
    assert found(db, AGENT) == []


def test_deleted_rows_are_overwritten_in_sqlite_files(db: Stores) -> None:
    """The deleted rows share file pages with other rows. PostgreSQL overwrites deleted rows later (VACUUM)."""
    for n in range(30):
        scrape(db, f"https://a.example/{n}", f"Nobody {n}", StreetNumber=str(1000 + n))
    scrape(db, PAGE)
    for n in range(30, 60):
        scrape(db, f"https://a.example/{n}", f"Nobody {n}", StreetNumber=str(1000 + n))
    if db.is_sqlite:
        assert AGENT.encode() in _raw(db)
    db.purge("url", PAGE)
    assert db.wipe_free_space() is db.is_sqlite
    if db.is_sqlite:
        assert AGENT.encode() not in _raw(db)
        assert b"Nobody 59" in _raw(db)
    assert db.index.fresh("https://a.example/59", db.clock.now() - timedelta(hours=1))


def test_free_space_is_not_wiped_during_another_read(db: Stores, database_url: str) -> None:
    """After the read, wiping works with SQLite. With PostgreSQL, only an administrator can wipe free space."""
    scrape(db, PAGE)
    impatient = Database(database_url, db.clock, busy_timeout_seconds=0.1)
    with db.reading() as connection:
        connection.execute(select(Job)).all()
        assert not impatient.wipe_free_space()
    impatient.close()
    assert db.wipe_free_space() is db.is_sqlite


@ON_POSTGRESQL
def test_wiping_free_space_has_no_time_limit(db: Stores) -> None:
    """VACUUM of a large database exceeds the time limit of other statements."""
    limits = dict[str, str]()
    with db.reading() as connection:
        engine = connection.engine

    @event.listens_for(engine, "before_cursor_execute")
    def note_limit(connection: Connection, _: Any, statement: str, *__: Any) -> None:
        with connection.connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            limits[statement] = cursor.fetchone()[0]

    db.wipe_free_space()
    db.execute(text("SELECT 1"))
    assert (limits["VACUUM"], limits["SELECT 1"]) == ("0", "1min")


def _raw(db: Stores) -> bytes:
    file = Path(str(db.url.database))
    return b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))


def test_a_repeated_request_returns_the_remaining_jobs(db: Stores) -> None:
    key = RequestKey("k" * 64, "f" * 64)
    requester = Requester("c" * 64, key=key)
    made = db.jobs.enqueue([PAGE, OTHER], requester=requester)
    db.jobs.note_answered(key)
    db.purge("url", PAGE)
    again = db.jobs.earlier(key)
    assert [job.target for job in again.jobs] == [OTHER]
    assert again.batch == made.batch
    assert count(db, Job) == 1


def test_a_purge_deletes_changes_of_a_page_that_was_split_off(db: Stores) -> None:
    """The change is stored with the property of the other page, but was found on both pages."""
    other = "https://b.example/listing/9"
    scrape(db, PAGE)
    home = scrape(db, other)
    evidence = {"old": 1, "new": 2, "old_evidence": {"quote": AGENT}, "new_evidence": {}, "urls": f" {PAGE} {other} "}
    moments = dict.fromkeys(("seen_at", "updated_at"), db.clock.now())
    change = {"id": "c" * 32, "property_id": home, "field": "ListPrice", "url": other, "state": "published", **evidence}
    db.execute(insert(Change).values(change | moments))
    db.decisions.split(home, [PAGE], who="me")
    db.purge("url", PAGE)
    assert rows(db)["changes"] == 0


def test_a_purge_handles_more_merged_ids_than_one_statement_allows(db: Stores) -> None:
    """One query uses each id three times. A statement may have 32,766 parameters in SQLite and 65,535 in PostgreSQL."""
    ids = [f"{number:032x}" for number in range(22_000)]
    empty = {"record": {}, "evidence": {}, "conflicts": [], "created_at": db.clock.now(), "updated_at": db.clock.now()}
    db.execute(insert(Property), [{**empty, "id": ids[0]}])
    db.execute(insert(Property), [{**empty, "id": merged, "merged_into": ids[0]} for merged in ids[1:]])
    with db.reading() as connection:
        found = complete(connection, Scope(properties=(ids[1],)))
    assert found.properties == tuple(ids)
