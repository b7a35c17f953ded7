"""Call a model once and parse its answer into typed values with quotes.

Every answer costs money, so a bad answer is returned with its failure instead of raised as an error. The OpenAI client
chooses keys and limits rates.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import openai
from openai.types.chat import ChatCompletion

from app.errors.models import BadAnswerError, ModelAnswerCutError, ModelAnswerInvalidError, ModelRefusedError
from app.plurals import counted
from app.property.reading.model.answers import Answered, take_apart
from app.property.reading.model.dialect import INITIAL_DIALECT, Dialect
from app.property.reading.model.prompt import Prompt

#: Matches reasoning that some servers leave in the answer.
_REASONING = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
#: The service tiers, which decide a call's priority and price (https://developers.openai.com/api/reference,
#: `service_tier`; 2026-11).
ServiceTier = Literal["auto", "default", "flex", "priority"]


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """`values` maps each answered field to its value and quote ("" if the quote is missing).

    `model` is the model's name in the API response. The token counts come from the response, and are 0 if missing.
    `service_tier` is the response's tier, or "" if missing. `failure` is set if the answer was refused, invalid, or cut
    off. A refused or invalid answer has no values. An answer that was cut off has the values before the cut.
    `fields_answered` counts fields answered with a value or null. `began` is true if there is text besides reasoning.
    """

    values: Mapping[str, tuple[Any, str]]
    model: str
    prompt_tokens: int
    completion_tokens: int
    service_tier: str = ""
    failure: BadAnswerError | None = None
    reasoning_tokens: int = 0
    fields_answered: int = 0
    began: bool = False


def ask_model(
    client: openai.OpenAI,
    model: str,
    prompt: Prompt,
    service_tier: ServiceTier | None = None,
    dialect: Dialect = INITIAL_DIALECT,
) -> ModelAnswer:
    """Send `prompt` once in the server's `dialect`, with `service_tier` unless it is None.

    Every `openai.OpenAIError` (`RateLimitError`, `APITimeoutError`, ...) is passed on to the caller.
    """
    asked: Any = dialect.body(model, prompt)
    tier = service_tier if service_tier is not None else openai.omit
    completion: ChatCompletion = client.chat.completions.create(**asked, service_tier=tier)
    return read_completion(model, completion, prompt)


def read_completion(model: str, completion: ChatCompletion, prompt: Prompt) -> ModelAnswer:
    found, failure = Answered(), None
    try:
        found, failure = _parsed(model, completion, prompt)
    except BadAnswerError as exc:
        failure = exc
    usage = completion.usage
    details = usage.completion_tokens_details if usage else None
    return ModelAnswer(
        values=found.values,
        model=completion.model or model,
        prompt_tokens=(usage.prompt_tokens or 0) if usage else 0,
        completion_tokens=(usage.completion_tokens or 0) if usage else 0,
        service_tier=completion.service_tier or "",
        failure=failure,
        reasoning_tokens=(details.reasoning_tokens or 0) if details else 0,
        fields_answered=len(found.values) + len(found.null_fields),
        began=any(_REASONING.sub("", choice.message.content or "").strip() for choice in completion.choices[:1]),
    )


def lesson_of(answer: ModelAnswer, dialect: Dialect) -> Dialect:
    """Return the dialect for the next request, as learned from this answer's failure or reasoning tokens.

    A model that was cut off before its answer began was probably reasoning, so it gets more tokens. A model that wrote
    no usable JSON gets the schema in its instruction.
    """
    is_cut = isinstance(answer.failure, ModelAnswerCutError)
    if is_cut and (dialect.room or not answer.began):
        return dialect.with_more_room()
    if answer.began and not answer.fields_answered and (is_cut or isinstance(answer.failure, ModelAnswerInvalidError)):
        return replace(dialect, tells_schema=True)
    return dialect.with_room_for(answer.reasoning_tokens)


def _parsed(model: str, completion: ChatCompletion, prompt: Prompt) -> tuple[Answered, BadAnswerError | None]:
    """Return the parsed values, and the error if the answer was cut off. Raise an error for a refused or invalid
    answer.
    """
    if not completion.choices:
        raise ModelAnswerInvalidError(model, "it holds no choice")
    choice = completion.choices[0]
    if choice.message.refusal:
        raise ModelRefusedError(model, choice.message.refusal[:200])
    if choice.finish_reason == "content_filter":
        raise ModelRefusedError(model, "its content filter stopped the answer")
    content = choice.message.content or ""
    if choice.finish_reason == "length":
        found = take_apart(content, prompt.fields, lang=prompt.lang, cut=True) or Answered()
        whole = len(found.values) + len(found.null_fields)
        return found, ModelAnswerCutError(
            model, f"{whole} of {counted(len(prompt.fields), 'field')} were answered before"
        )
    if not content.strip():
        raise ModelAnswerInvalidError(model, "it is empty")
    return _understood(content, prompt, model), None


def read_answer(content: str, prompt: Prompt, *, model: str) -> Mapping[str, tuple[Any, str]]:
    """Return the values of a complete answer with their quotes. An invalid value stays as text.

    Raise `ModelAnswerInvalidError` if the answer has no JSON about the fields or only invalid values.
    """
    return _understood(content, prompt, model).values


def _understood(content: str, prompt: Prompt, model: str) -> Answered:
    found = take_apart(content, prompt.fields, lang=prompt.lang)
    if found is None:
        raise ModelAnswerInvalidError(model, "it holds no JSON that names a field that was asked for")
    if found.odd and not found.is_understood:
        raise ModelAnswerInvalidError(model, f"no value makes sense for its field, such as {min(found.odd)}")
    return found
