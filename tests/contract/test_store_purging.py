"""Purging a page, host, property, or address removes all its rows and prevents their return."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select, text, update

from app.clock import ManualClock
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
from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.jobs.models import JobAttempt
from app.property.storage.jobs.repository import JobStore
from app.property.storage.jobs.usage import Requester
from app.property.storage.llm.cache import AnswerStore, Question, StoredAnswer, StoredSearch
from app.property.storage.llm.requests import LlmRequestStore, NewRequest
from app.property.storage.llm.tables import CacheKind, LlmCache
from app.property.storage.pages.index import PageIndex
from app.property.storage.pages.repository import PageStore
from app.property.storage.privacy import purge as purging
from app.property.storage.privacy.purge import Removal
from app.property.storage.privacy.repository import PurgeStore
from app.property.storage.privacy.scope import PurgeKind, Scope, complete
from app.property.storage.properties.decisions import DecisionStore
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import Property, Unverified
from app.property.storage.properties.views import PropertyFilter
from app.property.storage.tables import metadata
from app.property.storage.watches.models import Change, Watch
from app.property.storage.watches.repository import Watches
from benchmarks.saving import save_record
from tests.contract.conftest import ON_POSTGRESQL, count, stored_texts, writing_threads
from tests.plugins.job_ends import finish, put_claims
from tests.plugins.page_records import page_record

AGENT = "Ottilie Quackenbush"
PAGE, MOBILE = "https://www.homes.example/h/48213", "https://m.homes.example/h/48213"
OTHER = "https://county.example/parcel/77"
ADDRESS = "12 OAK ST UNIT 4, SPRINGFIELD, IL 62701"
ADDRESS_VALUES = {"StreetNumber": "12", "StreetName": "Oak St", "PostalCode": "62701"}


class Service:
    """Stores pages like a worker, without fetching them."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.clock, self.jobs = clock, JobStore(database)
        self.pages, self.answers = PageStore(database), AnswerStore(database)
        self.properties, self.index = PropertyStore(database), PageIndex(database)
        self.database, self.searches = database, AnswerStore(database)

    def page(self, url: str, agent: str = AGENT) -> Page:
        content = f"<p>Call {agent} about {url}</p>"
        validators = CacheValidators(f'"{url[-8:]}"')
        return Page(url, url, "text/html", content, content.encode("utf-16"), self.clock.now(), validators)

    def record(self, page: Page, page_url: str, agent: str, **values: Any) -> SourceRecord:
        given = {**ADDRESS_VALUES, **values, "ListAgentFullName": agent}
        how: dict[str, Any] = {"method": Method.LLM, "quote": f"{agent} said {{}}", "page_url": page_url}
        return page_record(page.url, given, page.fetched_at, page.sha256, **how)

    def add_claim(self, home: str, url: str, agent: str = AGENT) -> None:
        """Store a web search that cites the page `url` and an unverified claim from it."""
        now = self.clock.now()
        answer = StoredSearch({"output": [f"{agent} sells it ({url})"]}, "m", 1, 1, now)
        self.searches.save_search(f"{url} {agent}"[-64:], "12 Oak St, Springfield, IL 62701", answer, [url])
        claim = {"field": "ListAgentFullName", "value": agent, "quote": f"{agent} sells it", "url": url}
        put_claims(self.database, home, [Unverified(**claim, reported_by="web_search, m", seen_at=now)])

    def scrape(self, url: str, agent: str = AGENT, *, page_url: str | None = None, **values: Any) -> tuple[str, str]:
        """Store the page with its job and property. Return the ids of the job and the property."""
        (job_id,) = self.jobs.enqueue([url], refresh=True).new
        self.jobs.claim(job_id, "owner", 30)
        page = self.page(url, agent)
        self.pages.save_page(page, job_id)
        self.index.take_reading(page_url or url, Lease(job_id, "owner"))
        question = Question(page.sha256, ("ListAgentFullName",), "m", "p")
        self.answers.save_model_answer(question, StoredAnswer({"ListAgentFullName": (agent, agent)}, "m", 1, 1), page)
        home = save_record(self.properties, self.record(page, page_url or url, agent, **values))
        assert finish(self.jobs, job_id, "owner", home, model_note=f"{agent} could not be asked")
        self.clock.advance(1)
        return job_id, home


@pytest.fixture
def service(database: Database, clock: ManualClock) -> Service:
    return Service(database, clock)


@pytest.fixture
def store(database: Database) -> PurgeStore:
    return PurgeStore(database)


def found(database: Database, *words: str) -> list[str]:
    """Return the table's name for each stored value that contains one of `words`."""
    return [table for table, _, content in stored_texts(database) if any(word in content for word in words)]


def rows(database: Database) -> dict[str, int]:
    return {table.name: count(database, table) for table in metadata.sorted_tables}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (PurgeKind.URL, PAGE),
        (PurgeKind.URL, f"{MOBILE}?utm_source=x#y"),
        (PurgeKind.HOST, "homes.example"),
        (PurgeKind.PROPERTY, ""),
        (PurgeKind.ADDRESS, "12 oak street, Springfield, IL 62701-1234"),
    ],
)
def test_every_kind_of_purge_removes_the_page_from_every_table(
    database: Database, service: Service, store: PurgeStore, kind: PurgeKind, name: str
) -> None:
    """The page has two URLs with different bodies. The first URL was stored twice, with different prices."""
    _, home = service.scrape(PAGE, ListPrice=100)
    service.scrape(PAGE, ListPrice=90)
    service.scrape(MOBILE, page_url=PAGE, ListPrice=80)
    service.jobs.fail(service.jobs.enqueue([PAGE], refresh=True).new[0], InvalidTargetError(PAGE, AGENT))
    service.add_claim(home, f"{PAGE}/more" if kind is PurgeKind.HOST else PAGE)
    elm = "12 Elm St, Springfield, IL 62701"
    address, moved = service.jobs.enqueue([elm, "https://old.example/1"], refresh=True).new
    service.jobs.claim(address, "owner", 30)
    refused = JobAttempt("web search", None, PAGE, "http_status", f"{AGENT} refuses", 1)
    note_failed_page(database, Lease(address, "owner"), refused, service.clock.now())
    sold = NoSourceError("12 ELM ST", f"web search: nothing; unverified claims of the search: {AGENT} ({PAGE})")
    service.jobs.fail(address, sold)
    service.jobs.fail(moved, FetchError("https://old.example/1", f"it redirects to {PAGE!r}: {AGENT}"))
    Watches(database).add([elm])
    with database.writing() as connection:
        connection.execute(update(Watch).values(error_message=str(sold), pause_reason=f"The page is gone: {sold}"))
    counted = store.purge(kind, name or home, who="alice", dry_run=True).removed
    assert found(database, AGENT), "a dry run removes nothing"
    removed = store.purge(kind, name or home, who="alice", dry_run=False).removed
    assert removed == counted
    assert removed == {
        "blobs": 4, "pages": 3, "source_records": 1, "observations": 11, "unverified": 1, "properties": 1,
        "llm_cache": 3, "jobs": 4, "job_attempts": 1, "page_aliases": 1, "changes": 1,
    }  # fmt: skip
    assert found(database, AGENT, "homes.example", "48213", home) == []
    with database.reading() as connection:
        row = connection.execute(select(AuditEntry)).one()
    assert (row.who, row.action, row.removed) == ("alice", kind.value, removed)
    remaining = {table: number for table, number in rows(database).items() if number}
    assert set(remaining) - {"daily_usage"} == {"batches", "jobs", "watches", "audit_log", "suppressions"}
    assert remaining["jobs"] == 2, "the other targets' jobs stay, without the page"


def test_a_copy_is_purged_with_its_final_url_and_with_its_job(
    database: Database, service: Service, store: PurgeStore, clock: ManualClock
) -> None:
    page = service.page(PAGE)
    service.pages.save_page(Page("https://old.example/h", PAGE, "text/html", page.text, page.body, clock.now()))
    store.purge(PurgeKind.URL, PAGE, who="alice", dry_run=False)
    assert found(database, AGENT, "old.example") == []
    (job,) = service.jobs.enqueue([ADDRESS]).jobs
    service.pages.save_page(service.page("https://portal.example/1"), job.id)
    service.scrape(OTHER, "Nobody Special")
    service.pages.save_page(service.page(OTHER, "Nobody Special"), job.id)
    store.purge(PurgeKind.ADDRESS, ADDRESS, who="alice", dry_run=False)
    assert found(database, AGENT, "portal.example") == []
    assert service.pages.validators(OTHER), "the page is a source of another property"


def test_a_purge_of_an_address_keeps_its_neighbors(database: Database, service: Service, store: PurgeStore) -> None:
    """The purge includes failed jobs of the address, but neither the unit next door nor the building."""
    _, building_id = service.scrape(OTHER)
    (found_job,) = service.jobs.enqueue([ADDRESS]).jobs
    service.jobs.claim(found_job.id, "me", 30)
    _, home = service.scrape(PAGE, UnitNumber="4")
    finish(service.jobs, found_job.id, "me", home)
    (lost_job,) = service.jobs.enqueue([ADDRESS], refresh=True).jobs
    service.jobs.fail(lost_job.id, InvalidTargetError(ADDRESS, "is not on any page"))
    (next_door,) = service.jobs.enqueue(["12 Oak St Unit 5, Springfield, IL 62701"]).jobs
    counted = store.purge(PurgeKind.ADDRESS, "12 Oak Street #4, Springfield IL 62701", who="a", dry_run=True)
    done = store.purge(PurgeKind.ADDRESS, "12 Oak Street #4, Springfield IL 62701", who="a", dry_run=False)
    assert done.removed == counted.removed
    assert {found_job.id, lost_job.id} <= set(done.job_ids)
    assert found(database, ADDRESS, "homes.example", home) == []
    assert service.properties.get(building_id)["record"]["StreetNumber"] == "12"
    assert service.jobs.get(next_door.id).state == "queued"


@pytest.mark.parametrize(
    ("kind", "name"), [(PurgeKind.ADDRESS, "12 Oak St"), (PurgeKind.ADDRESS, PAGE), (PurgeKind.URL, "12 Oak St")]
)
def test_a_purge_requires_a_url_or_a_complete_address(store: PurgeStore, kind: PurgeKind, name: str) -> None:
    with pytest.raises(InvalidTargetError):
        store.purge(kind, name, who="alice", dry_run=False)


def test_a_second_purge_removes_nothing_and_a_later_scrape_is_stored(
    service: Service, store: PurgeStore, clock: ManualClock
) -> None:
    service.scrape(PAGE)
    store.purge(PurgeKind.URL, PAGE, who="alice", dry_run=False)
    assert store.purge(PurgeKind.URL, PAGE, who="alice", dry_run=False).removed == {}
    clock.advance(1)
    _, home = service.scrape(PAGE)
    assert service.properties.get(home)["record"]["ListAgentFullName"] == AGENT


@pytest.mark.parametrize(
    "crash",
    [
        (PurgeKind.URL, MOBILE, 0),
        (PurgeKind.URL, MOBILE, 2),
        (PurgeKind.PROPERTY, "", 1),
        (PurgeKind.ADDRESS, ADDRESS, 1),
    ],
)
def test_a_repeated_purge_finishes_a_crashed_one(
    database: Database, service: Service, monkeypatch: pytest.MonkeyPatch, crash: tuple[PurgeKind, str, int]
) -> None:
    """The first purge stops after `done` URLs. The second one removes the rest."""
    kind, name, done = crash
    monkeypatch.setattr(purging, "_AT_ONCE", 1)
    (found_job,) = service.jobs.enqueue([ADDRESS]).jobs
    service.jobs.claim(found_job.id, "me", 30)
    _, home = service.scrape(PAGE, UnitNumber="4")
    finish(service.jobs, found_job.id, "me", home)
    service.scrape(MOBILE, page_url=PAGE, UnitNumber="4")
    service.scrape("https://tablet.homes.example/h/48213", page_url=PAGE, UnitNumber="4")
    purge = partial(PurgeStore(database).purge, kind, name or home, who="alice", dry_run=False)
    remove, remaining = Removal.remove_pages, iter(range(done))

    def interrupted(part: Removal, **keywords: Any) -> None:
        if next(remaining, None) is None:
            raise KeyboardInterrupt
        remove(part, **keywords)

    monkeypatch.setattr(Removal, "remove_pages", interrupted)
    with pytest.raises(KeyboardInterrupt):
        purge()
    assert found(database, "48213")
    monkeypatch.setattr(Removal, "remove_pages", remove)
    purge()
    assert found(database, AGENT, "homes.example", home) == []


@pytest.mark.parametrize(("kind", "name"), [(PurgeKind.URL, PAGE), (PurgeKind.HOST, "homes.example")])
def test_values_from_other_pages_of_the_property_stay(
    database: Database, service: Service, store: PurgeStore, kind: PurgeKind, name: str
) -> None:
    _, home = service.scrape(OTHER, "Nobody Special", YearBuilt=1987)
    assert service.scrape(PAGE, ListPrice=100)[1] == home
    service.add_claim(home, PAGE)
    service.add_claim(home, "https://nothomes.example/1", "Somebody")
    store.purge(kind, name, who="alice", dry_run=False)
    shown = service.properties.get(home)
    assert shown["record"]["YearBuilt"] == 1987
    assert "ListPrice" not in shown["record"]
    assert ([source["url"] for source in shown["sources"]], shown["conflicts"]) == ([OTHER], [])
    assert [one["url"] for one in shown["unverified"]] == ["https://nothomes.example/1"]
    assert found(database, AGENT, "//homes.example") == []
    assert count(database, LlmCache, LlmCache.kind == CacheKind.SEARCH) == 1
    assert service.properties.page(only=PropertyFilter("homes.example")).items == []


@pytest.mark.parametrize("by_the_old_id", [False, True])
def test_a_purge_of_a_property_includes_its_pages_and_replaced_properties(
    database: Database, service: Service, store: PurgeStore, by_the_old_id: bool
) -> None:
    _, first = service.scrape(PAGE, StreetNumber="4711")
    _, home = service.scrape(OTHER)
    service.scrape("https://third.example/x")
    DecisionStore(database).join(home, first, who="alice", reason="one house with two numbers")
    assert service.properties.get(first)["property"] == home
    service.add_claim(home, "https://dead.example/1")
    store.purge(PurgeKind.PROPERTY, first if by_the_old_id else home, who="alice", dry_run=False)
    assert found(database, AGENT, "county.example", "third.example", "homes.example") == []
    assert found(database, "dead.example") == [], "claims about the property must be deleted too"
    assert rows(database)["properties"] == 0


def test_hosts_with_similar_names_stay(database: Database, service: Service, store: PurgeStore) -> None:
    """URLs whose path ends with `homes.example` stay too."""
    for n, url in enumerate(
        ("https://myhomes.example/1", "https://homes.example.org/2", "https://a.example/to/homes.example")
    ):
        _, home = service.scrape(url, "Nobody Special", StreetNumber=str(n))
        service.add_claim(home, url, "Nobody Special")
    (address,) = service.jobs.enqueue(["12 Elm St, Springfield, IL 62701"]).jobs
    service.jobs.fail(address.id, NoSourceError("12 ELM ST", "https://myhomes.example/1: nothing there"))
    before = rows(database)
    removed = store.purge(PurgeKind.HOST, "homes.example", who="alice", dry_run=False).removed
    assert removed == {}
    assert {**rows(database), "audit_log": 0, "suppressions": 0} == {**before, "audit_log": 0, "suppressions": 0}
    assert "myhomes.example" in str(service.jobs.get(address.id).error), "the attempts of other hosts must stay"


def test_pages_that_redirect_to_one_error_page_are_purged_separately(
    database: Database, service: Service, store: PurgeStore, clock: ManualClock
) -> None:
    _, home = service.scrape(OTHER, "Nobody Special")
    for url in (PAGE, OTHER):
        sorry = service.page("https://www.homes.example/sorry", "nobody")
        service.pages.save_page(Page(url, sorry.url, "text/html", sorry.text, sorry.body, clock.now()))
    store.purge(PurgeKind.URL, PAGE, who="alice", dry_run=False)
    assert service.properties.get(home)["sources"]
    assert "pages" in found(database, "homes.example/sorry"), "the other page's copy must stay"


@pytest.mark.parametrize("kind", [PurgeKind.URL, PurgeKind.PROPERTY])
def test_a_response_with_several_properties_is_purged_as_a_whole(
    database: Database, service: Service, store: PurgeStore, kind: PurgeKind
) -> None:
    url = "https://gis.example/query"
    page = service.page(url)
    service.pages.save_page(page)
    homes = []
    for row in (f"{url}#parcel=1", f"{url}#parcel=2"):
        record = service.record(page, row, AGENT, StreetNumber=row[-1])
        homes.append(save_record(service.properties, replace(record, url=row, final_url=row)))
    assert homes[0] != homes[1]
    store.purge(kind, url if kind is PurgeKind.URL else homes[0], who="alice", dry_run=False)
    assert found(database, AGENT, "gis.example") == []
    assert rows(database)["properties"] == 0


def test_a_page_fetched_before_its_purge_is_not_stored_afterwards(
    database: Database, service: Service, store: PurgeStore, clock: ManualClock
) -> None:
    """A worker and an operator fetched the page before its purge. Neither can store it afterwards."""
    (job_id,) = service.jobs.enqueue([PAGE]).new
    service.jobs.claim(job_id, "owner", 300)
    page, short = service.page(PAGE), service.page("https://short.example/x")
    redirected = Page(short.url, PAGE, "text/html", short.text, short.body, clock.now())
    service.pages.save_page(page, job_id)
    clock.advance(1)
    assert store.purge(PurgeKind.HOST, "homes.example", who="alice", dry_run=False).removed["jobs"] == 1
    clock.advance(1)
    question = Question(page.sha256, ("Roof",), "m", "p")
    for write in (
        lambda: service.pages.save_page(page, job_id),
        lambda: service.pages.save_page(page),
        lambda: service.pages.save_page(redirected),
        lambda: service.answers.save_model_answer(question, StoredAnswer({"Roof": (["x"], AGENT)}, "m", 1, 1), page),
        lambda: save_record(service.properties, service.record(page, PAGE, AGENT)),
    ):
        with pytest.raises(PurgedMeanwhileError):
            write()
    assert not finish(service.jobs, job_id, "owner", "x" * 32)
    assert not service.jobs.renew(job_id, "owner", 30)
    assert service.jobs.recoverable() == []
    assert found(database, AGENT, "homes.example") == []


def test_a_parked_request_is_purged_and_running_jobs_cannot_restore_it(
    database: Database, service: Service, store: PurgeStore, clock: ManualClock
) -> None:
    """The request contains the page's text. A job for another page with the same text must not park it again."""
    requests = LlmRequestStore(database)
    page = service.page(PAGE)
    question = Question(page.sha256, ("Roof",), "m", "p")
    request = NewRequest(question, {"messages": [{"content": page.text}]}, 1, 1, page)
    first, other = (service.jobs.get(job_id) for job_id in service.jobs.enqueue([PAGE, OTHER]).new)
    for job in (first, other):
        service.jobs.claim(job.id, "owner", 300)
    service.pages.save_page(page, first.id)
    requests.park(other, "owner", request, 3600)
    clock.advance(1)
    assert store.purge(PurgeKind.URL, PAGE, who="alice", dry_run=False).removed["llm_requests"] == 1
    with pytest.raises(LeaseLostError):
        requests.park(first, "owner", request, 3600)
    assert service.jobs.get(other.id).due_at == clock.now()
    assert service.jobs.claim(other.id, "owner", 300)
    with pytest.raises(PurgedMeanwhileError):
        requests.park(other, "owner", request, 3600)
    assert found(database, AGENT, "homes.example") == []


def test_concurrent_writers_cannot_store_a_purged_page(
    database_url: str, database: Database, service: Service, store: PurgeStore, clock: ManualClock
) -> None:
    """Several threads store a page that was fetched before the purge. Each copy is either purged or rejected."""
    page = service.page(PAGE)
    clock.advance(1)
    with writing_threads(database_url, clock, page, PurgedMeanwhileError):
        store.purge(PurgeKind.URL, PAGE, who="alice", dry_run=False)
    assert found(database, AGENT) == []


def test_deleted_rows_are_overwritten_in_sqlite_files(database: Database, service: Service, store: PurgeStore) -> None:
    """The deleted rows share file pages with other rows. PostgreSQL overwrites deleted rows later."""
    for n in range(30):
        service.scrape(f"https://a.example/{n}", f"Nobody {n}", StreetNumber=str(1000 + n))
    service.scrape(PAGE)
    for n in range(30, 60):
        service.scrape(f"https://a.example/{n}", f"Nobody {n}", StreetNumber=str(1000 + n))
    if database.is_sqlite:
        assert AGENT.encode() in _raw(database)
    store.purge(PurgeKind.URL, PAGE, who="alice", dry_run=False)
    assert database.wipe_free_space() is database.is_sqlite
    if database.is_sqlite:
        assert AGENT.encode() not in _raw(database)
        assert b"Nobody 59" in _raw(database)
    assert PageIndex(database).fresh("https://a.example/59", service.clock.now() - timedelta(hours=1))


def test_free_space_is_not_wiped_during_another_read(database_url: str, database: Database, service: Service) -> None:
    """In SQLite, wiping succeeds after the read has ended. In PostgreSQL, only an administrator can wipe free space."""
    service.scrape(PAGE)
    impatient = Database(database_url, service.clock, busy_timeout_seconds=0.1)
    with database.reading() as connection:
        connection.execute(select(JobRow)).all()
        assert not impatient.wipe_free_space()
    impatient.close()
    assert database.wipe_free_space() is database.is_sqlite


@ON_POSTGRESQL
def test_wiping_free_space_has_no_time_limit(database: Database) -> None:
    """VACUUM of a large database exceeds the time limit of other statements."""
    limits = dict[str, str]()
    with database.reading() as connection:
        engine = connection.engine

    @event.listens_for(engine, "before_cursor_execute")
    def note_limit(connection: Connection, _: Any, statement: str, *__: Any) -> None:
        with connection.connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            limits[statement] = cursor.fetchone()[0]

    database.wipe_free_space()
    with database.reading() as connection:
        connection.execute(text("SELECT 1"))
    assert (limits["VACUUM"], limits["SELECT 1"]) == ("0", "1min")


def _raw(database: Database) -> bytes:
    file = Path(str(database.url.database))
    return b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))


def test_a_repeated_request_returns_the_remaining_jobs(database: Database, service: Service, store: PurgeStore) -> None:
    key = RequestKey("k" * 64, "f" * 64)
    requester = Requester("c" * 64, key=key)
    made = service.jobs.enqueue([PAGE, OTHER], requester=requester)
    service.jobs.note_answered(key)
    store.purge(PurgeKind.URL, PAGE, who="alice", dry_run=False)
    again = service.jobs.earlier(key)
    assert again is not None
    assert [job.target for job in again.jobs] == [OTHER]
    assert again.batch == made.batch
    assert count(database, JobRow) == 1


def test_a_purge_deletes_changes_of_a_page_that_was_split_off(
    database: Database, service: Service, store: PurgeStore
) -> None:
    """The change was found on both pages and is stored with the property of the other page."""
    other = "https://b.example/listing/9"
    service.scrape(PAGE)
    _, home = service.scrape(other)
    evidence = {"old": 1, "new": 2, "old_evidence": {"quote": AGENT}, "new_evidence": {}, "urls": f" {PAGE} {other} "}
    moments = dict.fromkeys(("seen_at", "updated_at"), service.clock.now())
    change = {"id": "c" * 32, "property_id": home, "field": "ListPrice", "url": other, "state": "published", **evidence}
    with database.writing() as connection:
        connection.execute(insert(Change).values(change | moments))
    DecisionStore(database).split(home, [PAGE], who="me")
    store.purge(PurgeKind.URL, PAGE, who="alice", dry_run=False)
    assert rows(database)["changes"] == 0


def test_a_purge_handles_more_merged_ids_than_one_statement_allows(database: Database, clock: ManualClock) -> None:
    """SQLite allows 32,766 parameters per statement, PostgreSQL 65,535, and one query uses each id three times."""
    ids = [f"{number:032x}" for number in range(22_000)]
    empty = {"record": {}, "evidence": {}, "conflicts": [], "created_at": clock.now(), "updated_at": clock.now()}
    with database.writing() as connection:
        connection.execute(insert(Property), [{**empty, "id": ids[0]}])
        connection.execute(insert(Property), [{**empty, "id": merged, "merged_into": ids[0]} for merged in ids[1:]])
    with database.reading() as connection:
        found = complete(connection, Scope(properties=(ids[1],)))
    assert found.properties == tuple(ids)
