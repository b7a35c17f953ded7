"""One call of the model and what came of it: typed values with their quotes, and what was wrong with the answer.

An answer is paid for whatever it says, so a bad one is a result and no error. Which key pays, and what happens when
none has room, is the client's business: its errors pass through.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import openai
from openai.types.chat import ChatCompletion

from app.errors.models import BadAnswerError, ModelAnswerCutError, ModelAnswerInvalidError, ModelRefusedError
from app.property.extract.prompt import QUOTE, Prompt
from app.property.record import FIELDS, FieldType

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
        answered = whole_pairs(content)
        whole = [f for f in prompt.fields if f in answered and f + QUOTE in answered]
        cut = ModelAnswerCutError(model, f"{len(whole)} of {len(prompt.fields)} fields were answered before")
        return _pairs(whole, answered, model), cut
    if not content:
        raise ModelAnswerInvalidError(model, "it is empty")
    return read_answer(content, prompt, model=model), None


def read_answer(content: str, prompt: Prompt, *, model: str) -> Mapping[str, tuple[Any, str]]:
    """The values of a whole answer, each with its quote. Raises `ModelAnswerInvalidError`, which names `model`."""
    try:
        answered = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as exc:
        raise ModelAnswerInvalidError(model, f"not JSON ({exc})") from exc
    if not isinstance(answered, dict):
        raise ModelAnswerInvalidError(model, f"it is a {type(answered).__name__}, not an object")
    asked = set(prompt.schema["properties"])
    if asked != set(answered):
        odd = sorted(asked ^ set(answered))[0]
        what = "missing" if odd in asked else "not a field that was asked for"
        raise ModelAnswerInvalidError(model, f"{odd} is {what}")
    return _pairs(prompt.fields, answered, model)


def _pairs(fields: Iterable[str], answered: Mapping[str, Any], model: str) -> Mapping[str, tuple[Any, str]]:
    found: dict[str, tuple[Any, str]] = {}
    for field in fields:
        value, quote = answered[field], answered[field + QUOTE]
        if quote is not None and not isinstance(quote, str):
            raise ModelAnswerInvalidError(model, f"{field + QUOTE} is a {type(quote).__name__}")
        if value is None:
            continue
        if not _fits(value, FIELDS[field].type):
            raise ModelAnswerInvalidError(model, f"{field} is a {type(value).__name__}, not {FIELDS[field].type}")
        found[field] = (value, quote or "")
    return found


_NAME = re.compile(r'\s*[{,]\s*"(\w+)"\s*:\s*')
_AFTER = re.compile(r"\s*[,}]")


def whole_pairs(content: str) -> dict[str, Any]:
    """The members of a flat JSON object before the place where `content` was cut off.

    A member counts once a comma or a brace follows it: `19` may be the beginning of `1987`.
    """
    found: dict[str, Any] = {}
    decoder = json.JSONDecoder(parse_constant=_refuse_constant)
    place = 0
    while match := _NAME.match(content, place):
        try:
            value, place = decoder.raw_decode(content, match.end())
        except (ValueError, RecursionError):
            break
        if not _AFTER.match(content, place):
            break
        found[match[1]] = value
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _fits(value: Any, kind: FieldType) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, int | float):
        is_float = abs(value) <= sys.float_info.max  # neither infinite nor an integer of 400 digits
        return is_float and (kind == "number" or (kind == "integer" and float(value).is_integer()))
    if isinstance(value, list):
        return kind == "texts" and all(isinstance(v, str) for v in value)
    return isinstance(value, str) and kind in ("text", "date")
