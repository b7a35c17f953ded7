"""Checkpoints: a page is fetched once per job, a question is paid for once, and the day's budget holds."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from app.clock import ManualClock
from app.errors import StoreError
from app.property.page import Page
from app.property.store import AnswerStore, Database, JobStore, ModelBudget, PageStore, Question
from app.property.store.tables import bodies, pages

URL = "https://site.example/house/1"
QUESTION = Question("a" * 64, ("Roof", "YearBuilt"), "gpt-test", "b" * 64)


def page(body: bytes = b"<html>m\xb2</html>", text: str = "<html>m²</html>", url: str = URL) -> Page:
    return Page(url, url + "?final", "text/html", text, body, datetime(2026, 1, 1, 12, tzinfo=UTC))


@pytest.fixture
def job_id(database: Database) -> str:
    return JobStore(database).enqueue([URL]).new[0]


def count(database: Database, table: object) -> int:
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_a_job_finds_its_page_as_it_was_received(database: Database, job_id: str) -> None:
    store = PageStore(database)
    assert store.page_for_job(job_id) is None
    store.save_page(page(), job_id)
    assert store.page_for_job(job_id) == page()
    assert store.page_for_job(job_id, URL) == page()
    assert store.page_for_job(job_id, "https://site.example/other") is None


def test_a_text_with_nul_and_half_surrogates_survives(database: Database, job_id: str) -> None:
    odd = page(b"\x00odd", "\x00 \ud800 odd")
    PageStore(database).save_page(odd, job_id)
    assert PageStore(database).page_for_job(job_id) == odd


def test_the_same_body_is_stored_once(database: Database, job_id: str) -> None:
    store = PageStore(database)
    plain = page(b"plain", "plain")
    for _ in range(3):
        store.save_page(plain)
    store.save_page(plain, job_id)
    assert count(database, pages) == 4
    assert count(database, bodies) == 1


def test_saving_again_for_a_job_replaces_its_checkpoint(database: Database, job_id: str) -> None:
    store = PageStore(database)
    store.save_page(page(), job_id)
    store.save_page(page(b"new", "new"), job_id)
    assert count(database, pages) == 1
    found = store.page_for_job(job_id)
    assert found is not None
    assert found.body == b"new"


def test_a_forgotten_checkpoint_is_fetched_anew_and_its_page_kept(database: Database, job_id: str) -> None:
    store = PageStore(database)
    store.save_page(page(), job_id)
    store.forget_checkpoint(job_id)
    assert store.page_for_job(job_id) is None
    assert count(database, pages) == 1


def test_a_page_of_no_known_job_is_refused_and_nothing_half_written(database: Database) -> None:
    with pytest.raises(StoreError, match=r"(?i)foreign key"):
        PageStore(database).save_page(page(), "no such job")
    assert count(database, bodies) == 0


def test_an_answer_is_found_by_the_same_question_only(database: Database) -> None:
    store = AnswerStore(database)
    call = store.reserve_call(QUESTION, ModelBudget())
    assert call is not None
    assert store.model_answer(QUESTION) is None
    store.save_model_answer(
        call, {"Roof": (["tile"], "tile roof"), "YearBuilt": (1990, "")}, model="gpt-test-1", prompt_tokens=90,
        completion_tokens=10,
    )  # fmt: skip
    answer = store.model_answer(QUESTION)
    assert answer is not None
    assert answer.values == {"Roof": (["tile"], "tile roof"), "YearBuilt": (1990, "")}
    assert (answer.model, answer.prompt_tokens, answer.completion_tokens) == ("gpt-test-1", 90, 10)
    others = [
        ("c" * 64, *rest(1)),
        (*rest(0, 1), ("Roof",), *rest(2)),
        (*rest(0, 2), "other", *rest(3)),
        (*rest(0, 3), "d" * 64),
    ]
    for other in others:
        assert store.model_answer(Question(*other)) is None


def rest(start: int, stop: int | None = None) -> tuple[object, ...]:
    parts = (QUESTION.content_sha256, QUESTION.fields, QUESTION.model, QUESTION.prompt_sha256)
    return parts[start:stop]


def test_a_call_without_a_usable_answer_counts_and_is_asked_again(database: Database) -> None:
    store = AnswerStore(database)
    call = store.reserve_call(QUESTION, ModelBudget())
    assert call is not None
    store.save_problem(call, "refused")
    assert store.used_today() == (1, 0)
    assert store.model_answer(QUESTION) is None


def test_a_call_that_was_turned_away_does_not_count(database: Database) -> None:
    store = AnswerStore(database)
    call = store.reserve_call(QUESTION, ModelBudget(daily_calls=1))
    assert call is not None
    store.withdraw_call(call)
    assert store.used_today() == (0, 0)
    assert store.reserve_call(QUESTION, ModelBudget(daily_calls=1)) is not None


def test_the_token_budget_stops_calls_until_the_next_utc_day(database: Database, clock: ManualClock) -> None:
    store, budget = AnswerStore(database), ModelBudget(daily_tokens=100)
    call = store.reserve_call(QUESTION, budget)
    assert call is not None
    store.save_model_answer(call, {}, model="m", prompt_tokens=60, completion_tokens=40)
    assert store.reserve_call(QUESTION, budget) is None
    clock.advance(86400 - 1)
    assert store.reserve_call(QUESTION, budget) is None
    clock.advance(1)
    assert store.used_today() == (0, 0)
    assert store.reserve_call(QUESTION, budget) is not None


def test_a_budget_of_nothing_allows_nothing(database: Database) -> None:
    assert AnswerStore(database).reserve_call(QUESTION, ModelBudget(daily_calls=0)) is None


def test_many_at_once_never_exceed_the_budget_of_calls(database: Database) -> None:
    store, reserved = AnswerStore(database), list[int | None]()
    start = threading.Barrier(10)

    def reserve() -> None:
        start.wait()
        reserved.append(store.reserve_call(QUESTION, ModelBudget(daily_calls=4)))

    threads = [threading.Thread(target=reserve) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reserved) == 10
    assert len([call for call in reserved if call is not None]) == 4
