"""Errors of model calls."""

from __future__ import annotations

from typing import ClassVar

from app.errors import PropertyIntelligenceError


class ModelError(PropertyIntelligenceError):
    """The model gave no usable answer. Values that were read without the model are stored."""

    code = "model_failed"
    fact_names: ClassVar[tuple[str, ...]] = ("model", "reason")
    sentence = "The model {model} gave no usable answer: {reason}."
    remedy = "The values read from the page itself are stored. Scrape again when the cause is fixed."


class BadAnswerError(ModelError):
    """The model's answer, which is billed, cannot be used."""

    code = "model_answer_bad"
    remedy = (
        "Other values are stored. The same question is not sent again within an hour: "
        "scrape with --refresh after that, or set another OPENAI_MODEL."
    )


class ModelRefusedError(BadAnswerError):
    code = "model_refused"
    sentence = "The model {model} refused to answer: {reason}."


class ModelAnswerInvalidError(BadAnswerError):
    code = "model_answer_invalid"
    sentence = "The answer of the model {model} is not the requested JSON: {reason}."


class ModelAnswerCutError(BadAnswerError):
    """The answer was cut off. Complete values before the cut are used."""

    code = "model_answer_cut"
    sentence = "The answer of the model {model} was cut off at the token limit: {reason}."


class ModelUnreachableError(ModelError):
    """No key got an answer: the API is down, slow, or unreachable."""

    code = "model_unreachable"
    sentence = "The model {model} could not be reached: {reason}."
    remedy = (
        "Queued jobs are retried automatically; repeat a command. "
        "If it persists, check OPENAI_BASE_URL and the API's status page."
    )
    transient = True
