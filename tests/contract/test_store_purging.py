"""Purges: everything of a page, a host or a property is gone from every table, and nothing comes back."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, inspect, select, text

from app.clock import ManualClock
from app.errors.jobs import LeaseLostError
from app.errors.purging import PurgedMeanwhileError
from app.errors.targets import InvalidTargetError, NoSourceError
from app.property.page import CacheValidators, Page
from app.property.record import Evidence, Method, PageKind
from app.property.source_record import SourceRecord
from app.property.storage.audit import AuditEntry
from app.property.storage.database import Database
from app.property.storage.jobs.attempts import note_failed_page
from app.property.storage.jobs.leases import Lease
from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.jobs.models import JobAttempt
from app.property.storage.jobs.repository import JobStore
from app.property.storage.llm.cache import AnswerStore, Question, StoredAnswer, StoredSearch
from app.property.storage.llm.requests import LlmRequestStore, NewRequest
from app.property.storage.llm.tables import CacheKind, LlmCache
from app.property.storage.pages.blobs import unpack
from app.property.storage.pages.index import PageIndex
from app.property.storage.pages.repository import PageStore
from app.property.storage.pages.tables import Blob
from app.property.storage.privacy import purge as purging
from app.property.storage.privacy.purge import Removal
from app.property.storage.privacy.repository import PurgeStore
from app.property.storage.privacy.scope import PurgeKind, Scope, complete
from app.property.storage.properties.decisions import DecisionStore
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import Property, Unverified
from app.property.storage.tables import metadata
from app.property.storage.watches.models import Change
from benchmarks.saving import save_record
from tests.contract.conftest import count
from tests.plugins.job_ends import finish, put_claims

AGENT = "Ottilie Quackenbush"
PAGE, MOBILE = "https://www.homes.example/h/48213", "https://m.homes.example/h/48213"
OTHER = "https://county.example/parcel/77"
ADDRESS = "12 OAK ST UNIT 4, SPRINGFIELD, IL 62701"
HOUSE = {"StreetNumber": "12", "StreetName": "Oak St", "PostalCode": "62701"}


class Service:
    """Does what a worker does with a page, without fetching it."""

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
        given = {**HOUSE, **values, "ListAgentFullName": agent}
        said = {name: value for name, value in given.items() if value is not None}
        proofs = {
            name: Evidence(value=v, raw=str(v), method=Method.LLM, locator="/", quote=f"{agent} said {v}",
                           source_url=page.url, fetched_at=page.fetched_at, content_sha256=page.sha256, confidence=0.9)
            for name, v in said.items()
        }  # fmt: skip
        return SourceRecord(page.url, page.url, PageKind.LISTING, page.sha256, page.fetched_at, said, proofs, page_url)

    def hear(self, home: str, url: str, agent: str = AGENT) -> None:
        """A search of the web named the page `url`, for what it says of the property."""
        now = self.clock.now()
        answer = StoredSearch({"output": [f"{agent} sells it ({url})"]}, "m", 1, 1, now)
        self.searches.save_search(f"{url} {agent}"[-64:], "12 Oak St, Springfield, IL 62701", answer, [url])
        heard = Unverified(
            field="ListAgentFullName",
            value=agent,
            quote=f"{agent} sells it",
            url=url,
            said_by="web_search, m",
            seen_at=now,
        )
        put_claims(self.database, home, [heard])

    def scrape(self, url: str, agent: str = AGENT, *, page_url: str | None = None, **values: Any) -> tuple[str, str]:
        """-> the ids of job and property."""
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


def everything(database: Database) -> Iterator[str]:
    """Every row of every table that the database has, as text; packed bodies unpacked."""
    with database.reading() as connection:
        for name in inspect(connection).get_table_names():
            for row in connection.execute(text(f"SELECT * FROM {name}")).mappings():  # noqa: S608 (names of tables)
                if name == "blobs":
                    content = unpack(bytes(row["packed"]))
                    yield f"blobs {content.decode('utf-8', 'replace')} {content.decode('utf-16', 'replace')}"
                yield f"{name} {dict(row)}"


def found(database: Database, *words: str) -> list[str]:
    pattern = re.compile("|".join(map(re.escape, words)))
    return [line.partition(" ")[0] for line in everything(database) if pattern.search(line)]


def rows(database: Database) -> dict[str, int]:
    with database.reading() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }


def test_the_search_of_these_tests_finds_what_is_there(database: Database, service: Service) -> None:
    service.scrape(PAGE)
    places = set(found(database, AGENT))
    assert places >= {"blobs", "source_records", "observations", "properties", "llm_cache", "jobs"}
    assert set(found(database, "homes.example")) >= {*places, "pages", "property_keys"} - {"llm_cache"}


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
def test_all_of_a_page_is_gone_from_every_table_by_whatever_it_is_named(
    database: Database, service: Service, store: PurgeStore, kind: PurgeKind, name: str
) -> None:
    """The page has two URLs with a body each, the first one was read twice; and a job that failed. Observations are
    those of five fields by each body, and of a second price by the first. The other rows are a change of the price
    and a page that was tried."""
    _, home = service.scrape(PAGE, ListPrice=100)
    service.scrape(PAGE, ListPrice=90)
    service.scrape(MOBILE, page_url=PAGE, ListPrice=80)
    service.jobs.fail(service.jobs.enqueue([PAGE], refresh=True).new[0], InvalidTargetError(PAGE, AGENT))
    service.hear(home, f"{PAGE}/more" if kind is PurgeKind.HOST else PAGE)
    address = service.jobs.enqueue(["12 Elm St, Springfield, IL 62701"], refresh=True).new[0]
    service.jobs.claim(address, "owner", 30)
    refused = JobAttempt("web search", None, PAGE, "http_status", f"{AGENT} refuses", 1)
    note_failed_page(database, Lease(address, "owner"), refused, service.clock.now())
    service.jobs.fail(address, NoSourceError("12 ELM ST", f"web search {PAGE}: {AGENT} sells it"))
    counted = store.purge(kind, name or home, who="alice", dry_run=True).removed
    assert found(database, AGENT), "a dry run removes nothing"
    removed = store.purge(kind, name or home, who="alice", dry_run=False).removed
    assert removed == counted
    assert removed == {
        "blobs": 4, "pages": 3, "source_records": 1, "observations": 11, "unverified": 1, "properties": 1,
        "llm_cache": 3, "jobs": 4, "job_attempts": 1, "page_aliases": 1, "changes": 1,
    }  # fmt: skip
    assert found(database, AGENT, "homes.example", "48213", home) == []
    left = {table: count for table, count in rows(database).items() if count}
    assert set(left) - {"daily_usage"} == {"batches", "jobs", "audit_log", "suppressions"}
    assert left["jobs"] == 1, "that of another target, which tells of the page no more"


def test_a_copy_goes_with_the_page_that_it_led_to_and_with_the_job_that_fetched_it(
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
    assert service.pages.validators(OTHER), "another property is read from it"


def test_what_was_looked_up_for_an_address_is_gone_and_its_neighbours_stay(
    database: Database, service: Service, store: PurgeStore
) -> None:
    """Found or not, with the search that was made; not the unit next door, nor the house itself."""
    _, house = service.scrape(OTHER)
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
    assert service.properties.get(house)["record"]["StreetNumber"] == "12"
    assert service.jobs.get(next_door.id).state == "queued"


def test_only_an_address_is_purged_as_one(store: PurgeStore) -> None:
    for name in ("12 Oak St", PAGE):
        with pytest.raises(InvalidTargetError):
            store.purge(PurgeKind.ADDRESS, name, who="alice", dry_run=False)


def test_a_second_purge_removes_nothing_and_a_later_scrape_is_stored(
    database: Database, service: Service, store: PurgeStore, clock: ManualClock
) -> None:
    service.scrape(PAGE)
    store.purge(PurgeKind.URL, PAGE, who="alice", dry_run=False)
    assert store.purge(PurgeKind.URL, PAGE, who="alice", dry_run=False).removed == {}
    clock.advance(1)
    _, home = service.scrape(PAGE)
    assert service.properties.get(home)["record"]["ListAgentFullName"] == AGENT


@pytest.mark.parametrize("named", [(PurgeKind.URL, MOBILE), (PurgeKind.PROPERTY, ""), (PurgeKind.ADDRESS, ADDRESS)])
@pytest.mark.parametrize("done", [0, 1, 2])
def test_a_purge_that_died_is_finished_by_the_same_one(
    database: Database, service: Service, monkeypatch: pytest.MonkeyPatch, named: tuple[PurgeKind, str], done: int
) -> None:
    """It dies when it has removed so many URLs; what it has yet to remove is found by what it left."""
    monkeypatch.setattr(purging, "_AT_ONCE", 1)
    (found_job,) = service.jobs.enqueue([ADDRESS]).jobs
    service.jobs.claim(found_job.id, "me", 30)
    _, home = service.scrape(PAGE, UnitNumber="4")
    finish(service.jobs, found_job.id, "me", home)
    service.scrape(MOBILE, page_url=PAGE, UnitNumber="4")
    service.scrape("https://tablet.homes.example/h/48213", page_url=PAGE, UnitNumber="4")
    purge = partial(PurgeStore(database).purge, named[0], named[1] or home, who="alice", dry_run=False)
    remove, left = Removal.remove_pages, iter(range(done))

    def dying(part: Removal, **which: Any) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        remove(part, **which)

    monkeypatch.setattr(Removal, "remove_pages", dying)
    with pytest.raises(KeyboardInterrupt):
        purge()
    assert found(database, "48213")
    monkeypatch.setattr(Removal, "remove_pages", remove)
    purge()
    assert found(database, AGENT, "homes.example", home) == []


@pytest.mark.parametrize(("kind", "name"), [(PurgeKind.URL, PAGE), (PurgeKind.HOST, "homes.example")])
def test_what_other_pages_say_of_the_property_stays_and_only_that(
    database: Database, service: Service, store: PurgeStore, kind: PurgeKind, name: str
) -> None:
    _, home = service.scrape(OTHER, "Nobody Special", YearBuilt=1987)
    assert service.scrape(PAGE, ListPrice=100)[1] == home
    service.hear(home, PAGE)
    service.hear(home, "https://nothomes.example/1", "Somebody")
    store.purge(kind, name, who="alice", dry_run=False)
    shown = service.properties.get(home)
    assert shown["record"]["YearBuilt"] == 1987
    assert "ListPrice" not in shown["record"]
    assert ([source["url"] for source in shown["sources"]], shown["conflicts"]) == ([OTHER], [])
    assert [one["url"] for one in shown["unverified"]] == ["https://nothomes.example/1"]
    assert found(database, AGENT, "//homes.example") == []
    assert count(database, LlmCache, LlmCache.kind == CacheKind.SEARCH) == 1
    assert service.properties.page(only=_words("homes.example")).items == []


def _words(words: str) -> Any:
    from app.property.storage.properties.views import PropertyFilter

    return PropertyFilter(words=words)


@pytest.mark.parametrize("by_the_old_id", [False, True])
def test_a_property_goes_with_all_its_pages_and_those_that_it_replaced(
    database: Database, service: Service, store: PurgeStore, by_the_old_id: bool
) -> None:
    _, first = service.scrape(PAGE, StreetNumber="4711")
    _, home = service.scrape(OTHER)
    service.scrape("https://third.example/x")
    DecisionStore(database).join(home, first, who="alice", reason="one house with two numbers")
    assert service.properties.get(first)["property"] == home
    service.hear(home, "https://dead.example/1")
    store.purge(PurgeKind.PROPERTY, first if by_the_old_id else home, who="alice", dry_run=False)
    assert found(database, AGENT, "county.example", "third.example", "homes.example") == []
    assert found(database, "dead.example") == [], "what was only said of it goes with it"
    assert rows(database)["properties"] == 0


def test_a_neighbour_of_the_same_name_stays(database: Database, service: Service, store: PurgeStore) -> None:
    """`homes.example` is neither `myhomes.example` nor `homes.example.org`, and a page that only links to it stays."""
    for n, url in enumerate(
        ("https://myhomes.example/1", "https://homes.example.org/2", "https://a.example/to/homes.example")
    ):
        _, home = service.scrape(url, "Nobody Special", StreetNumber=str(n))
        service.hear(home, url, "Nobody Special")
    (address,) = service.jobs.enqueue(["12 Elm St, Springfield, IL 62701"]).jobs
    service.jobs.fail(address.id, NoSourceError("12 ELM ST", "https://myhomes.example/1: nothing there"))
    before = rows(database)
    removed = store.purge(PurgeKind.HOST, "homes.example", who="alice", dry_run=False).removed
    assert removed == {}
    assert {**rows(database), "audit_log": 0, "suppressions": 0} == {**before, "audit_log": 0, "suppressions": 0}
    assert "myhomes.example" in str(service.jobs.get(address.id).error), "what was tried there is still told"


def test_pages_that_end_at_one_page_of_errors_are_not_taken_for_one(
    database: Database, service: Service, store: PurgeStore, clock: ManualClock
) -> None:
    _, home = service.scrape(OTHER, "Nobody Special")
    for url in (PAGE, OTHER):
        sorry = service.page("https://www.homes.example/sorry", "nobody")
        service.pages.save_page(Page(url, sorry.url, "text/html", sorry.text, sorry.body, clock.now()))
    store.purge(PurgeKind.URL, PAGE, who="alice", dry_run=False)
    assert service.properties.get(home)["sources"]
    assert "pages" in found(database, "homes.example/sorry"), "what the other page led to stays"


@pytest.mark.parametrize("kind", [PurgeKind.URL, PurgeKind.PROPERTY])
def test_an_answer_that_lists_several_properties_goes_whole(
    database: Database, service: Service, store: PurgeStore, kind: PurgeKind
) -> None:
    url = "https://gis.example/query"
    page = service.page(url)
    service.pages.save_page(page)
    homes = [
        save_record(
            service.properties, replace(service.record(page, row, AGENT, StreetNumber=row[-1]), url=row, final_url=row)
        )
        for row in (f"{url}#parcel=1", f"{url}#parcel=2")
    ]
    assert homes[0] != homes[1]
    store.purge(kind, url if kind is PurgeKind.URL else homes[0], who="alice", dry_run=False)
    assert found(database, AGENT, "gis.example") == []
    assert rows(database)["properties"] == 0


def test_a_page_in_hand_is_not_stored_after_its_purge(
    database: Database, service: Service, store: PurgeStore, clock: ManualClock
) -> None:
    """A worker has fetched it, and a colleague at the terminal too; then it is purged. Neither write brings it back."""
    (job_id,) = service.jobs.enqueue([PAGE]).new
    service.jobs.claim(job_id, "owner", 300)
    page = service.page(PAGE)
    service.pages.save_page(page, job_id)
    clock.advance(1)
    assert store.purge(PurgeKind.HOST, "homes.example", who="alice", dry_run=False).removed["jobs"] == 1
    clock.advance(1)
    question = Question(page.sha256, ("Roof",), "m", "p")
    for write in (
        lambda: service.pages.save_page(page, job_id),
        lambda: service.pages.save_page(page),
        lambda: service.answers.save_model_answer(question, StoredAnswer({"Roof": (["x"], AGENT)}, "m", 1, 1), page),
        lambda: save_record(service.properties, service.record(page, PAGE, AGENT)),
    ):
        with pytest.raises(PurgedMeanwhileError):
            write()
    assert not finish(service.jobs, job_id, "owner", "x" * 32)
    assert not service.jobs.renew(job_id, "owner", 30)
    assert service.jobs.recoverable() == []
    assert found(database, AGENT, "homes.example") == []


def test_a_page_that_leads_to_what_was_purged_is_refused_too(
    service: Service, store: PurgeStore, clock: ManualClock
) -> None:
    fetched = service.page("https://short.example/x")
    page = Page(fetched.url, PAGE, "text/html", fetched.text, fetched.body, clock.now())
    clock.advance(1)
    store.purge(PurgeKind.URL, PAGE, who="alice", dry_run=False)
    with pytest.raises(PurgedMeanwhileError):
        service.pages.save_page(page)


def test_a_question_that_waits_for_a_batch_goes_and_comes_back_by_no_run_under_way(
    database: Database, service: Service, store: PurgeStore, clock: ManualClock
) -> None:
    """Its body is the page's text. A job of another page with the same bytes waits for it too, and asks anew."""
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
    with pytest.raises(PurgedMeanwhileError):  # a page of its address, say
        requests.park(other, "owner", request, 3600)
    assert found(database, AGENT, "homes.example") == []


def test_a_writer_that_is_under_way_when_a_purge_begins_does_not_slip_through(
    database_url: str, database: Database, service: Service, store: PurgeStore, clock: ManualClock
) -> None:
    """Many write pages fetched long ago while a purge runs: each is removed by it or refused."""
    page = service.page(PAGE)
    clock.advance(1)
    began, refused = threading.Event(), list[bool]()

    def write() -> None:
        mine = Database(database_url, clock)
        pages = PageStore(mine)
        for _ in range(5000):  # until it is refused
            try:
                pages.save_page(page)
            except PurgedMeanwhileError:
                refused.append(True)
                break
            began.set()
        mine.close()

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    assert began.wait(60)
    store.purge(PurgeKind.URL, PAGE, who="alice", dry_run=False)
    for writer in writers:
        writer.join()
    assert refused
    assert found(database, AGENT) == []


def test_it_is_written_down_who_purged_what_kind_and_how_much_and_not_what(
    database: Database, service: Service, store: PurgeStore
) -> None:
    service.scrape(PAGE)
    store.purge(PurgeKind.URL, PAGE, who="alice (manager)", dry_run=False)
    with database.reading() as connection:
        row = connection.execute(select(AuditEntry)).one()
    assert (row.who, row.action, row.removed["source_records"]) == ("alice (manager)", "url", 1)
    assert found(database, "48213", "homes") == []


def test_deleted_rows_are_overwritten_in_the_files_of_sqlite(
    database: Database, service: Service, store: PurgeStore
) -> None:
    """Among many rows that stay, so that the pages of the file are shared; PostgreSQL is told and does it in time."""
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
    assert service.properties.fresh("https://a.example/59", service.clock.now() - timedelta(hours=1))


def test_free_space_is_not_wiped_while_somebody_reads_what_was(
    database_url: str, database: Database, service: Service
) -> None:
    """Then it says so, and the next time it is. PostgreSQL never says so: only its administrator can see to that."""
    service.scrape(PAGE)
    other = Database(database_url, service.clock)
    with other.reading() as connection:
        connection.execute(select(JobRow)).all()
        assert not database.wipe_free_space()
    other.close()
    assert database.wipe_free_space() is database.is_sqlite


def _raw(database: Database) -> bytes:
    file = Path(str(database.url.database))
    return b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))


def test_what_is_no_url_is_named(store: PurgeStore) -> None:
    with pytest.raises(InvalidTargetError):
        store.purge(PurgeKind.URL, "12 Oak St", who="alice", dry_run=False)


def test_a_repeated_request_is_told_of_the_jobs_that_are_left(
    database: Database, service: Service, store: PurgeStore
) -> None:
    from app.property.storage.jobs.idempotency import RequestKey
    from app.property.storage.jobs.usage import Requester

    key = RequestKey("k" * 64, "f" * 64)
    asked = Requester("c" * 64, key=key)
    made = service.jobs.enqueue([PAGE, OTHER], requester=asked)
    service.jobs.note_answered(key)
    store.purge(PurgeKind.URL, PAGE, who="alice", dry_run=False)
    again = service.jobs.earlier(key)
    assert again is not None
    assert [job.target for job in again.jobs] == [OTHER]
    assert again.batch == made.batch
    with database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(JobRow)).scalar_one() == 1
        assert connection.execute(select(func.count()).select_from(Blob)).scalar_one() == 0
        assert connection.execute(select(func.count()).select_from(Property)).scalar_one() == 0


def test_a_change_of_a_property_goes_with_a_page_that_was_split_off_since(
    database: Database, service: Service, store: PurgeStore
) -> None:
    """It was read on both pages, and stayed with the property of the other one."""
    other = "https://b.example/listing/9"
    service.scrape(PAGE)
    _, home = service.scrape(other)
    told = {"old": 1, "new": 2, "old_evidence": {"quote": AGENT}, "new_evidence": {}, "urls": f" {PAGE} {other} "}
    moments = dict.fromkeys(("seen_at", "updated_at"), service.clock.now())
    change = {"id": "c" * 32, "property_id": home, "field": "ListPrice", "url": other, "state": "published", **told}
    with database.writing() as connection:
        connection.execute(insert(Change).values(change | moments))
    DecisionStore(database).split(home, [PAGE], who="me")
    store.purge(PurgeKind.URL, PAGE, who="alice", dry_run=False)
    assert rows(database)["changes"] == 0


def test_a_purge_finds_a_property_merged_from_more_ids_than_a_statement_takes(
    database: Database, clock: ManualClock
) -> None:
    """SQLite takes 32,766 parameters per statement, PostgreSQL 65,535; one query had each id three times."""
    ids = [f"{number:032x}" for number in range(22_000)]
    empty = {"record": {}, "evidence": {}, "conflicts": [], "created_at": clock.now(), "updated_at": clock.now()}
    with database.writing() as connection:
        connection.execute(insert(Property), [{**empty, "id": ids[0]}])
        connection.execute(insert(Property), [{**empty, "id": merged, "merged_into": ids[0]} for merged in ids[1:]])
    with database.reading() as connection:
        found = complete(connection, Scope(properties=(ids[1],)))
    assert found.properties == tuple(ids)
