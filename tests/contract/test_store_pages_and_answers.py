"""A job fetches its page once, and each question to a model is paid for once."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.clock import ManualClock
from app.errors.storage import StoreError
from app.property.page import Page
from app.property.storage.database import Database
from app.property.storage.jobs.repository import JobStore
from app.property.storage.llm.cache import AnswerStore, Question, StoredAnswer
from app.property.storage.pages.repository import Checkpoint, PageStore
from app.property.storage.pages.tables import Blob, PageCopy
from tests.contract.conftest import count

URL = "https://site.example/house/1"
QUESTION = Question("a" * 64, ("Roof", "YearBuilt"), "gpt-test", "b" * 64)


def page(body: bytes = b"<html>m\xb2</html>", text: str = "<html>m²</html>", url: str = URL) -> Page:
    return Page(url, url + "?final", "text/html", text, body, datetime(2026, 1, 1, 12, tzinfo=UTC))


@pytest.fixture
def job_id(database: Database) -> str:
    return JobStore(database).enqueue([URL]).new[0]


def test_a_checkpoint_returns_the_page_as_received(database: Database, job_id: str) -> None:
    store = PageStore(database)
    assert store.checkpoint(job_id) is None
    odd = page(b"\x00odd", "\x00 \ud800 odd")
    for received in (odd, page()):
        store.save_page(received, job_id)
        assert store.checkpoint(job_id) == Checkpoint(received)
    assert store.checkpoint(job_id, URL) == Checkpoint(page())
    assert store.checkpoint(job_id, "https://site.example/other") is None


def test_the_same_body_is_stored_once(database: Database, job_id: str) -> None:
    store = PageStore(database)
    plain = page(b"plain", "plain")
    for _ in range(3):
        store.save_page(plain)
    store.save_page(plain, job_id)
    assert count(database, PageCopy) == 4
    assert count(database, Blob) == 1


def test_a_checkpoint_stores_a_confirmation_until_the_page_is_fetched_again(database: Database, job_id: str) -> None:
    store = PageStore(database)
    at = datetime(2026, 2, 1, tzinfo=UTC)
    store.save_page(page(), job_id, at)
    assert store.checkpoint(job_id, URL) == Checkpoint(page(), at)
    store.save_page(page(b"new", "new"), job_id)
    assert store.checkpoint(job_id, URL) == Checkpoint(page(b"new", "new"), None)
    assert count(database, PageCopy) == 1


def test_a_page_of_an_unknown_job_is_refused_as_a_whole(database: Database) -> None:
    with pytest.raises(StoreError, match=r"(?i)foreign key"):
        PageStore(database).save_page(page(), "no such job")
    assert count(database, Blob) == 0


def test_an_answer_is_only_found_by_the_same_question(database: Database) -> None:
    store = AnswerStore(database)
    assert store.model_answer(QUESTION) is None
    given = StoredAnswer({"Roof": (["tile"], "tile roof"), "YearBuilt": (1990, "")}, "gpt-test-1", 90, 10)
    store.save_model_answer(QUESTION, given)
    assert store.model_answer(QUESTION) == given
    others = ({"content_sha256": "c" * 64}, {"fields": ("Roof",)}, {"model": "other"}, {"prompt_sha256": "d" * 64})
    for other in others:
        assert store.model_answer(replace(QUESTION, **other)) is None


def test_of_two_answers_to_one_question_the_newer_is_used(database: Database) -> None:
    """Two concurrent jobs may send the same question. Both answers are stored, and later reads return the newer one."""
    store = AnswerStore(database)
    for year in (1990, 1991):
        store.save_model_answer(QUESTION, StoredAnswer({"YearBuilt": (year, "")}, "gpt-test-1", 1, 1))
    found = store.model_answer(QUESTION)
    assert found is not None
    assert found.values == {"YearBuilt": (1991, "")}


def test_a_failed_answer_is_reused_for_a_while(database: Database, clock: ManualClock) -> None:
    """Jobs that ask soon afterwards reuse the failure, which has been paid for. Later jobs ask the model again."""
    store = AnswerStore(database)
    bad = StoredAnswer(
        {"YearBuilt": (1990, "in 1990")}, "gpt-test-1", 90, 10, "flex", "model_answer_cut", "It was cut."
    )
    store.save_model_answer(QUESTION, bad)
    then = clock.now()
    clock.advance(60)
    assert store.model_answer(QUESTION) is None
    assert store.model_answer(QUESTION, failed_since=then) == bad
    assert store.model_answer(QUESTION, failed_since=clock.now()) is None
    good = StoredAnswer({"YearBuilt": (1991, "in 1991")}, "gpt-test-1", 90, 10)
    store.save_model_answer(QUESTION, good)
    assert store.model_answer(QUESTION) == store.model_answer(QUESTION, failed_since=clock.now()) == good
