"""Many records become one property: per field the best evidence wins, and whatever disagrees is kept as a conflict.

Which records are of one property is `identity.py`; this takes that as given. Pure: no database, no clock.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.property.derived import DERIVED_FIELDS, derive
from app.property.normalise.areas import IN_SQUARE_METERS, convert
from app.property.record import FIELDS, Evidence, Method, PageKind, SourceKind

#: fields that mean nothing without the value they belong to: they come from the record that gave it, or not at all
_BOUND: Mapping[str, tuple[str, ...]] = {
    "LivingArea": ("LivingAreaUnits",),
    "LotSizeArea": ("LotSizeUnits",),
    "Latitude": ("Longitude",),
    "ListPrice": ("X_PricePeriod", "X_PriceQualifier", "X_RentBasis"),
}
#: fields that go with another one: from a record that says the same of that one, else from one that is silent on it
_GOES_WITH: Mapping[str, tuple[str, ...]] = {
    "ListPrice": ("X_Currency",),
    "CloseDate": ("ClosePrice",),
    "TaxYear": ("TaxAnnualAmount", "TaxAssessedValue", "X_MarketValue"),
}
#: fields of which the newest value is right by definition, whatever its confidence
_NEWEST = frozenset({"CloseDate", "TaxYear"})
#: what each source says in its own way: differences there are no conflict
_OF_ONE_SOURCE = frozenset({"ListingId", "ListingKey", "OriginatingSystemName", "MlsStatus", "PublicRemarks", "Media"})
_UNIT_OF = {"LivingArea": "LivingAreaUnits", "LotSizeArea": "LotSizeUnits"}
_DEGREES = {"Latitude": 0.001, "Longitude": 0.001}
#: two sources round one area differently (131 m² is 1,410 sq ft, 1,410 sq ft is 130.99 m²)
_AREA_TOLERANCE = 0.015
_METHOD_RANK = {method: -place for place, method in enumerate(Method)}


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """What one page says. `url` was asked for, `final_url` answered; both in the spelling of a target.

    `page_url` is the one by which the page is known (`urls/canonical.py`), None where nobody looked. `checked_at` is
    when its site last said that it still holds. `source_kind` is None where nobody said whose page it is.
    """

    url: str
    final_url: str
    kind: PageKind
    content_sha256: str
    fetched_at: datetime
    values: Mapping[str, Any]
    evidence: Mapping[str, Evidence]
    page_url: str | None = None
    checked_at: datetime | None = None
    source_kind: SourceKind | None = None

    @property
    def as_of(self) -> datetime:
        """When the page was last known to say this."""
        return max(self.checked_at or self.fetched_at, self.fetched_at)


@dataclass(frozen=True, slots=True)
class Merged:
    """A property: values and evidence by field, and per field in conflict all evidence, the chosen one first."""

    values: dict[str, Any] = field(default_factory=dict)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    conflicts: dict[str, list[Evidence]] = field(default_factory=dict)


def merge(records: Sequence[SourceRecord]) -> Merged:
    """One property out of `records`, whatever their order. Derived fields are computed anew from what won."""
    chosen: dict[str, SourceRecord] = {}
    conflicts: dict[str, list[Evidence]] = {}
    followers = {name for group in (_BOUND, _GOES_WITH) for names in group.values() for name in names}
    for name in FIELDS:
        if name not in followers and name not in DERIVED_FIELDS:
            _choose(name, records, chosen, conflicts)
    for lead, names in _BOUND.items():
        for name in names:
            source = chosen.get(lead)
            _choose(name, records if source is None else [source], chosen, conflicts)
    for lead, names in _GOES_WITH.items():
        for name in names:
            _choose(name, _in_accord(lead, chosen.get(lead), records, name), chosen, conflicts)
    ordered = [name for name in FIELDS if name in chosen]
    values = {name: chosen[name].values[name] for name in ordered}
    evidence = {name: chosen[name].evidence[name] for name in ordered}
    for name, proof in derive(values, evidence).items():
        values[name], evidence[name] = proof.value, proof
    in_order = [name for name in FIELDS if name in values]
    return Merged(
        {name: values[name] for name in in_order},
        {name: evidence[name] for name in in_order},
        {name: conflicts[name] for name in FIELDS if name in conflicts},
    )


def _choose(
    name: str,
    records: Sequence[SourceRecord],
    chosen: dict[str, SourceRecord],
    conflicts: dict[str, list[Evidence]],
) -> None:
    having = [record for record in records if name in record.values]
    if not having:
        return
    best = max(having, key=lambda record: _rank(name, record, having))
    chosen[name] = best
    if name not in _OF_ONE_SOURCE and any(not same_value(name, best, other) for other in having):
        rest = sorted(having, key=lambda record: _rank(name, record, having), reverse=True)
        conflicts[name] = [best.evidence[name], *(r.evidence[name] for r in rest if r is not best)]


def _rank(name: str, record: SourceRecord, having: Sequence[SourceRecord]) -> tuple[Any, ...]:
    """Confidence first, then how many sources agree, then the younger page, then the method."""
    proof = record.evidence[name]
    newest = record.values[name] if name in _NEWEST else 0
    agreeing = sum(same_value(name, record, other) for other in having)
    return newest, proof.confidence, agreeing, record.as_of, _METHOD_RANK[proof.method], record.url


def _in_accord(
    lead: str, source: SourceRecord | None, records: Sequence[SourceRecord], name: str
) -> Sequence[SourceRecord]:
    """Who may give `name`: records that agree with `source` on `lead`; if none has it, those silent on `lead`."""
    if source is None:
        return records
    agreeing = [r for r in records if lead in r.values and name in r.values and same_value(lead, source, r)]
    return agreeing or [r for r in records if lead not in r.values]


def same_value(name: str, one: SourceRecord, other: SourceRecord) -> bool:
    """True if both records say the same of `name`, in whatever unit, spelling or order."""
    a, b = one.values[name], other.values[name]
    if name in _UNIT_OF:
        return _same_area(a, one.values.get(_UNIT_OF[name]), b, other.values.get(_UNIT_OF[name]))
    if name in _DEGREES:
        return bool(abs(a - b) <= _DEGREES[name])
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
    return bool(_plain(a) == _plain(b))


def _same_area(a: float, unit_a: str | None, b: float, unit_b: str | None) -> bool:
    if unit_a in IN_SQUARE_METERS and unit_b in IN_SQUARE_METERS and unit_a != unit_b:
        return math.isclose(convert(a, str(unit_a), str(unit_b)), b, rel_tol=_AREA_TOLERANCE)
    return math.isclose(a, b, rel_tol=1e-9)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return re.sub(r"[\W_]+", "", value.casefold()) or value
    if isinstance(value, list):
        return sorted(str(_plain(part) if isinstance(part, str) else part) for part in value)
    return value
