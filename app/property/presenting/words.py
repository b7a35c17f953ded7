"""Put values into words for US readers: square feet, dollars with thousands separators, `Jun 14, 2019`."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from app.property.address import Address
from app.property.fields.table import CURRENCY, FIELDS, UNIT_OF, of_kind
from app.property.presenting.sentence_case import in_sentence_case
from app.property.values.areas import ACRES, HECTARES, IN_SQUARE_METERS, SQUARE_FEET, SQUARE_METERS, convert
from app.property.values.vocabulary import OFF_MARKET, standard_status

Record = Mapping[str, Any]
#: A function that formats a value. Its arguments are the value, the value's unit (or None), and the record.
Words = Callable[[Any, str | None, Record], str]

UNKNOWN = "not known"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?")
_ZIP = re.compile(r"\d{5}(?:-\d{4})?")
#: The parts of a history's row that are the source's words, not a name or a number.
_ROW_WORDS = frozenset({"event", "kind", "status"})
#: Maximum number of characters of a text that is shown in sentence case.
_SHORT_CHARS = 200
#: The RESO statuses of listings for sale, and of listings under contract.
#: The field that says in the site's words whether the home is for sale.
(_STATUS_ON_SITE,) = (
    str(spec.instead) for spec in FIELDS.values() if spec.brief and spec.brief.get("words") == "for_sale"
)
_ON_SALE, _NEARLY_SOLD = frozenset({"Active", "Coming Soon"}), frozenset({"Pending", "Active Under Contract"})


def day(value: str | datetime) -> str:
    """Format a date as `Jun 14, 2019`, `Oct 2005`, or `1995`, as precisely as it is known. Other text is unchanged."""
    match = _DATE.match(value if isinstance(value, str) else value.isoformat())
    if match is None:
        return str(value)
    year, month, date = match.groups()
    if month is None or not 1 <= int(month) <= 12:
        return year
    return f"{_MONTHS[int(month) - 1]} {int(date)}, {year}" if date else f"{_MONTHS[int(month) - 1]} {year}"


def is_in_the_us(record: Mapping[str, Any]) -> bool:
    """Return whether the property is in the US: by its country, else by a two-letter state and a ZIP code."""
    at = Address.of(record)
    if at.country:
        return at.country == "US"
    return bool(re.fullmatch("[A-Z]{2}", at.state or "") and _ZIP.fullmatch(at.postal_code or ""))


def is_let(record: Mapping[str, Any]) -> bool:
    """Return whether the property is for rent: its price is per period, such as a month, or its type is a lease."""
    for_a_time = any(record.get(spec.per) for spec in FIELDS.values() if spec.per)
    return for_a_time or any("lease" in str(record.get(name)).lower() for name in of_kind("choice"))


def money(amount: float, record: Mapping[str, Any]) -> str:
    """Format an amount: `$412,000`, `-$12,000`, `489,000 EUR`.

    If the record has no currency, amounts of US properties are in dollars, and others are printed as plain numbers.
    """
    currency = record.get(CURRENCY) or ("USD" if is_in_the_us(record) else "")
    number = f"{abs(amount):,.2f}".removesuffix(".00")
    sign = "-" if amount < 0 else ""
    return f"{sign}${number}" if currency == "USD" else f"{sign}{number} {currency}".rstrip()


def square_feet(area: float, unit: str | None) -> str:
    """Format an area as `2,310 sq ft`. An area in another unit is converted and also given as written, in
    parentheses.
    """
    if unit not in IN_SQUARE_METERS:
        return f"{area:,.10g} (unit {UNKNOWN})"
    feet = f"{convert(area, str(unit), SQUARE_FEET):,.0f} sq ft"
    return feet if unit == SQUARE_FEET else f"{feet} ({area:,.10g} {str(unit).lower()})"


def number(value: float) -> str:
    return f"{value:g}"


def yes_no(value: bool) -> str:
    return "yes" if value else "no"


def listed(parts: list[Any]) -> str:
    """Join the parts of a list. A list that a source writes in capitals is shown in sentence case."""
    texts = [str(part) for part in parts]
    whole = in_sentence_case(", ".join(texts))
    return whole if whole != ", ".join(texts) else ", ".join(map(in_sentence_case, texts))


def short_text(value: Any) -> str:
    """Show a text in sentence case if a source writes it in capitals. Long texts, which may name people, are kept."""
    text = _plain(value)
    return text if len(text) > _SHORT_CHARS else in_sentence_case(text)


def solar(parts: list[Any]) -> str:
    if any(re.search(r"solar|photovolt|\bpv\b", str(part), re.IGNORECASE) for part in parts):
        return "yes"
    return f"not stated (power by {listed(parts)})"


def for_sale(status: str, record: Mapping[str, Any]) -> str:
    """Say in words whether a home is for sale. `status` is its RESO status, or without one the site's words."""
    on_site = record.get(_STATUS_ON_SITE)
    if status in _ON_SALE and on_site and standard_status(str(on_site)) == OFF_MARKET:
        return f"not clear ({status}, but a site says {on_site})"
    is_offered, is_nearly_sold = (
        standard_status(status) in among or status in among for among in (_ON_SALE, _NEARLY_SOLD)
    )
    if is_let(record):
        return f"no, for rent ({status})" if is_offered else f"no ({status}, for rent)"
    if is_offered:
        return "yes" if status == "Active" else f"yes ({status})"
    return f"no, under contract ({status})" if is_nearly_sold else f"no ({status})"


def rows(values: list[Any], record: Record) -> str:
    """Return a line for each row of a history: `Jun 14, 2019: $412,000, Sold`, `2023: assessed $310,000`."""
    return "\n".join(_row(value, record) if isinstance(value, dict) else str(value) for value in values)


def _row(row: Mapping[str, Any], record: Record) -> str:
    lead = next((name for name in ("date", "year") if row.get(name)), "")
    when = [day(str(row[lead]))] if lead else []
    parts = [_part(name, part, record) for name, part in row.items() if name != lead and part not in (None, "")]
    return ": ".join([*when, ", ".join(parts)])


def _part(name: str, part: Any, record: Record) -> str:
    """Amounts other than the price are preceded by their name."""
    if isinstance(part, bool) or not isinstance(part, int | float):
        return short_text(part) if name in _ROW_WORDS else _plain(part)
    return money(part, record) if name == "price" else f"{name} {money(part, record)}"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return yes_no(value)
    if isinstance(value, int | float):
        return f"{value:,}" if abs(value) >= 10_000 else f"{value}"
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


#: Formatters by name.
WORDS: Mapping[str, Words] = {
    "area": lambda value, unit, _: square_feet(value, unit),
    "answer": lambda value, *_: yes_no(value),
    "count": lambda value, *_: number(value),
    "date": lambda value, *_: day(value),
    "features": lambda value, *_: listed(value) if isinstance(value, list) else short_text(value),
    "fee": lambda value, _, record: money(value, record) if value else "",
    "for_sale": lambda value, _, record: for_sale(value, record),
    "links": lambda value, *_: value if isinstance(value, str) else "\n".join(value),
    "money": lambda value, _, record: money(value, record),
    "rows": lambda value, _, record: rows(value, record),
    "solar": lambda value, *_: solar(value),
    "text": lambda value, *_: short_text(value),
}


def in_words(name: str, value: Any, record: Record, unit: str | None = None, *, words: str = "") -> str:
    """Return a value of the field `name` in words, in `unit` or the record's unit.

    `words` is a key of `WORDS`; without it, the field's kind is the key. A value of the wrong type, which only an
    unverified claim may have, is not formatted.
    """
    how = WORDS.get(words or FIELDS[name].kind)
    known = unit or record.get(UNIT_OF.get(name, ""))
    try:
        return how(value, known, record) if how else _plain(value)
    except (TypeError, ValueError, AttributeError):
        return _plain(value)


HEADINGS: Mapping[str, str] = {name: spec.short for name, spec in FIELDS.items() if spec.short}
_UNITS = {SQUARE_FEET: "sq ft", SQUARE_METERS: "m²", ACRES: "acres", HECTARES: "ha"}


def in_list(name: str, record: Record) -> str:
    """Return the field's text in a list of properties; "" if unknown. Areas are not converted.

    A price says what it is: `$450,000 asking`, `$440,000 sold`, `$2,100/month`.
    """
    shown = next((one for one in (name, FIELDS[name].instead) if one and record.get(one) is not None), None)
    if shown is None:
        return ""
    if FIELDS[shown].kind == "area":
        return f"{record[shown]:,.10g} {_UNITS.get(record.get(UNIT_OF[shown], ''), '')}".strip()
    text, spec = in_words(shown, record[shown], record), FIELDS[shown]
    if spec.per and record.get(spec.per):
        return f"{text}/{record[spec.per]}"
    mark = "rent" if spec.per and is_let(record) else spec.mark
    return f"{text} {mark}" if mark else text
