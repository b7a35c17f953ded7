"""Read sale and tax histories from JSON lists and table rows: all rows, and the newest row's values."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.property.fields.phrases import pattern
from app.property.reading import permits
from app.property.reading.base import ASKING_PRICE, Reading
from app.property.reading.object_values import Place, Source
from app.property.reading.terms import meaning, words_of
from app.property.values.dates import parse_date
from app.property.values.numbers import tidy
from app.property.values.prices import parse_price

_SALES, _PRICES, _TAXES, _DATED = (pattern("history", key) for key in ("sales", "prices", "taxes", "dates"))
_SOLD, _SOLD_WORD, _SURELY_SOLD, _FORECLOSED, _LISTED = (
    pattern("history", key) for key in ("sold", "sold_words", "surely_sold", "foreclosed", "listed")
)
_YEARS = frozenset({"year", "tax year", "time", "value year", "roll year", "valuation year"})
AMOUNTS = frozenset({"price", "amount", "sale price", "value", "sold price"})
#: An object with more entries, or a longer text, is more than an event.
_OF_EVENTS = frozenset({"", "_Ignore", "_Sale", ASKING_PRICE, "ClosePrice", "CloseDate"})
_MOST_EVENT_KEYS, _MOST_EVENT_CHARS = 7, 40
_EVENTS = frozenset({
    "event", "event name", "event description", "description", "type", "event type", "status", "deed type",
    "instrument", "category"
})  # fmt: skip


def rows(objects: Sequence[Mapping[str, Any]], source: Source, place: Place) -> Iterator[Reading]:
    """Read a list of permits, dated sales, or tax years; yield nothing for any other list."""
    above = " ".join(place.parents[-2:])
    stated = _SALES.search(above) or _PRICES.search(above) or _TAXES.search(above)
    if max(len(row) for row in objects) > 40 or (len(objects) == 1 and not stated):
        return
    table = [{words_of(k): v for k, v in _flat(row) if isinstance(v, str | int | float) and v != ""} for row in objects]
    permitted = list(permits.of_rows(table, above, source, place.pointer))
    yield from permitted or of_table(table, above, source, place.pointer)


def _flat(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield a row's entries. An inner object's entries get the object's key as a prefix: `assessment total`."""
    for key, value in row.items():
        if isinstance(value, dict):
            yield from ((f"{key} {inner}", plain) for inner, plain in value.items())
        else:
            yield key, value


def of_table(table: Sequence[Mapping[str, Any]], above: str, source: Source, locator: str) -> Iterator[Reading]:
    """Each row maps the words of a column's name to its value.

    `above` contains the words of the list's key or of the table's heading.
    """
    sales = [s for i, row in enumerate(table) if (s := _sale(row, above, i)) is not None]
    if sales:
        yield from _sales_readings(sales, source, locator)
        return
    years = [y for i, row in enumerate(table) if (y := _tax_year(row, above, i)) is not None]
    if years:
        yield from _tax_readings(years, source, locator)


def of_event(node: Mapping[str, Any], source: Source, locator: str) -> Iterator[Reading]:
    """Read a small object that is one dated event, such as `{"on": "2016-02-19", "what": "Sold", "price": 180500}`."""
    yield from of_table([{words_of(key): value for key, value in node.items()}], "history", source, locator)


def is_event(node: Mapping[str, Any]) -> bool:
    """Return whether an object has only a few plain values, one of them a full date and one the name of an event."""
    texts = {words_of(key): value for key, value in node.items() if isinstance(value, str)}
    fields = {getattr(meaning(words_of(key)), "field", "") for key in node if words_of(key) not in _EVENTS}
    is_small = len(node) <= _MOST_EVENT_KEYS and not any(isinstance(value, dict | list) for value in node.values())
    if not is_small or not fields <= _OF_EVENTS:
        return False
    names = (value for key, value in texts.items() if "status" not in key and len(value) <= _MOST_EVENT_CHARS)
    is_named = any(_LISTED.search(value) or _SOLD.search(value) for value in names)
    return is_named and any(len(parse_date(value) or "") == len("2016-02-19") for value in texts.values())


def numbered_sales(node: Mapping[str, Any], source: Source, place: Place) -> Iterator[Reading]:
    """Read sales from numbered keys of one object: `saleDate1`, `salePrice1`, `saleDate2`, ..."""
    groups: dict[str, dict[str, Any]] = defaultdict(dict)
    for key, value in node.items():
        match = re.fullmatch(r"(.*?\D)(\d{1,2})", key)
        if match is None or not isinstance(value, str | int | float) or value == "":
            continue
        found = meaning(match[1], source.lang)
        if found is not None and found.field in ("CloseDate", "ClosePrice"):
            groups[match[2]].setdefault(words_of(match[1]), value)
    if len(groups) > 1:
        yield from of_table(list(groups.values()), "sales", source, place.pointer)


def _sale(row: Mapping[str, Any], above: str, index: int) -> dict[str, Any] | None:
    """Return the row as a sale or price change. Return None if the row has no date, or is neither a sale nor a price
    change.
    """
    fields = {words: getattr(meaning(words), "field", "") for words in row}
    about_sales = _SALES.search(above) is not None or {"CloseDate", "ClosePrice"} <= set(fields.values())
    about = about_sales or _PRICES.search(above) is not None
    date = amount = event = None
    for words, value in row.items():
        field = fields[words]
        if field == "CloseDate" or (about and date is None and _DATED.search(words)):
            date = parse_date(str(value)) or date
        elif (field == "ClosePrice" or (words in AMOUNTS and about)) and amount is None:
            amount = _amount(value)
        elif words in _EVENTS and re.search(r"[A-Za-z]{2}", str(value)) and not (event and _SOLD.search(event)):
            event = str(value)
    if date is None or (amount is None and not about_sales and not event):
        return None
    return {"date": date, "price": amount, "event": event, "sold": _is_sale(event, about_sales), "index": index}


def _is_sale(event: str | None, about_sales: bool) -> bool:
    if event and _FORECLOSED.search(event) and not _SOLD_WORD.search(event):
        return False
    if event and _SURELY_SOLD.search(event):
        return True
    if event and _LISTED.search(event):
        return False
    return about_sales or bool(event and _SOLD.search(event))


def _amount(value: Any) -> float | None:
    if isinstance(value, int | float):
        return float(value)
    price = parse_price(str(value))
    return price.amount if price else None


def _sales_readings(sales: list[dict[str, Any]], source: Source, locator: str) -> Iterator[Reading]:
    kept = [{k: v for k, v in sale.items() if k in ("date", "price", "event") and v is not None} for sale in sales]
    yield Reading("X_PriceHistory", kept, source.method, locator, str(kept[0]), source.confidence)
    sold = [sale for sale in sales if sale["sold"]]
    if not sold:
        return
    newest = max(sold, key=lambda sale: (sale["date"], -sale["index"]))
    quote = f"{newest['date']} {newest['price']}"
    where = f"{locator}/{newest['index']}"
    yield Reading("CloseDate", newest["date"], source.method, where, quote, source.confidence + 0.05)
    if newest["price"] is not None:
        yield Reading("ClosePrice", tidy(newest["price"]), source.method, where, quote, source.confidence + 0.05)


def _tax_year(row: Mapping[str, Any], above: str, index: int) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for words, value in row.items():
        field = "TaxYear" if words in _YEARS else getattr(meaning(words), "field", "")
        if words == "total value" and "assess" in above:
            field = "X_MarketValue"
        elif words == "total":
            field = getattr(meaning(above), "field", "")
        if field == "TaxYear":
            year = re.search(r"\b(?:19|20)\d\d\b", str(value)) or re.match(r"1[0-9]{12}$", str(value))
            found["year"] = parse_date(str(value)) if year and len(year.group()) > 4 else year.group() if year else None
        elif (
            field in ("TaxAssessedValue", "X_MarketValue", "TaxAnnualAmount")
            and field not in found
            and (amount := _amount(value))
        ):
            found[field] = tidy(amount)
    if not found.get("year") or len(found) < 2:
        return None
    return {**found, "year": int(str(found["year"])[:4]), "index": index}


def _tax_readings(years: list[dict[str, Any]], source: Source, locator: str) -> Iterator[Reading]:
    names = {"TaxAssessedValue": "assessed", "X_MarketValue": "market", "TaxAnnualAmount": "tax", "year": "year"}
    kept = [{names[k]: v for k, v in row.items() if k in names} for row in years]
    yield Reading("X_TaxHistory", kept, source.method, locator, str(kept[0]), source.confidence)
    for field in ("TaxAssessedValue", "X_MarketValue", "TaxAnnualAmount"):
        holders = [row for row in years if field in row]
        if holders:
            newest = max(holders, key=lambda row: (row["year"], -row["index"]))
            where = f"{locator}/{newest['index']}"
            quote = f"{newest['year']}: {newest[field]}"
            yield Reading(field, newest[field], source.method, where, quote, source.confidence + 0.05)
    with_tax = [row for row in years if "TaxAnnualAmount" in row]
    newest = max(with_tax or years, key=lambda row: (row["year"], -row["index"]))
    where, year = f"{locator}/{newest['index']}", newest["year"]
    yield Reading("TaxYear", year, source.method, where, str(year), source.confidence)
