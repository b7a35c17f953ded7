"""Compares a record with what its page truly says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.property.record import FIELDS, UNIT_OF, PropertyRecord
from benchmarks.recipes.sites import SitePage

#: conclusions from other facts, of which a page's truth says nothing
_CONCLUDED = frozenset({"AssociationYN", "PropertyType", "X_Currency", "ListingId", "StateOrProvince"})
#: fields of which a value that the page does not state is wrong
_JUDGED = frozenset(name for name, spec in FIELDS.items() if spec.ask_model) - _CONCLUDED


@dataclass(frozen=True, slots=True)
class Wrong:
    """A stored value that the page does not state; `expected` is None where it states none of the field."""

    url: str
    field: str
    expected: Any
    stored: Any
    method: str
    quote: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One record: how many values its page states, how many are stored and right, which are wrong, and which missed."""

    stated: int
    right: int
    wrong: tuple[Wrong, ...]
    missed: tuple[str, ...]

    @property
    def stored(self) -> int:
        return self.right + len(self.wrong)


def judge(record: PropertyRecord, page: SitePage) -> Judged:
    """Judge every value of `record` of which the truth of `page` is known. Units are values of their own."""
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
    """Whether two values are the same but for case, punctuation, and a list of one."""
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) < 0.005
    return _plain(one) == _plain(other)


def _plain(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return re.sub(r"[\W_]+", "", text.casefold())
