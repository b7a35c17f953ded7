"""Define a model's claim, and the result of checking it."""

from dataclasses import dataclass
from typing import Any, Literal

#: Why a claim is rejected, in the order of the literals. The value does not fit the field's type. The claim has no
#: quote. The quote is too long or not in the text. The quote's line contains our schema's field names. The words around
#: the value name another field, or lack a needed label. The quote does not state the value.
Flaw = Literal["not_read", "no_quote", "not_in_text", "order", "other_label", "not_stated"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A value that a model claims for `field`, and its quote. `line` is the whole line that contains the quote. If that
    line is little more than a value, `line` also has the line above. `above` holds the lines before the quote's line,
    nearest first.
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
    """An accepted value as it is stored, with the unit or currency that the text gives; None if it gives none."""

    value: Any
    unit: str | None = None
