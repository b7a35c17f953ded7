"""Values that are computed, never read and never asked of a model: equity, price per area, age, Google Earth link.

Each is made of values that won, and has their evidence: its quote is theirs, it is no surer than the least sure one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from app.property.record import Evidence, Method
from app.property.values.numbers import tidy


def derive(
    values: Mapping[str, Any], evidence: Mapping[str, Evidence], newest: datetime | None = None
) -> dict[str, Evidence]:
    """The evidence (its `value` included) of each derived field for which `values` suffices.

    `newest` is when the property was last read: its age is of that year. Without it there is none.
    """
    found: dict[str, Evidence] = {}
    for end in ("Low", "High"):
        estimate = f"X_EstimatedValue{end}"
        if estimate in values and "ClosePrice" in values:
            equity = tidy(values[estimate] - values["ClosePrice"])
            formula = f"{estimate} {values[estimate]} - ClosePrice {values['ClosePrice']}"
            inputs = (evidence[estimate], evidence["ClosePrice"])
            found[f"X_PotentialEquity{end}"] = _proof(equity, formula, f"{estimate} - ClosePrice", inputs)
    found |= _price_per_area(values, evidence)
    if newest is not None and (age := newest.year - values.get("YearBuilt", newest.year + 1)) >= 0:
        formula = f"{newest.year} - YearBuilt {values['YearBuilt']}"
        found["X_AgeYears"] = _proof(age, formula, "year last read - YearBuilt", (evidence["YearBuilt"],))
    place = _place(values)
    if place:
        names, text = place
        # the search form of Google Earth's web address marks the place with a pin
        url = f"https://earth.google.com/web/search/{quote(text, safe=',')}"
        found["X_GoogleEarthUrl"] = _proof(url, text, ", ".join(names), tuple(evidence[name] for name in names))
    return found


def _price_per_area(values: Mapping[str, Any], evidence: Mapping[str, Evidence]) -> dict[str, Evidence]:
    """In the currency and the unit of its inputs, to two digits behind the point; rents are not per month and area."""
    price = next((name for name in ("ListPrice", "ClosePrice") if name in values), None)
    area, unit = values.get("LivingArea"), values.get("LivingAreaUnits")
    if price is None or not area or unit is None or "X_PricePeriod" in values:
        return {}
    formula = f"{price} {values[price]} / LivingArea {area} {unit}"
    inputs = (evidence[price], evidence["LivingArea"], evidence["LivingAreaUnits"])
    per_unit = tidy(round(values[price] / area, 2))
    proof = _proof(per_unit, formula, f"{price} / LivingArea", inputs)
    per = f"{values.get('X_Currency', '')} per {unit.removesuffix('s') if unit != 'Square Feet' else 'Square Foot'}"
    return {"X_PricePerArea": proof.model_copy(update={"unit": per.strip()})}


def _place(values: Mapping[str, Any]) -> tuple[tuple[str, ...], str] | None:
    """What to search for, and the fields that it is made of: the coordinates, else an address that names a town."""
    if "Latitude" in values and "Longitude" in values:
        return ("Latitude", "Longitude"), f"{values['Latitude']},{values['Longitude']}"
    street: tuple[str, ...] = ("UnparsedAddress",)
    if "UnparsedAddress" not in values:
        street = ("StreetNumber", "StreetName")
    if not all(name in values for name in street) or not ("City" in values or "PostalCode" in values):
        return None
    region = tuple(name for name in ("StateOrProvince", "PostalCode") if name in values)
    parts = (street, ("City",) if "City" in values else (), region, ("Country",) if "Country" in values else ())
    names = tuple(name for part in parts for name in part)
    return names, ", ".join(" ".join(str(values[name]) for name in part) for part in parts if part)


def _proof(value: Any, raw: str, locator: str, inputs: tuple[Evidence, ...]) -> Evidence:
    """Evidence of a computed value: no surer than the least sure of its inputs, found where this one was read."""
    weakest = min(inputs, key=lambda proof: proof.confidence)
    return Evidence(
        value=value,
        raw=raw,
        method=Method.DERIVED,
        locator=locator,
        quote=" | ".join(dict.fromkeys(proof.quote for proof in inputs)),
        source_url=weakest.source_url,
        fetched_at=weakest.fetched_at,
        content_sha256=weakest.content_sha256,
        confidence=weakest.confidence,
        rendered=any(proof.rendered for proof in inputs),
    )
