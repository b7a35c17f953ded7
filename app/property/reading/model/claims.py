"""What a model claims, and what is left of it when the text bears it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

#: the value is none of the field's type; no quote came with it; it is longer than a passage, or not in the text; the
#: line speaks to a machine; the
#: words around the value are not those of its field; it does not say the value, or one that cannot be true
Flaw = Literal["not_read", "no_quote", "not_in_text", "order", "other_label", "not_said"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A model's value of `field` and its quote; `line` is the whole line of the text that the quote stands in, with
    the one above where it is a value alone."""

    field: str
    value: Any
    quote: str
    line: str
    lang: str | None = None
    country: str | None = None
    above: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Supported:
    """The value as stored, and the unit that the text gives it."""

    value: Any
    unit: str | None = None
