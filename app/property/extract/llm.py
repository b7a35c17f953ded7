"""One call of the model and what came of it: typed values with their quotes, and what was wrong with the answer.

An answer is paid for whatever it says, so a bad one is a result and no error. Which key pays, and what happens when
none has room, is the client's business: its errors pass through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import openai
from openai.types.chat import ChatCompletion

from app.errors.models import BadAnswerError, ModelAnswerCutError, ModelAnswerInvalidError, ModelRefusedError
from app.property.extract.answers import Answered, take_apart
from app.property.extract.prompt import Prompt

#: how a call is processed and priced (https://developers.openai.com/api/reference, `service_tier`; 2026-11)
ServiceTier = Literal["auto", "default", "flex", "priority"]


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """`values`: for every field answered with something, the value and its quote (empty if the model gave none).

    `model` is the one that answered, by the API's own name; tokens are as the API counted them, 0 if it did not;
    `service_tier` is the one that the reply names, empty if it names none. `failure` is what was wrong with it: it was
    refused or invalid, then there are no values; or cut off, then there are those before the cut.
    """

    values: Mapping[str, tuple[Any, str]]
    model: str
    prompt_tokens: int
    completion_tokens: int
    service_tier: str = ""
    failure: BadAnswerError | None = None


def request_body(model: str, prompt: Prompt) -> dict[str, Any]:
    """What is asked, as the body of a chat completion: in a call of its own, or in a line of a batch's file."""
    schema = {"name": "property", "strict": True, "schema": prompt.schema}
    return {
        "model": model,
        "messages": prompt.messages,
        "response_format": {"type": "json_schema", "json_schema": schema},
        "max_completion_tokens": prompt.max_completion_tokens,
    }


def ask_model(
    client: openai.OpenAI, model: str, prompt: Prompt, service_tier: ServiceTier | None = None
) -> ModelAnswer:
    """Send `prompt` once, on `service_tier` (None: none is sent).

    Every `openai.OpenAIError` (`RateLimitError`, `APITimeoutError`, ...) passes through.
    """
    asked: Any = request_body(model, prompt)
    tier = service_tier if service_tier is not None else openai.omit
    completion: ChatCompletion = client.chat.completions.create(**asked, service_tier=tier)
    return read_completion(model, completion, prompt)


def read_completion(model: str, completion: ChatCompletion, prompt: Prompt) -> ModelAnswer:
    """What the `completion` that `model` was asked for says to `prompt`, good or bad."""
    values: Mapping[str, tuple[Any, str]] = {}
    failure: BadAnswerError | None = None
    try:
        values, failure = _said(model, completion, prompt)
    except BadAnswerError as exc:
        failure = exc
    usage = completion.usage
    return ModelAnswer(
        values=values,
        model=completion.model or model,
        prompt_tokens=usage.prompt_tokens if usage else 0,
        completion_tokens=usage.completion_tokens if usage else 0,
        service_tier=completion.service_tier or "",
        failure=failure,
    )


def _said(
    model: str, completion: ChatCompletion, prompt: Prompt
) -> tuple[Mapping[str, tuple[Any, str]], BadAnswerError | None]:
    """The values, and the cut if there was one. Raises `ModelRefusedError` and `ModelAnswerInvalidError`."""
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
        whole = len(found.values) + len(found.said_nothing)
        return found.values, ModelAnswerCutError(model, f"{whole} of {len(prompt.fields)} fields were answered before")
    if not content.strip():
        raise ModelAnswerInvalidError(model, "it is empty")
    return read_answer(content, prompt, model=model), None


def read_answer(content: str, prompt: Prompt, *, model: str) -> Mapping[str, tuple[Any, str]]:
    """The values of a whole answer, each with its quote; one that makes no sense for its field is left as text.

    Raises `ModelAnswerInvalidError`, which names `model`, where nothing at all can be understood.
    """
    found = take_apart(content, prompt.fields, lang=prompt.lang)
    if found is None:
        raise ModelAnswerInvalidError(model, "it holds no JSON that names a field that was asked for")
    if found.odd and not found.is_understood:
        raise ModelAnswerInvalidError(model, f"no value makes sense for its field, such as {min(found.odd)}")
    return found.values
