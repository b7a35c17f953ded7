"""What a list of targets would come to, without anything being made: on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.clock import ManualClock
from app.errors.targets import InvalidTargetError
from app.property.store import (
    AnswerStore,
    Database,
    Experience,
    JobStore,
    PropertyStore,
    Question,
    StoredAnswer,
    experience,
    new_targets,
)
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


def test_experience_is_of_the_model_that_would_be_asked(database: Database) -> None:
    assert experience(database, "gpt-test") == Experience(0, 0, 0.0, 0.0)
    properties, answers = PropertyStore(database), AnswerStore(database)
    for number, (model, tokens) in enumerate(
        [("gpt-test", 1_000), ("gpt-test", 3_000), ("gpt-other", 9_000), (None, 0)]
    ):
        sha = f"{number:064x}"
        properties.save_record(source(f"https://homes.example/e{number}", sha=sha, ListPrice=number + 1))
        if model is not None:
            question = Question(sha, ("Roof",), model, "b" * 64)
            answers.save_model_answer(question, StoredAnswer({}, model, tokens, tokens // 10))
    assert experience(database, "gpt-test") == Experience(pages=4, calls=2, input_tokens=2_000, output_tokens=200)
