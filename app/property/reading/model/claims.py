"""Define a model's claim, and the result of checking it."""

from dataclasses import dataclass
from typing import Any, Literal

#: Why a claim is rejected. `not_read`: the value does not fit the field's type. `no_quote`: the claim has no quote.
#: `not_in_text`: the quote is too long or not in the text. `order`: the quote's line contains our schema's field names.
#: `other_label`: the words around the value name another field, or lack a needed label. `not_stated`: the quote does
#: not state the value.
Flaw = Literal["not_read", "no_quote", "not_in_text", "order", "other_label", "not_stated"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A value that a model claims for `field`, and its quote. `line` is the whole line that contains the quote. If that
    line has at most one word, `line` also includes the line above. `above` contains the lines before the quote's
    line, nearest first.
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
    """An accepted value as it is stored. `unit` is the unit or currency that the text gives, or None."""

    value: Any
    unit: str | None = None
