"""What a list of targets would come to, without anything being made: on both databases."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from app.clock import ManualClock
from app.errors.targets import InvalidTargetError, NoSourceError
from app.property.page import Page
from app.property.record import SourceKind
from app.property.storage.answers import AnswerStore, Question, StoredAnswer
from app.property.storage.engine import Database
from app.property.storage.forecast import AddressTook, Took, addresses_took, cached_share, new_targets, pages_took
from app.property.storage.job_sources import JobSources
from app.property.storage.jobs import JobStore
from app.property.storage.key_history import KeyHistoryStore
from app.property.storage.pages import PageStore
from app.property.storage.properties import PropertyStore
from app.property.storage.retention import Retention
from app.property.storage.searches import SearchStore, StoredSearch
from app.property.storage.tried import Tried
from app.property.storage.usage import Counted, CountedKey, Uses
from tests.contract.test_store_properties import source

ONE, TWO, THREE = (f"https://homes.example/{n}" for n in (1, 2, 3))


def test_only_what_would_make_a_job_is_new(database: Database, clock: ManualClock) -> None:
    jobs = JobStore(database)
    jobs.enqueue([ONE])
    PropertyStore(database).save_record(source(TWO, at=clock.now(), ListPrice=1))
    wanted = [THREE, ONE, "HTTPS://Homes.Example:443/3#top", TWO]
    assert new_targets(database, wanted, fresh_days=30, refresh=False) == [THREE]
    assert new_targets(database, wanted, fresh_days=30, refresh=True) == [THREE, TWO]
    clock.advance(timedelta(days=31).total_seconds())
    assert new_targets(database, wanted, fresh_days=30, refresh=False) == [THREE, TWO]
    assert jobs.counts()["queued"] == 1, "a forecast makes nothing"


def test_it_is_what_enqueue_does_then(database: Database, clock: ManualClock) -> None:
    jobs = JobStore(database)
    jobs.enqueue([ONE])
    PropertyStore(database).save_record(source(TWO, at=clock.now(), ListPrice=1))
    new = new_targets(database, [ONE, TWO, THREE], fresh_days=30, refresh=False)
    made = jobs.enqueue([ONE, TWO, THREE])
    assert [job.target for job in made.jobs if job.id in made.new] == new


def test_a_target_that_is_none_is_named(database: Database) -> None:
    with pytest.raises(InvalidTargetError, match="nonsense"):
        new_targets(database, [ONE, "nonsense"], fresh_days=30, refresh=False)


def test_pages_took_what_the_model_that_would_be_asked_took(database: Database) -> None:
    assert pages_took(database, "gpt-test") == []
    properties, answers = PropertyStore(database), AnswerStore(database)
    for number, (model, tokens) in enumerate(
        [("gpt-test", 1_000), ("gpt-test", 3_000), ("gpt-other", 9_000), (None, 0)]
    ):
        sha = f"{number:064x}"
        properties.save_record(source(f"https://homes.example/e{number}", sha=sha, ListPrice=number + 1))
        if model is not None:
            question = Question(sha, ("Roof",), model, "b" * 64)
            answers.save_model_answer(question, StoredAnswer({}, model, tokens, tokens // 10))
    took = sorted(pages_took(database, "gpt-test"), key=lambda one: one.input_tokens)
    asked = [Took(calls=1, input_tokens=given, output_tokens=given // 10) for given in (1_000, 3_000)]
    assert took == [Took(), Took(), *asked]


def test_the_share_of_cached_input_is_that_of_the_model_in_the_last_week(
    database: Database, clock: ManualClock
) -> None:
    assert cached_share(database, "gpt-test") is None
    history, total = KeyHistoryStore(database), Uses()

    def does(model: str, given: int, cached: int) -> None:
        """Two keys do that with `model`, beside all that was counted before."""
        nonlocal total
        total += Uses(requests=1, input_tokens=given, cached_tokens=cached)
        keys = [CountedKey(name, f"sk-{name}", name, True, {model: total}, {}) for name in "ab"]
        history.take_in(lambda: Counted(keys, []))

    history.take_in(lambda: Counted([CountedKey(name, f"sk-{name}", name, True, {}, {}) for name in "ab"], []))
    does("gpt-test", 1_000, 900)
    clock.advance(timedelta(days=8).total_seconds())
    does("gpt-test", 0, 0)
    assert cached_share(database, "gpt-test") is None, "of what was long ago nothing says how it is now"
    does("gpt-test", 3_000, 0)
    does("gpt-test", 1_000, 1_000)
    assert cached_share(database, "gpt-test") == 0.25
    assert cached_share(database, "gpt-other") is None


ADDRESS = "12 FICTIONAL AVE, ANYTOWN, ST 00000"
CARD, BILL, SHUT = "https://assessor.example/7", "https://bills.example/7", "https://shut.example/7"
TRIED = [
    Tried("Assessor", SourceKind.ASSESSOR, CARD, "used"),
    Tried("Bills", SourceKind.TAX_ROLL, BILL, "http_status"),
    Tried("Shut", SourceKind.OTHER, SHUT, "robots_disallowed"),
    Tried("web search", None, None, "searched"),
]


def read(database: Database, clock: ManualClock, address: str = ADDRESS) -> str:
    """The job of an address, under way, that got the assessor's page and tried the other sources; -> its id."""
    jobs = JobStore(database)
    (job_id,) = jobs.enqueue([address], refresh=True).new
    jobs.claim(job_id, "test", 30)
    body = f"<p>{address}</p>"
    page = Page(CARD, CARD, "text/html", body, body.encode(), clock.now())
    PageStore(database).save_page(page, job_id)
    JobSources(database).put(job_id, TRIED, asked_at=clock.now())
    PropertyStore(database).save_record(source(CARD, at=clock.now(), sha=page.sha256, ListPrice=1))
    return job_id


def asked(database: Database, clock: ManualClock, address: str = ADDRESS) -> None:
    """A question of 900 tokens about that page, and a search for the address of 8,000."""
    sha = hashlib.sha256(f"<p>{address}</p>".encode()).hexdigest()
    answers, found = AnswerStore(database), StoredSearch({"output": []}, "gpt-test-2026", 8_000, 70, clock.now())
    answers.save_model_answer(Question(sha, ("Roof",), "gpt-test", "b" * 64), StoredAnswer({}, "gpt-test", 900, 80))
    SearchStore(database).save(sha, address, found, [])


def finished(database: Database, job_id: str) -> None:
    (home,) = PropertyStore(database).page().items
    assert JobStore(database).finish(job_id, "test", home["property"])


def test_an_address_took_the_pages_that_sites_were_asked_for_and_what_was_asked_while_its_job_ran(
    database: Database, clock: ManualClock
) -> None:
    asked(database, clock)  # somebody else paid for that before
    clock.advance(60)
    job_id = read(database, clock)
    assert addresses_took(database, "gpt-test") == [], "it is not over"
    finished(database, job_id)
    sources = frozenset({"Assessor", "Bills", "Shut", "web search"})
    (free,) = addresses_took(database, "gpt-test")
    assert free == AddressTook(ADDRESS, sources, Took(pages=2))
    clock.advance(60)
    job_id = read(database, clock, "13 FICTIONAL AVE, ANYTOWN, ST 00000")
    asked(database, clock, "13 FICTIONAL AVE, ANYTOWN, ST 00000")
    clock.advance(1)
    finished(database, job_id)
    paid, _ = addresses_took(database, "gpt-test")
    assert paid.took == Took(2, 1, 1, 900, 80, 8_000, 70)
    assert addresses_took(database, "gpt-other")[0].took.calls == 0


def test_a_job_that_found_nothing_took_what_it_asked_for(database: Database, clock: ManualClock) -> None:
    jobs = JobStore(database)
    (job_id,) = jobs.enqueue([ADDRESS]).new
    jobs.claim(job_id, "test", 30)
    JobSources(database).put(job_id, TRIED[1:], asked_at=clock.now())
    jobs.fail(job_id, NoSourceError(ADDRESS, "nothing"), "test")
    (failed,) = addresses_took(database, "gpt-test")
    assert failed.took == Took(pages=1)


def test_pages_that_are_not_kept_any_more_say_nothing_of_what_was_asked(database: Database, clock: ManualClock) -> None:
    finished(database, read(database, clock))
    assert len(addresses_took(database, "gpt-test")) == 1
    clock.advance(86_400 * 10)
    Retention(database).prune_old(9)
    assert addresses_took(database, "gpt-test") == []


def test_a_page_that_was_read_for_an_address_says_nothing_of_urls(database: Database, clock: ManualClock) -> None:
    finished(database, read(database, clock))
    assert pages_took(database, "gpt-test") == []
    PropertyStore(database).save_record(source(ONE, at=clock.now(), ListPrice=1))
    assert pages_took(database, "gpt-test") == [Took()]
