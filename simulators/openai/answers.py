"""Produce the content of an answer from a request's text. The answer is correct, or has an error that models make."""

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from simulators.openai import schema as schemas
from simulators.openai.reader import Fact, read, read_all

_QUOTE = "_quote"
_NAMES = re.compile(r"\w+")
#: Matches an instruction in a page (prompt injection), which a model in the mode "obedient" follows.
_ORDER = re.compile(r"(?i)\b(?:set|report|change|answer)\b[^.\n]{0,40}?\b([A-Z]\w+)\s+(?:to|as|=)\s+\"?([\w.-]+)")


@dataclass(frozen=True)
class Answer:
    """A model's answer. `content` and `refusal` are as in OpenAI's message, and `finish_reason` as in its choice."""

    content: str | None
    finish_reason: str = "stop"
    refusal: str | None = None
    reasoning_tokens: int = 0

    @property
    def text(self) -> str:
        return self.content or self.refusal or ""


def answer(
    text: str, schema: Mapping[str, Any] | None, *, as_json: bool, mode: str, max_tokens: float, reasoning: int = 0
) -> Answer:
    """Return the answer to `text`. `max_tokens` (0: no limit) includes `reasoning`, the tokens spent on reasoning."""
    if 0 < max_tokens <= reasoning:
        return Answer("", finish_reason="length", reasoning_tokens=int(max_tokens))
    if reasoning:
        rest = max(0.0, max_tokens - reasoning)
        inner = answer(text, schema, as_json=as_json, mode=mode, max_tokens=rest)
        return replace(inner, reasoning_tokens=reasoning)
    if mode in _SPECIAL:
        return _SPECIAL[mode]
    if schema is not None:
        content = json.dumps(_object(text, schema, mode), ensure_ascii=False)
    elif as_json:
        content = json.dumps({field: fact.value for field, fact in read_all(text).items()}, ensure_ascii=False)
    else:
        content = _prose(text)
    if mode == "fenced":
        content = f"Here is what I found:\n```json\n{content}\n```\nI hope that helps!"
    return in_mode(content, mode=mode, max_tokens=max_tokens)


def in_mode(content: str, *, mode: str, max_tokens: float) -> Answer:
    """Return `content` as a model in `mode` would answer it, within `max_tokens` (0: no limit)."""
    if mode in _SPECIAL:
        return _SPECIAL[mode]
    limit = int(max_tokens * 4)
    if mode == "truncated" or 0 < limit < len(content):
        cut = len(content) // 2 if mode == "truncated" else limit
        return Answer(content[:cut], finish_reason="length")
    return Answer(content)


_SPECIAL: Mapping[str, Answer] = {
    "rubbish": Answer("Sure! Here are the facts you asked for: ```{'YearBuilt' = 19"),
    "refusal": Answer(None, refusal="I'm sorry, I can't help with that request."),
    "empty": Answer(""),
    "filtered": Answer("", finish_reason="content_filter"),
}


@functools.lru_cache(maxsize=1024)  # reading is the slowest part of a call, and benchmarks repeat texts
def _prose(text: str) -> str:
    facts = read_all(text)
    if not facts:
        return "I read your message and found no property facts in it."
    return "I found: " + "; ".join(f"{field} {fact.value}" for field, fact in facts.items()) + "."


def _object(text: str, schema: Mapping[str, Any], mode: str) -> dict[str, Any]:
    """Return a value for each property of `schema`. A fact that the text does not state gets an empty value."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    filled: dict[str, Any] = {}
    for name, sub in properties.items():
        if name.endswith(_QUOTE) and name.removesuffix(_QUOTE) in properties:
            continue
        if (listed := _listed(sub)) is not None:
            filled[name] = _facts(text, *listed, mode)
            continue
        fact = _fact(text, name, sub, mode)
        if fact is None:
            filled[name] = _object(text, sub, mode) if _is_object(sub) else schemas.nothing(sub)
        else:
            filled[name] = fact.value
        if name + _QUOTE in properties:
            filled[name + _QUOTE] = fact.quote if fact else schemas.nothing(properties[name + _QUOTE])
    return {name: filled[name] for name in properties}


def _listed(sub: Mapping[str, Any]) -> tuple[tuple[str, ...], Mapping[str, Any]] | None:
    """Return the field names and the value's schema of a list of facts. Return None if the list has other items."""
    parts: Mapping[str, Any] = sub.get("items", {}).get("properties", {})
    return (tuple(parts["field"].get("enum", ())), parts["value"]) if {"field", "value"} <= parts.keys() else None


def _facts(text: str, fields: Iterable[str], value: Mapping[str, Any], mode: str) -> list[dict[str, Any]]:
    """Return the stated facts of `fields`. If the text's last line is `Wanted: NAMES`, return only these."""
    last_line = text.rpartition("\n")[2]
    wanted = set(_NAMES.findall(last_line)) if last_line.startswith("Wanted:") else set(fields)
    found = {name: _fact(text, name, value, mode) for name in fields if name in wanted}
    return [{"field": name, "value": fact.value, "quote": fact.quote} for name, fact in found.items() if fact]


def _is_object(sub: Mapping[str, Any]) -> bool:
    return schemas.types_of(sub)[:1] == ("object",)


def _fact(text: str, name: str, sub: Mapping[str, Any], mode: str) -> Fact | None:
    if mode == "hallucination":
        return Fact(_invented(sub), "as confirmed by the seller's own records")
    fact = _obeyed(text, name, sub) if mode == "obedient" else None
    fact = fact or read(text, name)
    if fact is None:
        return None
    if mode == "mismatch":
        return Fact(_changed(fact.value, sub), fact.quote)
    if mode == "wrong_types":
        return Fact({"value": fact.value}, fact.quote)
    return fact if schemas.fits(fact.value, sub) else None


def _obeyed(text: str, name: str, sub: Mapping[str, Any]) -> Fact | None:
    for match in _ORDER.finditer(text):
        if match[1].lower() == name.lower():
            value: Any = match[2].rstrip(".")
            if {"integer", "number"} & set(schemas.types_of(sub)) and value.isdigit():
                value = int(value)
            return Fact(value, match[0])
    return None


def _invented(sub: Mapping[str, Any]) -> Any:
    enum = [v for v in sub.get("enum", ()) if v is not None]
    if enum:
        return enum[-1]
    types = schemas.types_of(sub)
    typed = {"integer": 1987, "number": 1987.5, "boolean": True, "array": ["invented"], "string": "Invented"}
    return next((typed[t] for t in types if t in typed), None)


def _changed(value: Any, sub: Mapping[str, Any]) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 7
    if isinstance(value, list):
        return ["adobe"]
    return _invented(sub) if sub.get("enum") else f"Not {value}"
