"""Compute the values of derived fields, which have a rule (`derived_by`) in the field table.

The evidence of a derived value quotes the evidence of its inputs. The confidence of a derived value is the lowest
confidence of its inputs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from app.property.address import Address
from app.property.fields.table import ADDRESS_FIELDS, AXES, CURRENCY, FIELDS, UNIT_OF
from app.property.record import Evidence, Method
from app.property.values.numbers import tidy

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Made:
    """`raw` is the value's formula with numbers, and `locator` is the formula with field names."""

    value: Any
    raw: str
    locator: str
    inputs: tuple[str, ...]
    unit: str | None = None


def derive(values: Values, evidence: Mapping[str, Evidence], newest: datetime | None = None) -> dict[str, Evidence]:
    """Return the evidence, including the value, of each derived field whose inputs are in `values`.

    `newest` is when the property was last read. Ages are computed for the year of `newest`, or left out if `newest` is
    None.
    """
    found: dict[str, Evidence] = {}
    for name, (rule, inputs) in _DERIVED.items():
        made = rule(inputs, values, newest)
        if made is not None:
            found[name] = _proof(made, [evidence[field] for field in made.inputs])
    return found


def _difference(inputs: tuple[str, ...], values: Values, _newest: datetime | None) -> _Made | None:
    if not all(name in values for name in inputs):
        return None
    one, other = inputs
    raw = f"{one} {values[one]} - {other} {values[other]}"
    return _Made(tidy(values[one] - values[other]), raw, f"{one} - {other}", inputs)


def _per_area(inputs: tuple[str, ...], values: Values, _newest: datetime | None) -> _Made | None:
    """Compute a price per unit of area, rounded to two decimals. Return None for a rent."""
    *prices, area = inputs
    price = next((name for name in prices if name in values), None)
    size, unit = values.get(area), values.get(UNIT_OF[area])
    if price is None or not size or unit is None or any(FIELDS[name].per in values for name in prices):
        return None
    raw = f"{price} {values[price]} / {area} {size} {unit}"
    per = f"{values.get(CURRENCY, '')} per {unit.removesuffix('s') if unit != 'Square Feet' else 'Square Foot'}"
    value = tidy(round(values[price] / size, 2))
    return _Made(value, raw, f"{price} / {area}", (price, area, UNIT_OF[area]), per.strip())


def _age(inputs: tuple[str, ...], values: Values, newest: datetime | None) -> _Made | None:
    (year,) = inputs
    if newest is None or newest.year < values.get(year, newest.year + 1):
        return None
    raw = f"{newest.year} - {year} {values[year]}"
    return _Made(newest.year - values[year], raw, f"year last read - {year}", inputs)


def _map_link(_inputs: tuple[str, ...], values: Values, _newest: datetime | None) -> _Made | None:
    parts = [AXES] if all(axis in values for axis in AXES) else _address(values)
    names = tuple(name for part in parts for name in part)
    if not names:
        return None
    between = "," if names == AXES else " "
    text = ", ".join(between.join(str(values[name]) for name in part) for part in parts if part)
    return _Made(f"https://earth.google.com/web/search/{quote(text, safe=',')}", text, ", ".join(names), names)


def _address(values: Values) -> list[tuple[str, ...]]:
    """Return the fields of each line of the address. Return [] unless the address has a street and either a town or a
    postal code.
    """
    known = Address.of(values)
    if not (known.street or (known.street_number and known.street_name)) or not (known.city or known.postal_code):
        return []
    street = ("street",) if known.street else ("street_number", "street_name")
    parts = (street, ("city",), ("state", "postal_code"), ("country",))
    return [tuple(ADDRESS_FIELDS[part] for part in group if getattr(known, part)) for group in parts]


_RULES: Mapping[str, Callable[[tuple[str, ...], Values, datetime | None], _Made | None]] = {
    "difference": _difference,
    "per_area": _per_area,
    "age": _age,
    "map_link": _map_link,
}
_DERIVED = {name: (_RULES[spec.derived_by], spec.derived_from) for name, spec in FIELDS.items() if spec.derived_by}
MAP_LINK = next(name for name, spec in FIELDS.items() if spec.derived_by == "map_link")


def _proof(made: _Made, inputs: list[Evidence]) -> Evidence:
    weakest = min(inputs, key=lambda proof: proof.confidence)
    return Evidence(
        value=made.value,
        raw=made.raw,
        unit=made.unit,
        method=Method.DERIVED,
        locator=made.locator,
        quote=" | ".join(dict.fromkeys(proof.quote for proof in inputs)),
        source_url=weakest.source_url,
        fetched_at=weakest.fetched_at,
        content_sha256=weakest.content_sha256,
        confidence=weakest.confidence,
        rendered=any(proof.rendered for proof in inputs),
    )
