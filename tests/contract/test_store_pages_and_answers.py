"""A job fetches its page once, and each question to a model is paid for once."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.errors.storage import StoreError
from app.property.page import Page
from app.property.storage.llm.cache import Question, StoredAnswer
from app.property.storage.pages.repository import Checkpoint
from app.property.storage.pages.tables import Blob, PageCopy
from tests.contract.conftest import count
from tests.plugins.stores import Stores

URL = "https://site.example/house/1"
QUESTION = Question("a" * 64, ("Roof", "YearBuilt"), "gpt-test", "b" * 64)


def page(body: bytes = b"<html>m\xb2</html>", text: str = "<html>m²</html>", url: str = URL) -> Page:
    return Page(url, url + "?final", "text/html", text, body, datetime(2026, 1, 1, 12, tzinfo=UTC))


@pytest.fixture
def job_id(db: Stores) -> str:
    return db.jobs.enqueue([URL]).new[0]


def test_a_checkpoint_returns_the_page_as_received(db: Stores, job_id: str) -> None:
    assert db.pages.checkpoint(job_id) is None
    odd = page(b"\x00odd", "\x00 \ud800 odd")
    for received in (odd, page()):
        db.pages.save_page(received, job_id)
        assert db.pages.checkpoint(job_id) == Checkpoint(received)
    assert db.pages.checkpoint(job_id, URL) == Checkpoint(page())
    assert db.pages.checkpoint(job_id, "https://site.example/other") is None


def test_the_same_body_is_stored_once(db: Stores, job_id: str) -> None:
    plain = page(b"plain", "plain")
    for _ in range(3):
        db.pages.save_page(plain)
    db.pages.save_page(plain, job_id)
    assert count(db, PageCopy) == 4
    assert count(db, Blob) == 1


def test_a_checkpoint_stores_a_confirmation_until_the_page_is_fetched_again(db: Stores, job_id: str) -> None:
    at = datetime(2026, 2, 1, tzinfo=UTC)
    db.pages.save_page(page(), job_id, at)
    assert db.pages.checkpoint(job_id, URL) == Checkpoint(page(), at)
    db.pages.save_page(page(b"new", "new"), job_id)
    assert db.pages.checkpoint(job_id, URL) == Checkpoint(page(b"new", "new"), None)
    assert count(db, PageCopy) == 1


def test_a_page_of_an_unknown_job_is_refused_as_a_whole(db: Stores) -> None:
    with pytest.raises(StoreError, match=r"(?i)foreign key"):
        db.pages.save_page(page(), "no such job")
    assert count(db, Blob) == 0


def test_an_answer_is_only_found_by_the_same_question(db: Stores) -> None:
    assert db.answers.model_answer(QUESTION) is None
    given = StoredAnswer({"Roof": (["tile"], "tile roof"), "YearBuilt": (1990, "")}, "gpt-test-1", 90, 10)
    db.answers.save_model_answer(QUESTION, given)
    assert db.answers.model_answer(QUESTION) == given
    others = ({"content_sha256": "c" * 64}, {"fields": ("Roof",)}, {"model": "other"}, {"prompt_sha256": "d" * 64})
    for other in others:
        assert db.answers.model_answer(replace(QUESTION, **other)) is None


def test_a_failed_answer_is_reused_for_a_while(db: Stores) -> None:
    """Jobs that ask soon afterwards reuse the failure, which has been paid for. Later jobs ask the model again."""
    bad = StoredAnswer(
        {"YearBuilt": (1990, "in 1990")}, "gpt-test-1", 90, 10, "flex", "model_answer_cut", "It was cut."
    )
    db.answers.save_model_answer(QUESTION, bad)
    then = db.clock.now()
    db.clock.advance(60)
    assert db.answers.model_answer(QUESTION) is None
    assert db.answers.model_answer(QUESTION, failed_since=then) == bad
    assert db.answers.model_answer(QUESTION, failed_since=db.clock.now()) is None
    good = StoredAnswer({"YearBuilt": (1991, "in 1991")}, "gpt-test-1", 90, 10)
    db.answers.save_model_answer(QUESTION, good)
    assert db.answers.model_answer(QUESTION) == db.answers.model_answer(QUESTION, failed_since=db.clock.now()) == good
