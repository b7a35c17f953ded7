"""The model's answers."""

from __future__ import annotations

from typing import ClassVar

from app.errors import PropertyIntelligenceError


class ModelError(PropertyIntelligenceError):
    """The model's answer could not be used. What was read without it is stored all the same."""

    code = "model_failed"
    fact_names: ClassVar[tuple[str, ...]] = ("model", "reason")
    sentence = "The model {model} gave no usable answer: {reason}."
    remedy = "The values read from the page itself are kept; scrape again once this is mended."


class BadAnswerError(ModelError):
    """The model answered, which is paid for, and the answer is no good."""

    code = "model_answer_bad"
    remedy = (
        "What was read is kept. The same question is not paid for again within an hour: "
        "scrape with --refresh after that, or set another OPENAI_MODEL."
    )


class ModelRefusedError(BadAnswerError):
    code = "model_refused"
    sentence = "The model {model} refused to answer: {reason}."


class ModelAnswerInvalidError(BadAnswerError):
    code = "model_answer_invalid"
    sentence = "The model {model} answered something that is not the asked JSON: {reason}."


class ModelAnswerCutError(BadAnswerError):
    """What stood before the cut is kept, where it was whole."""

    code = "model_answer_cut"
    sentence = "The answer of the model {model} was cut off at the token limit: {reason}."


class ModelUnreachableError(ModelError):
    """No key got an answer: the API is down, slow or out of reach."""

    code = "model_unreachable"
    sentence = "The model {model} could not be reached: {reason}."
    remedy = (
        "Queued jobs try again by themselves, repeat a command; "
        "if it stays so, check OPENAI_BASE_URL and the API's status page."
    )
    transient = True
