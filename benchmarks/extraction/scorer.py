"""Exact recall and precision of records against labels, overall and by field.

Recall: the share of labeled values that were emitted correctly. Precision: the share of correct values among the
emitted ones. A value is wrong if it differs from its label, or if the label says that the page lacks the field.
Unlabeled fields are not counted.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from benchmarks.extraction import matching

Matcher = Callable[[Any, Any, Mapping[str, Any], Mapping[str, Any]], bool]

#: For each label: the RESO names that may hold its value, and the function that compares values.
LABELS: dict[str, tuple[tuple[str, ...], Matcher]] = {
    "price": (("ListPrice",), matching.number),
    "currency": (("X_Currency",), matching.exact),
    "price_period": (("X_PricePeriod",), matching.exact),
    "street": (("UnparsedAddress",), matching.street),
    "city": (("City",), matching.text),
    "region": (("StateOrProvince",), matching.region),
    "postal_code": (("PostalCode",), matching.postal_code),
    "country": (("Country",), matching.exact),
    "rooms": (("RoomsTotal",), matching.number),
    "bedrooms": (("BedroomsTotal",), matching.number),
    "bathrooms": (("BathroomsTotalInteger",), matching.bathrooms),
    "living_area": (("LivingArea",), matching.area("living_area_unit", "LivingAreaUnits")),
    "lot_size": (("LotSizeArea",), matching.area("lot_unit", "LotSizeUnits")),
    "year_built": (("YearBuilt",), matching.number),
    "property_type": (("PropertySubType", "PropertyType"), matching.property_type),
    "status": (("StandardStatus",), matching.status),
    "latitude": (("Latitude",), matching.coordinate),
    "longitude": (("Longitude",), matching.coordinate),
    "listing_id": (("ListingId", "ListingKey", "ParcelNumber"), matching.identifier),
    "agent": (("ListAgentFullName",), matching.text),
    "office": (("ListOfficeName",), matching.text),
    "stories": (("StoriesTotal",), matching.number),
    "roof": (("Roof",), matching.text),
    "exterior_wall": (("ConstructionMaterials",), matching.text),
    "heating": (("Heating",), matching.text),
    "cooling": (("Cooling",), matching.text),
    "parcel_number": (("ParcelNumber",), matching.text),
    "assessed_value": (("TaxAssessedValue",), matching.number),
    "market_value": (("X_MarketValue",), matching.number),
    "tax_annual": (("TaxAnnualAmount",), matching.number),
    "tax_year": (("TaxYear",), matching.number),
    "last_sale_date": (("CloseDate",), matching.date),
    "last_sale_price": (("ClosePrice",), matching.number),
    "hoa": (("AssociationYN",), matching.exact),
    "hoa_fee": (("AssociationFee",), matching.number),
    "subdivision": (("SubdivisionName",), matching.text),
    "county": (("CountyOrParish",), matching.region),
    "unit": (("UnitNumber",), matching.unit_number),
    "half_baths": (("BathroomsHalf",), matching.number),
    "parking": (("ParkingTotal",), matching.number),
    "pool": (("PoolPrivateYN",), matching.exact),
    "solar": (("PowerProductionType",), matching.solar),
    "gated": (("X_AccessNotes",), matching.gated),
    "roof_year": (("X_RoofYear",), matching.number),
    "estimate_low": (("X_EstimatedValueLow",), matching.number),
    "estimate_high": (("X_EstimatedValueHigh",), matching.number),
}
_ACCEPTED = re.compile(r"accept ([A-Z][\w ]*?)\)")
#: The values of PropertyType that say what kind of property it is. Other values mainly tell sales from leases.
_TELLING_TYPES = frozenset({"Land", "Commercial Sale"})


#: "absent": the page lacks the value, and no value was emitted. "forgiven": `_forgiven` accepts the emitted value.
Verdict = Literal["right", "wrong", "missed", "absent", "forgiven"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result for one label. `expected` and `emitted` are None if there is no value; `field` is the RESO name."""

    file: str
    label: str
    expected: Any
    emitted: Any
    field: str | None
    verdict: Verdict


@dataclass
class Count:
    labeled: int = 0
    right: int = 0
    wrong: int = 0

    @property
    def recall(self) -> float | None:
        return self.right / self.labeled if self.labeled else None

    @property
    def precision(self) -> float | None:
        emitted = self.right + self.wrong
        return self.right / emitted if emitted else None

    def as_json(self) -> dict[str, Any]:
        return {
            "labeled": self.labeled,
            "right": self.right,
            "wrong": self.wrong,
            "recall": self.recall,
            "precision": self.precision,
        }


@dataclass
class Report:
    pages: int = 0
    total: Count = field(default_factory=Count)
    fields: dict[str, Count] = field(default_factory=lambda: {label: Count() for label in LABELS})
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def errors(self) -> list[Outcome]:
        return [o for o in self.outcomes if o.verdict in ("missed", "wrong")]

    def as_json(self) -> dict[str, Any]:
        return {
            "pages": self.pages,
            "all": self.total.as_json(),
            "fields": {label: count.as_json() for label, count in self.fields.items()},
            "errors": [
                {"file": e.file, "label": e.label, "expected": e.expected, "emitted": e.emitted} for e in self.errors
            ],
        }


def score(records: Mapping[str, Mapping[str, Any]], truth: Sequence[Mapping[str, Any]]) -> Report:
    """Score `records`, which map a label's `file` to values by RESO name.

    A page without a record misses all its labeled values.
    """
    report = Report(pages=len(truth))
    for row in truth:
        record = records.get(row["file"], {})
        for label in LABELS:
            if label in row:
                outcome = _outcome(label, row, record)
                report.outcomes.append(outcome)
                for count in (report.total, report.fields[label]):
                    count.labeled += outcome.expected is not None
                    count.right += outcome.verdict == "right"
                    count.wrong += outcome.verdict == "wrong"
    return report


def _outcome(label: str, row: Mapping[str, Any], record: Mapping[str, Any]) -> Outcome:
    expected, matches = row[label], LABELS[label][1]
    emitted = list(_emitted(label, row, record))
    name, value = emitted[0] if emitted else (None, None)
    verdict: Verdict = "wrong"
    if expected is None:
        if not emitted:
            verdict = "absent"
        elif _forgiven(label, value, row):
            verdict = "forgiven"
    elif not emitted:
        verdict = "missed"
    else:
        agreeing = next(((n, v) for n, v in emitted if matches(expected, v, row, record)), None)
        if agreeing is not None:
            (name, value), verdict = agreeing, "right"
    return Outcome(row["file"], label, expected, value, name, verdict)


def _emitted(label: str, row: Mapping[str, Any], record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in LABELS[label][0]:
        value = record.get(name)
        if value is None or (name == "PropertyType" and value not in _TELLING_TYPES):
            continue
        if name == "ParcelNumber" and label == "listing_id" and row["kind"] != "record":
            continue
        yield name, value


def _forgiven(label: str, value: Any, row: Mapping[str, Any]) -> bool:
    """Accept a value that the label's note allows, a listing ID that is in the page's URL, and zero half baths."""
    if (label == "listing_id" and matching.in_address(value, row)) or (label == "half_baths" and value == 0):
        return True
    return str(value).upper() in _ACCEPTED.findall(row.get("note") or "")
