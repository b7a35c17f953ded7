"""Compare a record with the true values of its page."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.property.record import FIELDS, UNIT_OF, PropertyRecord
from benchmarks.recipes.sites import SitePage

#: Readers may derive the values of these fields from other facts, although the page does not state them.
_CONCLUDED = frozenset({"AssociationYN", "PropertyType", "X_Currency", "ListingId", "StateOrProvince"})
#: A stored value of these fields is wrong if the page neither states nor implies it.
_JUDGED = frozenset(name for name, spec in FIELDS.items() if spec.ask_model) - _CONCLUDED


@dataclass(frozen=True, slots=True)
class Wrong:
    """A stored value that the page does not state; `expected` is None if the page states no value for the field."""

    url: str
    field: str
    expected: Any
    stored: Any
    method: str
    quote: str


@dataclass(frozen=True, slots=True)
class Judged:
    """The result for one record: counts of stated and of correctly stored values, and the wrong and missing ones."""

    stated: int
    right: int
    wrong: tuple[Wrong, ...]
    missed: tuple[str, ...]

    @property
    def stored(self) -> int:
        return self.right + len(self.wrong)


def judge(record: PropertyRecord, page: SitePage) -> Judged:
    """Compare the values of `record` with the truth of `page`. Units count as separate values."""
    truth = {name: value for name, (value, _) in page.truth.items()}
    truth |= {UNIT_OF[name]: unit for name, (_, unit) in page.truth.items() if name in UNIT_OF and unit}
    implied: Mapping[str, Any] = page.home.implied if page.home else {}
    wrong = list[Wrong]()
    right = 0
    for name, stored in record.values.items():
        if name in truth and alike(stored, truth[name]):
            right += 1
        elif name in truth or (name in _JUDGED and not (name in implied and alike(stored, implied[name]))):
            proof = record.evidence[name]
            wrong.append(Wrong(page.url, name, truth.get(name), stored, proof.method.value, proof.quote))
    missed = tuple(name for name in truth if name not in record.values)
    return Judged(len(truth), right, tuple(wrong), missed)


def alike(one: Any, other: Any) -> bool:
    """Return whether two values are equal, ignoring case and punctuation. A list of one item equals the item."""
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) < 0.005
    return _plain(one) == _plain(other)


def _plain(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return re.sub(r"[\W_]+", "", text.casefold())
