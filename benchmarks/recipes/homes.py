"""The content of a generated page: facts about a home as the page writes them, and similar values of other things."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.recipes import words

#: The rows that a page of a home for sale may show. `RECORD` lists those of a county's record.
SALE = (
    "ListingId", "StandardStatus", "PropertySubType", "ListPrice", "BedroomsTotal", "BathroomsTotalInteger",
    "LivingArea", "LotSizeArea", "YearBuilt", "StoriesTotal", "Roof", "ConstructionMaterials", "Heating", "Cooling",
    "ParkingTotal", "AssociationFee", "SubdivisionName", "ListAgentFullName", "ListOfficeName",
)  # fmt: skip
RECORD = (
    "ParcelNumber", "ClosePrice", "CloseDate", "TaxAssessedValue", "X_MarketValue", "TaxYear", "TaxAnnualAmount",
    "BedroomsTotal", "BathroomsTotalInteger", "LivingArea", "LotSizeArea", "YearBuilt", "StoriesTotal", "Roof",
    "ConstructionMaterials", "Heating", "Cooling", "SubdivisionName",
)  # fmt: skip
ADDRESS = ("UnparsedAddress", "City", "StateOrProvince", "PostalCode")
#: Rows that are on every page of a site that has them. Other rows are left out at random.
_ALWAYS = frozenset({"ListPrice", "ParcelNumber", "StandardStatus", "TaxYear"})
_MISSING = 0.1


@dataclass(frozen=True, slots=True)
class Fact:
    """A value as the record stores it (`value`), and as the page writes it (`text`), under `label` ("": no label).

    `key` and `raw` are the name and the value in the page's embedded data. `unit` is the unit of an area, which the
    page or the label states.
    """

    field: str
    value: Any
    text: str
    label: str = ""
    unit: str | None = None
    key: str = ""
    raw: Any = None


@dataclass(frozen=True, slots=True)
class Style:
    """The style of a version of a site: the label of each field, the rows of each kind of page, and the formats."""

    lang: str
    labels: Mapping[str, str]
    rows: Mapping[str, tuple[str, ...]]
    writes_unit: bool
    date_format: str
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def metric(self) -> bool:
        return self.lang != "en"

    def money(self, amount: int) -> str:
        """Format `$450,000`, `450.000 €`, or `450 000 zł`."""
        if self.lang == "en":
            return f"${amount:,}"
        grouped = f"{amount:,}".replace(",", "." if self.lang in ("de", "es") else "\u00a0")
        return f"{grouped} {'zł' if self.lang == 'pl' else '€'}"

    def area(self, size: int, *, unit: bool = True) -> str:
        """Format `1,850 sq ft` or `172 m²`. `unit` is False if the label has the unit."""
        number = f"{size:,}" if self.lang == "en" else f"{size:,}".replace(",", "." if self.lang == "de" else "\u00a0")
        return f"{number} {'m²' if self.metric else 'sq ft'}" if unit else number


@dataclass(frozen=True, slots=True)
class Home:
    """A page's content: `facts` in rows, and `address` in the headline.

    Readers may conclude the `implied` values, which the page does not state. `beside` has similar values of another
    property, another year, or an office.
    """

    facts: tuple[Fact, ...]
    address: tuple[Fact, ...]
    dashes: tuple[str, ...]
    similar: tuple[tuple[Fact, ...], ...]
    years: tuple[tuple[Fact, ...], ...]
    office: tuple[Fact, ...]
    implied: Mapping[str, Any]

    @property
    def beside(self) -> tuple[Fact, ...]:
        return tuple(one for row in (*self.similar, *self.years, self.office) for one in row)

    @property
    def truth(self) -> dict[str, tuple[Any, str | None]]:
        return {one.field: (one.value, one.unit) for one in (*self.address, *self.facts)}

    def shown(self, name: str) -> Fact | None:
        return next((one for one in self.facts if one.field == name), None)


def address(rng: random.Random, lang: str) -> tuple[Fact, ...]:
    city, state, code = rng.choice(words.PLACES[lang])
    street = rng.choice(words.STREETS[lang]).format(rng.randint(2, 399))
    parts = zip(ADDRESS, (street, city, state, code), strict=True)
    return tuple(Fact(name, value, value) for name, value in parts if value)


def make_home(rng: random.Random, style: Style, kind: str) -> Home:
    """Make a home for a page of `kind`: `sale`, `new`, `record`, or `layer` (a county's JSON)."""
    build = _Builder(rng, style)
    facts, dashes = list[Fact](), list[str]()
    for name in style.rows[kind]:
        if name not in _ALWAYS and rng.random() < _MISSING:
            dashes += [name] if rng.random() < 0.2 else []
        else:
            facts.append(build.fact(name))
    own = address(rng, style.lang)
    if kind == "layer":
        facts = [_as_data(one, style.keys) for one in facts]
        own = tuple(_as_data(one, style.keys) for one in own if one.field in style.keys)
    similar = tuple(
        (*address(rng, style.lang)[:1], *(_Builder(rng, style).fact(name, label=False) for name in _CARD))
        for _ in range(rng.randint(2, 4))
    )
    years = tuple(_year(facts, back, style, rng) for back in range(1, 4)) if kind in ("record", "layer") else ()
    office = tuple(one for one in address(rng, style.lang) if one.field != "StateOrProvince")
    implied = {"StandardStatus": "Closed" if kind in ("record", "layer") else "Active"}
    return Home(tuple(facts), own, tuple(dashes), similar, years, office, implied)


_CARD = ("ListPrice", "BedroomsTotal", "BathroomsTotalInteger", "LivingArea")


def _year(facts: list[Fact], back: int, style: Style, rng: random.Random) -> tuple[Fact, ...]:
    known = {one.field: one for one in facts}
    row = list[Fact]()
    if "TaxYear" in known:
        year = known["TaxYear"].value - back
        row.append(Fact("TaxYear", year, str(year)))
    for name in ("TaxAssessedValue", "X_MarketValue", "TaxAnnualAmount"):
        if name in known:
            amount = round(known[name].value * (1 - 0.04 * back) * rng.uniform(0.98, 1.02))
            row.append(Fact(name, amount, style.money(amount)))
    return tuple(row)


def _as_data(fact: Fact, keys: Mapping[str, str]) -> Fact:
    key = keys[fact.field]
    raw = fact.value
    unit = "Acres" if fact.field == "LotSizeArea" else None
    return Fact(fact.field, raw, str(raw), key, unit, key, raw)


class _Builder:
    def __init__(self, rng: random.Random, style: Style) -> None:
        self._rng, self._style = rng, style
        self._size = rng.randint(70, 320) if style.metric else rng.randint(80, 420) * 10
        self._price = rng.randint(110, 1400) * 1000 + rng.choice((0, 0, 500, 900))
        self._year = rng.randint(1895, 2022)

    def fact(self, name: str, *, label: bool = True) -> Fact:
        value, text, unit = _DRAWN[name](self)
        words_of = self._style.labels.get(name, "") if label else ""
        return Fact(name, value, text, words_of, unit, words.STATE_KEYS.get(name, ""), value)

    def choice(self, options: tuple[str, ...]) -> tuple[Any, str, None]:
        drawn = self._rng.choice(options)
        return drawn, drawn, None

    def listed(self, options: tuple[str, ...]) -> tuple[Any, str, None]:
        drawn = self._rng.choice(options)
        return [drawn], drawn, None

    def count(self, low: int, high: int) -> tuple[Any, str, None]:
        drawn = self._rng.randint(low, high)
        return drawn, str(drawn), None

    def amount(self, value: float) -> tuple[Any, str, None]:
        return round(value), self._style.money(round(value)), None

    def status(self) -> tuple[Any, str, None]:
        if self._style.lang == "en" and self._rng.random() < 0.2:
            return "Pending", "Pending", None
        return "Active", "Active", None

    def subtype(self) -> tuple[Any, str, None]:
        return (*self._rng.choice(words.KINDS[self._style.lang]), None)

    def living(self) -> tuple[Any, str, str | None]:
        unit = "Square Meters" if self._style.metric else "Square Feet"
        label = self._style.labels.get("LivingArea", "").casefold()
        has_unit = self._style.writes_unit or any(one in label for one in ("sq", "sf"))
        return self._size, self._style.area(self._size, unit=self._style.writes_unit), unit if has_unit else None

    def lot(self) -> tuple[Any, str, str]:
        if self._style.metric:
            size = self._rng.randint(150, 1900)
            return size, self._style.area(size), "Square Meters"
        acres = self._rng.randint(8, 240) / 100
        return acres, f"{acres:.2f} acres", "Acres"

    def date(self) -> tuple[Any, str, None]:
        year, month, day = self._rng.randint(1998, 2025), self._rng.randint(1, 12), self._rng.randint(13, 28)
        text = self._style.date_format.format(y=year, m=month, d=day, b=_MONTHS[month - 1])
        return f"{year}-{month:02}-{day:02}", text, None

    def code(self, pattern: str) -> tuple[Any, str, None]:
        drawn = "".join(str(self._rng.randint(0, 9)) if one == "9" else one for one in pattern)
        return drawn, drawn, None

    def person(self) -> tuple[Any, str, None]:
        drawn = f"{self._rng.choice(words.FIRST)} {self._rng.choice(words.LAST)}"
        return drawn, drawn, None


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DRAWN: Mapping[str, Callable[[_Builder], tuple[Any, str, str | None]]] = {
    "ListingId": lambda b: b.code("7999999"),
    "StandardStatus": _Builder.status,
    "PropertySubType": _Builder.subtype,
    "ListPrice": lambda b: b.amount(b._price),
    "ClosePrice": lambda b: b.amount(b._price * 0.83),
    "CloseDate": _Builder.date,
    "BedroomsTotal": lambda b: b.count(1, 5),
    "BathroomsTotalInteger": lambda b: b.count(1, 4),
    "LivingArea": _Builder.living,
    "LotSizeArea": _Builder.lot,
    "YearBuilt": lambda b: (b._year, str(b._year), None),
    "StoriesTotal": lambda b: b.count(1, 3),
    "Roof": lambda b: b.listed(words.ROOFS),
    "ConstructionMaterials": lambda b: b.listed(words.WALLS),
    "Heating": lambda b: b.listed(words.HEATINGS[b._style.lang]),
    "Cooling": lambda b: b.listed(words.COOLINGS),
    "ParkingTotal": lambda b: b.count(1, 4),
    "AssociationFee": lambda b: b.amount(b._rng.randint(4, 60) * 10 + 5),
    "SubdivisionName": lambda b: b.choice(words.PLATS),
    "ListAgentFullName": _Builder.person,
    "ListOfficeName": lambda b: b.choice(words.FIRMS),
    "ParcelNumber": lambda b: b.code("29-31-15-99999-999-0990"),
    "TaxAnnualAmount": lambda b: b.amount(b._price * 0.011 + b._rng.randint(1, 99)),
    "TaxAssessedValue": lambda b: b.amount(b._price * 0.71 + b._rng.randint(1, 99)),
    "X_MarketValue": lambda b: b.amount(b._price * 0.92 + b._rng.randint(1, 99)),
    "TaxYear": lambda b: b.count(2025, 2025),
}
