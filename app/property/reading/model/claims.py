"""Define a model's claim, and the result of checking it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

#: The reasons for rejecting a claim: the value does not fit the field's type; it has no quote; the quote is not in the
#: text or too long; its line has our field names; the words around it name another field, or lack a needed label; the
#: quote does not state the value.
Flaw = Literal["not_read", "no_quote", "not_in_text", "order", "other_label", "not_stated"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A value that a model claims for `field`, and its quote. `line` is the whole line of the quote, with the line
    above if the quote's line is only a value. `above` are the lines above, nearest first.
    """

    field: str
    value: Any
    quote: str
    line: str
    lang: str | None = None
    country: str | None = None
    above: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckedValue:
    """The value as stored, with the unit that the text gives."""

    value: Any
    unit: str | None = None
