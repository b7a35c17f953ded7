"""Reads property facts out of the text of a request: what stands in for a model that understands it.

A value comes with the words that it was read from. What no rule finds is not there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from simulators.openai.numbers import count, iso_date, number
from simulators.openai.reading_rules import RULES


@dataclass(frozen=True)
class Fact:
    """A value and the verbatim piece of text that says it."""

    value: Any
    quote: str


def read(text: str, field: str) -> Fact | None:
    """The value of one field, or None if the text does not say."""
    for pattern, kind in RULES.get(field, ()):
        for match in pattern.finditer(text):
            raw = match.groupdict().get("v") or match[0]
            value = _value(kind, raw)
            if value is not None:
                return Fact(value, match[0].strip())
    return None


def read_all(text: str) -> dict[str, Fact]:
    """Every field that the text says something about."""
    found = {field: read(text, field) for field in RULES}
    return {field: fact for field, fact in found.items() if fact is not None}


def _value(kind: str, raw: str) -> Any:
    if kind.startswith("="):
        return {"=true": True, "=false": False}.get(kind, kind[1:])
    if kind == "text":
        return raw.strip(" ,.")
    if kind == "texts":
        return [raw.strip(" ,.")]
    if kind == "date":
        return iso_date(raw)
    found = count(raw) if kind in ("count", "whole", "ceil") else number(raw)
    return None if found is None else _rounded(kind, found)


def _rounded(kind: str, value: float) -> float | int:
    if kind == "ceil":
        return math.ceil(value)
    return int(value) if kind == "whole" or value == int(value) else value
