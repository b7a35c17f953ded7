"""Purging a person removes the person's name from every table, and the name cannot be stored again."""

import hashlib
import re
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Boolean, Column, Date, LargeBinary, String, Table, Text, insert, select
from sqlalchemy.types import JSON

from app.errors import ConfigurationError
from app.errors.purging import PageNamesPersonError, PersonPurgedMeanwhileError
from app.errors.targets import InvalidTargetError
from app.property.page import CacheValidators, Page
from app.property.people import finder_of, parse_name
from app.property.source_record import SourceRecord
from app.property.storage.audit import AuditEntry
from app.property.storage.database import Database
from app.property.storage.llm.cache import Question, StoredAnswer
from app.property.storage.llm.requests import NewRequest
from app.property.storage.pages.repository import pack
from app.property.storage.pages.tables import PageAlias, PageCopy
from app.property.storage.privacy import persons
from app.property.storage.privacy.names_key import NamesKey
from app.property.storage.privacy.pii_catalog import NAMING, PiiKind, columns_of, pii_kind
from app.property.storage.privacy.repository import PurgeStore
from app.property.storage.privacy.scope import PurgeKind
from app.property.storage.privacy.suppressions import PurgedNames
from app.property.storage.tables import metadata
from app.property.storage.types import UtcDateTime
from benchmarks.postgresql import PostgreSQL
from tests.contract.conftest import ON_POSTGRESQL, stored_texts, writing_threads
from tests.plugins.job_ends import finish
from tests.plugins.page_records import page_record
from tests.plugins.statements import recorded
from tests.plugins.stores import Stores

NAME = "Ottilie Quackenbush"
WRITTEN = ("Ottilie Quackenbush", "QUACKENBUSH, OTTILIE", "Ottilie M. Qu\u00e4ckenbush")
OTHERS = ("Ottilie Vandermolen", "Balthasar Quackenbush")
PAGE = "https://www.homes.example/h/48213"
ANY = finder_of(parse_name(NAME))
#: Values of columns that allow only some codes.
CODES = {
    "outbox.channel": "alert", "audit_log.area": "key", "jobs.state": "failed", "llm_cache.kind": "page",
    "llm_requests.state": "parked", "llm_batches.state": "new", "alerts.severity": "warning",
    "job_attempts.kind": "assessor", "watches.kind": "url", "watches.state": "active", "suppressions.kind": "url",
    "changes.state": "published", "source_records.kind": "listing",
}  # fmt: skip


def places(db: Stores, *words: str) -> set[str]:
    """Return the columns that contain one of `words`, by default the parts of the person's name."""
    found = set[str]()
    for table, column, stored in stored_texts(db):
        content = stored.encode().decode("unicode_escape", "replace") if "\\u" in stored else stored
        if any(word in content for word in words) if words else ANY.is_in(content):
            found.add(f"{table}.{column}")
    return found


def _some(column: Column[Any], planted: str, now: datetime) -> Any:
    """Return a value for a column, with `planted` (in URLs, its slug) if the column may name a person."""
    if column.foreign_keys or str(column) in CODES:
        return CODES.get(str(column))
    kind = pii_kind(column)
    if kind is PiiKind.COPY:
        return pack(f"<p>{planted}</p>".encode())
    if kind in (PiiKind.TARGET, PiiKind.URLS):
        slug = NAME.lower().replace(" ", "-") if ANY.is_in(planted) else "nobody"
        url = f"https://a.example/{column.table.name}/{slug}"
        return f" {url} https://b.example/ " if kind is PiiKind.URLS else url
    if isinstance(column.type, JSON):
        return {"said": [planted, f"by {planted}"]} if kind is PiiKind.TEXT else {}
    if kind is PiiKind.TEXT:
        return f"as {planted} says"
    match column.type:
        case UtcDateTime():
            return now
        case Date():
            return date(2026, 1, 1)
        case Boolean():
            return False
        case String(length=length):
            return f"{column.table.name}{column.name}"[: length or 99]
        case _:
            return 1


def _special(table: str, planted: str, now: datetime) -> dict[str, Any]:
    """Return values for the columns of the table that need a special format."""
    proof = {
        "value": planted, "raw": planted, "unit": None, "method": "label", "locator": "/", "confidence": 0.9,
        "quote": f"Agent {planted}", "source_url": PAGE, "fetched_at": now.isoformat(), "content_sha256": "c" * 64,
    }  # fmt: skip
    area = {**proof, "value": 90, "raw": "90", "quote": f"90 sq ft, {planted}"}
    history = [{"date": "2020-01-01", "price": 1, "event": f"sold by {planted}"}]
    values = {"ListAgentFullName": planted, "LivingArea": 90, "X_PriceHistory": history}
    proofs = {"ListAgentFullName": proof, "LivingArea": area, "X_PriceHistory": {**proof, "value": history}}
    return {
        "source_records": {"record": values, "evidence": proofs, "wanted_model": [], "source_kind": None},
        "properties": {"record": values, "evidence": proofs, "conflicts": [{"field": "Roof", "evidence": [proof]}]},
        "observations": {"field": "X_PriceHistory", "value": history, "evidence": {**proof, "value": history}},
        "unverified": {"field": "ListAgentFullName", "value": planted},
    }.get(table, {})


def fill(db: Stores, planted: str, now: datetime) -> None:
    """Insert one row with `planted` into every table, parents first, with matching foreign keys."""
    made = dict[Table, dict[str, Any]]()
    with db.writing() as connection:
        for table in metadata.sorted_tables:
            row = {c.name: _some(c, planted, now) for c in table.columns}
            row |= _special(table.name, planted, now)
            for column in table.columns:
                for key in column.foreign_keys:
                    parent = made.get(key.column.table, {})
                    row[column.name] = parent.get(key.column.name)
            connection.execute(table.insert().values(row))
            made[table] = row


def test_every_column_that_can_name_a_person_loses_the_name(db: Stores) -> None:
    fill(db, " and ".join(WRITTEN), db.clock.now())
    planted_in = places(db)
    naming = {str(c) for table in metadata.sorted_tables for c in columns_of(table, *NAMING, PiiKind.COPY)}
    assert naming <= planted_in, "every column that can name a person must contain the name"
    counted = db.purge("person", NAME, dry_run=True)
    assert places(db) == planted_in, "a dry run removes nothing"
    removed = db.purge("person", NAME)
    assert places(db) == set()
    assert removed == counted
    assert db.purge("person", NAME) == {}


def test_names_of_other_people_stay_in_every_column(db: Stores) -> None:
    fill(db, " and ".join(OTHERS), db.clock.now())
    before = places(db, *OTHERS)
    assert len(before) > 20
    db.purge("person", NAME)
    assert places(db, *OTHERS) == before


def page_of(agent: str, at: datetime, url: str = PAGE) -> Page:
    content = f"<p>Call {agent}</p>"
    return Page(url, url, "text/html", content, content.encode(), at, CacheValidators('"v1"'))


def record_of(page: Page, agent: str) -> SourceRecord:
    values = {"StreetNumber": "12", "StreetName": "Oak St", "PostalCode": "62701", "ListPrice": 100,
            "ListAgentFullName": agent, "PublicRemarks": f"Ask {agent} or nobody.",
            "Media": ["https://a.example/1.jpg", f"https://a.example/{agent.replace(' ', '-')}.jpg"]}  # fmt: skip
    quote = f"{{}} by {agent}"
    return page_record(page.url, values, page.fetched_at, page.sha256, quote=quote, page_url=page.url)


def test_a_url_that_is_longer_than_a_target_does_not_stop_the_purge(db: Stores) -> None:
    agent = NAME.lower().replace(" ", "-")
    long = f"{PAGE}?return={'0' * 2500}&agent={agent}"
    page = page_of("nobody", db.clock.now())
    db.pages.save_page(replace(page, final_url=long))
    db.purge("person", NAME)
    assert db.execute(select(PageCopy.final_url)) == []


def test_bodies_in_all_encodings_are_searched_and_errors_of_jobs_are_read_once(db: Stores) -> None:
    for n, encoding in enumerate(("utf-16", "utf-16-le", "latin-1", "cp1252")):
        content = f"<p>{n} Ottilie Qu\u00e4ckenbush, {'x' * 3000}</p>"
        url = f"https://a.example/{n}/ottilie-quackenbush"
        db.pages.save_page(Page(url, url, "text/html", "seen", content.encode(encoding), db.clock.now()))
        other = f"{PAGE}/{n}"  # only the body of this page names the person
        page = Page(other, other, "text/html", "seen", f"{content} again".encode(encoding), db.clock.now())
        db.pages.save_page(page)
    with recorded(db) as statements:
        removed = db.purge("person", NAME)
    assert (removed["pages"], removed["blobs"]) == (8, 9)
    assert len([sql for sql, _ in statements if "error_code IS NOT NULL" in sql]) == 1


def test_a_shared_redirect_target_is_not_purged(db: Stores) -> None:
    """The URLs of two pages contain the person's name. Both redirect to the same sign-in page, which does not."""
    shared = page_of("nobody", db.clock.now(), "https://a.example/sign-in")
    for number in range(2):
        url = f"https://a.example/agents/{number}/ottilie-quackenbush"
        db.pages.save_page(replace(shared, url=url, final_url=shared.url))
    home = db.save(record_of(shared, "Balthasar Vandermolen"))
    removed = db.purge("person", NAME)
    assert removed["pages"] == 2
    assert db.properties.get(home)["sources"][0]["url"] == shared.url


def test_a_street_with_the_persons_name_stays_and_its_property_is_unchanged(db: Stores) -> None:
    home = db.save(record_of(page_of("nobody", db.clock.now()), "Balthasar Vandermolen"))
    job_id = db.start("12 Ottilie Quackenbush, Anytown, ST 00000", "owner").id
    finish(db.jobs, job_id, "owner", home)
    assert ANY.is_in(db.jobs.get(job_id).target)
    before = db.properties.get(home)["updated_at"]
    db.clock.advance(5)
    assert db.purge("person", NAME) == {}
    assert db.properties.get(home)["updated_at"] == before


def test_other_values_stay_with_their_evidence_and_the_property_counts_as_changed(db: Stores) -> None:
    page = page_of(NAME, db.clock.now())
    db.pages.save_page(page)
    home = db.save(record_of(page, NAME))
    db.clock.advance(5)
    since = db.clock.now()
    removed = db.purge("person", NAME)
    shown = db.properties.get(home)
    assert shown["record"].pop("X_GoogleEarthUrl")
    assert shown["record"] == {
        "ListPrice": 100, "StreetNumber": "12", "StreetName": "Oak St", "PostalCode": "62701",
        "PublicRemarks": "Ask [removed] or nobody.", "Media": ["https://a.example/1.jpg"],
    }  # fmt: skip
    assert shown["evidence"]["ListPrice"]["quote"] == "100 by [removed]"
    assert [one["property"] for one in db.properties.page(changed_since=since).items] == [home]
    assert (removed["blobs"], removed["observations"]) == (1, 1)
    (row,) = db.execute(select(AuditEntry))
    assert (row.who, row.action, row.removed) == ("alice", "person", removed)


def test_a_page_is_read_without_a_purged_name(db: Stores) -> None:
    names = PurgedNames(db)
    page = page_of("Ottilie Quackenbush and Balthasar Quackenbush", db.clock.now())
    assert names.page_without(page) is page
    db.purge("person", NAME)
    read = names.page_without(page)
    assert read.text == "<p>Call [removed] and Balthasar Quackenbush</p>"
    assert read.body == read.text.encode()
    assert read.sha256 != page.sha256
    nobody = page_of("Ottilie Vandermolen", db.clock.now())
    assert names.page_without(nobody) is nobody
    with pytest.raises(PageNamesPersonError) as caught:
        names.page_without(
            page_of("nobody", db.clock.now(), "https://a.example/agents/quackenbush/ottilie-quackenbush")
        )
    assert "uackenbush" not in str(caught.value)
    with pytest.raises(InvalidTargetError, match=r"Target 2 of 2"):
        db.jobs.enqueue([PAGE, "https://a.example/ottilie-quackenbush"])
    assert places(db) == set()


def test_a_running_job_stores_its_page_without_the_purged_name_or_reads_it_again(db: Stores) -> None:
    """The worker fetched the page before the purge. A model's answer about it is stored without the name."""
    job_id = db.start(PAGE, "owner").id
    page = page_of(NAME, db.clock.now())
    question = Question(page.sha256, ("ListAgentFullName",), "m", "p")
    db.clock.advance(1)
    db.purge("person", NAME)
    db.clock.advance(1)
    with pytest.raises(PersonPurgedMeanwhileError):
        db.pages.save_page(page, job_id)
    request = NewRequest(question, {"messages": [{"content": page.text}]}, 1, 1, page)
    with pytest.raises(PersonPurgedMeanwhileError):
        db.requests.park(db.jobs.get(job_id), "owner", request, 3600)
    db.answers.save_model_answer(question, StoredAnswer({"Roof": (["slate"], f"slate, {NAME}")}, "m", 1, 1), page)
    kept = db.answers.model_answer(question)
    assert kept.values == {"Roof": (["slate"], "slate, [removed]")}
    home = db.save(record_of(page, NAME), model_note=f"{NAME} was not asked")
    assert db.properties.get(home)["record"]["ListPrice"] == 100
    assert places(db) == set()


def test_concurrent_writers_cannot_store_a_purged_name(db: Stores, database_url: str) -> None:
    page = page_of(NAME, db.clock.now())
    db.clock.advance(1)
    with writing_threads(database_url, db.clock, page, PersonPurgedMeanwhileError):
        db.purge("person", NAME)
    assert places(db) == set()


def test_only_hashes_of_the_name_are_kept_and_they_need_the_same_key(db: Stores, database_url: str) -> None:
    db.purge("person", NAME)
    assert places(db, "ttilie", "uackenbush") == set()
    other = Database(database_url, db.clock, names_key=NamesKey("o" * 32))
    with pytest.raises(ConfigurationError, match="PRIVACY_KEY"):
        PurgedNames(other).page_without(page_of("nobody", db.clock.now()))
    other.close()


def test_a_purge_of_a_person_needs_a_key_which_may_be_in_a_file(db: Stores, database_url: str, tmp_path: Path) -> None:
    bare = Database(database_url, db.clock)
    with pytest.raises(ConfigurationError, match="PRIVACY_KEY"):
        PurgeStore(bare).purge(PurgeKind.PERSON, NAME, who="alice", dry_run=False)
    with bare.reading() as connection:
        assert connection.execute(select(AuditEntry)).all() == []
    bare.close()
    path = tmp_path / "names-key"
    mine = Database(database_url, db.clock, names_key=NamesKey(path=path))
    PurgeStore(mine).purge(PurgeKind.PERSON, NAME, who="alice", dry_run=False)
    assert path.stat().st_mode & 0o777 == 0o600
    assert NamesKey(path=path).make() == path.read_bytes()
    assert list(tmp_path.glob("names-key.*")) == []
    assert PurgedNames(mine).finder().without(NAME) == "[removed]"
    mine.close()


def test_a_purge_continues_after_a_crash(db: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next purge continues where the first one stopped. Its progress is recorded without the name."""
    fill(db, NAME, db.clock.now())
    db.execute(insert(PageAlias).values(url=f"{PAGE}?a", page_url=PAGE, seen_at=db.clock.now()))
    monkeypatch.setattr(persons, "_NOTE_SECONDS", -1.0)
    clear, remaining = persons._clear, iter(range(6))

    def interrupted(*args: Any, **keywords: Any) -> None:
        if next(remaining, None) is None:
            raise KeyboardInterrupt
        clear(*args, **keywords)

    monkeypatch.setattr(persons, "_clear", interrupted)
    with recorded(db) as statements, pytest.raises(KeyboardInterrupt):
        db.purge("person", NAME)
    assert places(db)
    noted = [str(parameters) for sql, parameters in statements if sql.startswith("INSERT INTO suppressions")]
    assert any("page_aliases" in words for words in noted), "the key of this table is a URL"
    assert not any(ANY.is_in(words) for words in noted)
    monkeypatch.setattr(persons, "_clear", clear)
    with recorded(db) as statements:
        db.purge("person", NAME)
    assert places(db) == set()
    assert not [sql for sql, _ in statements if "blobs.packed" in sql]
    with recorded(db) as statements:
        db.purge("person", NAME)
    assert [sql for sql, _ in statements if "blobs.packed" in sql], "a completed purge starts from the beginning"


@ON_POSTGRESQL
@pytest.mark.timeout(900)
def test_the_documented_commands_remove_the_name_from_the_files_of_postgresql(
    db: Stores, database_url: str, postgresql: PostgreSQL
) -> None:
    """The documented commands clear heap, TOAST, and statistics, but not the write-ahead log."""
    agent, word = "Wilhelmina Featherstonehaugh", b"Featherstonehaugh"

    def files() -> set[str]:
        folder = postgresql.folder / "data"
        return {path.parent.name for path in folder.rglob("*") if path.is_file() and word in path.read_bytes()}

    long = " ".join(hashlib.sha256(bytes([n])).hexdigest() for n in range(200))
    for number in range(5):
        page = page_of(agent, db.clock.now(), f"{PAGE}/{number}")
        db.pages.save_page(page)
        record = record_of(page, agent)
        remarks = {"StreetNumber": str(number), "PublicRemarks": f"{agent} {long}"}
        db.save(replace(record, values=record.values | remarks))
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute("ANALYZE")
    db.purge("person", agent)
    assert db.wipe_free_space() is False
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute("CHECKPOINT")  # writes buffered changes to the files
    assert files() - {"pg_wal"}, "the name must be in the files before the commands of the docs"
    (block,) = re.findall(r"```sql\n(.*?)```", Path("docs/retention.md").read_text(encoding="utf-8"), re.DOTALL)
    with psycopg.connect(database_url, autocommit=True) as admin:
        for statement in filter(str.strip, block.split(";")):
            admin.execute(statement.encode())
    assert files() <= {"pg_wal"}


def test_every_text_column_declares_a_kind() -> None:
    texts = (c for table in metadata.sorted_tables for c in table.columns if isinstance(c.type, Text | JSON))
    undeclared = [str(column) for column in texts if "pii" not in column.info]
    assert undeclared == []


def test_the_kind_of_a_url_or_id_column_matches_its_name() -> None:
    named = {r".*url|target": PiiKind.TARGET, r"urls": PiiKind.URLS}
    named |= {r"property_id": PiiKind.PROPERTY, r"job_id": PiiKind.JOB}
    for table in metadata.sorted_tables:
        for column in table.columns:
            expected = [kind for pattern, kind in named.items() if re.fullmatch(pattern, column.name)]
            assert expected in ([], [pii_kind(column)]) or str(column) == "batches.callback_url"


#: The text and JSON columns without personal data, and what they contain.
_WITHOUT_PII = {
    "source_records.wanted_model": "names of fields",
    "jobs.wanted_model": "names of fields",
    "jobs.lease_owner": "names of our processes",
    "jobs.search": "numbers, and our codes of reasons",
    "llm_requests.fields": "names of fields",
    "batches.job_ids": "ids of jobs",
    "batches.counts": "numbers by state",
    "suppressions.words": "hashes, or names of tables and keys of rows",
    "audit_log.removed": "numbers by table",
    "identity_decisions.replaced": "ids of properties",
}
_OF_KEYS = {"model", "mask", "limit_group", "counters", "refusals", "charges", "key_id"}
_OF_OPENAI = {"input_file_id", "openai_id", "lease_owner"}


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_a_text_column_declared_without_personal_data_is_listed_with_a_reason(table: Table) -> None:
    for column in columns_of(table, PiiKind.NOTHING):
        if isinstance(column.type, Text | JSON | LargeBinary) and column.name not in _OF_KEYS | _OF_OPENAI:
            assert str(column) in _WITHOUT_PII
