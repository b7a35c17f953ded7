"""Extract property facts from a request's text by rules, instead of with a language model."""

import math
from dataclasses import dataclass
from typing import Any

from simulators.openai.numbers import count, iso_date, number
from simulators.openai.reading_rules import RULES


@dataclass(frozen=True)
class Fact:
    """A value and the verbatim text that states it."""

    value: Any
    quote: str


def read(text: str, field: str) -> Fact | None:
    """Return the value of one field, or None if the text does not state it."""
    for pattern, kind in RULES.get(field, ()):
        for match in pattern.finditer(text):
            raw = match.groupdict().get("v") or match[0]
            value = _value(kind, raw)
            if value is not None:
                return Fact(value, match[0].strip())
    return None


def read_all(text: str) -> dict[str, Fact]:
    """Return every field that the text states."""
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
