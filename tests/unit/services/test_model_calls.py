"""A process adapts its requests to the answers of its model server."""

from dataclasses import replace

from app.clock import ManualClock
from app.errors.models import ModelAnswerCutError
from app.property.reading.model.llm import ModelAnswer
from app.services.scraping.model_calls import ModelCalls, TierChoice
from tests.unit.services.test_model_reading import NO_KEYS


def _calls(clock: ManualClock) -> ModelCalls:
    calls = ModelCalls(NO_KEYS, "m", TierChoice(None, clock))
    calls.dialect = replace(calls.dialect, shape="json_object", tells_schema=True)
    return calls


def test_a_batch_answer_only_teaches_the_token_limit_that_a_model_needs(clock: ManualClock) -> None:
    calls = _calls(clock)
    before = calls.dialect
    assert not calls.were_taught_by_batch(ModelAnswer({}, "m", 10, 900, reasoning_tokens=800, fields_answered=3))
    assert calls.dialect == replace(before, room=3_200)


def test_every_truncated_batch_answer_is_worth_a_direct_call(clock: ManualClock) -> None:
    calls = _calls(clock)
    empty = ModelAnswer({}, "m", 10, 900, failure=ModelAnswerCutError("m", "0 of 3 fields were answered before"))
    assert [calls.were_taught_by_batch(empty) for _ in range(3)] == [True, True, True]
    assert calls.dialect.room == 16_384
