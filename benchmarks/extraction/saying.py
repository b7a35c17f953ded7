"""Check whether a quote states a value, by the rules that `value_check.py` applies to a model's quotes. No extractor
uses these rules.

Some fields have their own rules here, such as fields that are never asked of a model.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from app.property.reading import object_keys
from app.property.reading.document import Locale
from app.property.reading.model.claims import Claim
from app.property.reading.model.label_words import names
from app.property.reading.model.value_check import check_value
from app.property.record import FIELDS, Evidence
from app.property.values import areas, counts, currency, layouts, numbers, prices, vocabulary
from app.property.values.dates import year_of_era
from app.property.values.places import country_code

_RENT = re.compile(r"\brent\b|miete|najem|czynsz|hyra\b|loyer|alquiler|affitto", re.IGNORECASE)
_BASES = {"cold": r"kalt|cold|netto", "warm": r"warm|gesamt|brutto|charges comprises", "pcm": r"pcm|per calendar month"}
#: Matches a phrase such as `no HOA`, in which the denial directly precedes the association.
_NO_ASSOCIATION = re.compile(
    r"\b(?:no|without(?: an?)?|not (?:in|part of) an?) (?:monthly |mandatory )?"
    r"(?:hoa|h\.o\.a|(?:home ?owners?\S{0,2} )?association)\b",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|_")


def says(name: str, proof: Evidence, locale: Locale, place: str) -> bool:
    """Return True if `proof.quote` states `proof.value`.

    For a field of type `rows`, check `place` (the text at the locator) instead.
    """
    if FIELDS[name].type == "rows":
        return all(_in_row(place, key, value) for row in proof.value for key, value in row.items())
    own, quotes = _OWN.get(name), [proof.quote, _CAMEL.sub(" ", proof.quote)]
    if _has(proof.quote, proof.raw):
        quotes.append(proof.raw)
    if own is not None:
        return any(own(proof.value, quote, locale) for quote in quotes)
    return any(check_value(Claim(name, proof.value, q, q, locale.lang, locale.country)) is not None for q in quotes)


def _is_supported(name: str, value: Any, quote: str, locale: Locale) -> bool:
    return check_value(Claim(name, value, quote, quote, locale.lang, locale.country)) is not None


def _plain(text: object) -> str:
    return re.sub(r"[\W_]+", "", str(text).casefold())


def _has(text: str, value: object) -> bool:
    """Return whether `text` contains the letters and digits of `value`; a whole number also matches with decimals."""
    parsed = numbers.tidy(value) if isinstance(value, float) else value
    return _plain(parsed) in _plain(text)


def _in_row(raw: str, key: str, value: Any) -> bool:
    """Return whether `raw` contains the date's year, the number, or every part of a text joined with dashes."""
    if key == "date" and re.search(rf"\b\d\d?\W{str(value)[2:4]}\b", raw):
        return True
    parts = [str(value)[:4]] if key == "date" else value.split(" - ") if isinstance(value, str) else [value]
    return all(_has(raw, part) for part in parts)


def _number(value: Any, quote: str, _locale: Locale) -> bool:
    found = [n for lang in ("en", "de") for n in numbers.find_numbers(quote, lang, multipliers=False)]
    signed = [float(n) for n in re.findall(r"-?\d+\.\d+", quote)]
    return any(abs(n - value) < 1e-9 for n in signed) or any(abs(n.value - value) < 0.005 for n in found)


def _roof_year(value: Any, quote: str, locale: Locale) -> bool:
    """The year may be computed from an age, which counts from a stated year or from the day of the fetch."""
    found = [int(n) for n in re.findall(r"(?<!\d)\d{1,4}(?!\d)", quote)]
    starts = {locale.year, *(n for n in found if n > 1900)}
    return _number(value, quote, locale) or any(start - n == value for start in starts if start for n in found)


def _amount(value: Any, quote: str, _locale: Locale) -> bool:
    """Match the number with its scale: `$518K` is 518,000, not 518."""
    found = [n.value for lang in ("en", "de") for n in numbers.find_numbers(quote, lang)]
    return any(abs(n - value) < 0.005 for n in found)


def _coordinate(value: Any, quote: str, _locale: Locale) -> bool:
    return any(abs(float(n.replace(",", ".")) - value) < 1e-6 for n in re.findall(r"-?\d+[.,]\d+", quote))


def _unit(value: Any, quote: str, _locale: Locale) -> bool:
    words = [quote, *re.split(r"[\d\s,.]+", quote)]
    parsed = areas.parse_area(quote.rpartition(":")[2], None)
    if parsed is not None and parsed.unit == value:
        return True
    words += [object_keys.UNIT_CODES[word] for word in quote.split() if word in object_keys.UNIT_CODES]
    return any(areas.find_unit(word) == value for word in words)


def _country(value: Any, quote: str, _locale: Locale) -> bool:
    words = re.findall(r"[^\W\d_]+", quote)
    runs = [" ".join(words[i : i + n]) for n in (1, 2, 3) for i in range(len(words) - n + 1)]
    return any(country_code(run) == value for run in runs)


def _currency(value: Any, quote: str, locale: Locale) -> bool:
    return currency.find_currency(quote, locale.country) == value or value in quote.upper().split()


def _period(value: Any, quote: str, _locale: Locale) -> bool:
    return prices.find_period(quote) == value or prices.find_period(f"per {quote}") == value


def _qualifier(value: Any, quote: str, _locale: Locale) -> bool:
    several = len(numbers.find_numbers(quote, "en")) >= 2
    return prices.find_qualifier(quote) == value or (value == "range" and several)


def _offered(value: Any, quote: str, locale: Locale) -> bool:
    offer = vocabulary.offer(quote) or ("rent" if _RENT.search(quote) or prices.find_period(quote) else None)
    if value in ("Residential", "Residential Lease") and offer is not None:
        return offer == ("rent" if value == "Residential Lease" else "sale")
    return check_value(Claim("PropertyType", value, quote, quote, locale.lang, locale.country)) is not None


def _status(value: Any, quote: str, locale: Locale) -> bool:
    parsed = {vocabulary.standard_status(q) for q in (quote, quote.rpartition(":")[2], quote.rpartition("/")[2])}
    claim = Claim("StandardStatus", value, quote, quote, locale.lang, locale.country)
    on_request = value == "Active" and prices.find_qualifier(quote) is not None
    return value in parsed or on_request or check_value(claim) is not None


def _basis(value: Any, quote: str, _locale: Locale) -> bool:
    return re.search(_BASES[value], quote, re.IGNORECASE) is not None


def _baths(value: Any, quote: str, locale: Locale) -> bool:
    parsed = counts.bathrooms(quote, locale.lang)
    claim = Claim("BathroomsTotalInteger", value, quote, quote, locale.lang, locale.country)
    summands = [int(n) for n in re.findall(r":\s*(\d{1,2})(?=;|$)", quote)]  # as in `Full baths: 1; 3/4 baths: 1`
    added = len(summands) > 1 and sum(summands) == value
    return (parsed is not None and parsed.total == value) or check_value(claim) is not None or added


def _part_of_baths(value: Any, quote: str, locale: Locale) -> bool:
    after = quote.rpartition(":")[2] or quote
    parsed = counts.bathrooms(after.rpartition("/")[2], locale.lang) or counts.bathrooms(quote, locale.lang)
    return (parsed is not None and value in (parsed.full, parsed.half)) or _number(value, quote, locale)


def _yes_or_no(value: Any, quote: str, _locale: Locale) -> bool:
    """Match a quote that ends in yes or no, or that states a number above zero, such as a fee."""
    after = quote.rpartition(":")[2].strip() or quote.rsplit(maxsplit=1)[-1]
    answer = vocabulary.yes_no(re.split(r"[,;]\s|\s[–—-]\s", after)[0])
    fee = any(n.value > 0 for n in numbers.find_numbers(quote, "en"))
    return answer is value or (value is True and answer is None and fee)


def _association(value: Any, quote: str, locale: Locale) -> bool:
    return _yes_or_no(value, quote, locale) or (value is False and _NO_ASSOCIATION.search(quote) is not None)


def _pool(value: Any, quote: str, locale: Locale) -> bool:
    made = re.search(r"ground|private|play pool|gunite|fiberglass|lap pool", quote, re.IGNORECASE) is not None
    listed = re.match(r"(?:swimming )?pool\b[^:]*$", quote, re.IGNORECASE) is not None
    shared = re.search(r"community|association|shared", quote, re.IGNORECASE) is not None
    none = value is False and re.search(r"\bno (?:\w+ )?pool\b", quote, re.IGNORECASE) is not None
    return _yes_or_no(value, quote, locale) or none or (value is True and (made or listed) and not shared)


def _person(value: Any, quote: str, _locale: Locale) -> bool:
    """Match every word of the name. Other words may be between the first and last name."""
    return all(_has(quote, word) for word in value.split())


def _place(value: Any, quote: str, locale: Locale) -> bool:
    spaceless = re.search(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", value) is not None
    return (spaceless and _has(quote, value)) or _is_supported("StateOrProvince", value, quote, locale)


def _street(value: Any, quote: str, locale: Locale) -> bool:
    """Match the words of the address. The house number may be apart from the street, under its own key."""
    first, _, behind = value.partition(" ")
    before, _, last = value.rpartition(" ")
    apart = (
        number.isdigit() and re.search(rf"\b{number}\b", quote) is not None and _place(name, quote, locale)
        for number, name in ((first, behind), (last, before))
    )
    return _place(value, quote, locale) or any(apart)


def _rooms(value: Any, quote: str, locale: Locale) -> bool:
    """Match a count of rooms, or a layout such as `3LDK` or `trilocale`."""
    parsed = layouts.parse_layout(quote, locale.lang)
    return _is_supported("RoomsTotal", value, quote, locale) or (parsed is not None and parsed.rooms == value)


def _year(value: Any, quote: str, _locale: Locale) -> bool:
    return year_of_era(quote) == value or re.search(rf"(?<!\d){value}(?!\d)", quote) is not None


def _area(value: Any, quote: str, locale: Locale) -> bool:
    """Match the number, the number converted from the page's unit (ares, ping), or a fraction of an acre."""
    parsed = areas.parse_area(quote.rpartition(":")[2], locale.lang) or areas.parse_area(quote, locale.lang)
    return (
        _number(value, quote, locale)
        or value in _acres(quote)
        or (parsed is not None and abs(parsed.value - value) < 0.005)
    )


def _acres(quote: str) -> list[float]:
    found = re.findall(r"\b(half|quarter|[1-9]/[2-9])[ -](?:an )?acres?\b", quote, re.IGNORECASE)
    words = {"half": "1/2", "quarter": "1/4"}
    parts = [words.get(text.casefold(), text).split("/") for text in found]
    return [int(top) / int(bottom) for top, bottom in parts]


def _text(value: Any, quote: str, _locale: Locale) -> bool:
    return _has(quote, value)


def _long_text(value: Any, quote: str, _locale: Locale) -> bool:
    opening = _plain(re.sub(r"<[^>]*>", " ", quote))
    return _plain(value)[:60] in opening


def _list(value: Any, quote: str, _locale: Locale) -> bool:
    return all(_has(quote, item) for item in value)


def _parking(value: Any, quote: str, locale: Locale) -> bool:
    return _number(value, quote, locale) or _is_supported("ParkingTotal", value, quote, locale)


def _postal_code(value: Any, quote: str, locale: Locale) -> bool:
    halves = re.fullmatch(r'"outcode": (\S+), "incode": (\S+)', quote)
    return " ".join(halves.groups()) == value if halves else _is_supported("PostalCode", value, quote, locale)


_OWN: Mapping[str, Callable[[Any, str, Locale], bool]] = {
    "Latitude": _coordinate,
    "Longitude": _coordinate,
    "LivingAreaUnits": _unit,
    "LotSizeUnits": _unit,
    "Country": _country,
    "X_Currency": _currency,
    "X_PricePeriod": _period,
    "X_PriceQualifier": _qualifier,
    "PropertyType": _offered,
    "StandardStatus": _status,
    "X_RentBasis": _basis,
    "ListAgentFullName": _person,
    "LivingArea": _area,
    "LotSizeArea": _area,
    "YearBuilt": _year,
    "RoomsTotal": _rooms,
    "UnparsedAddress": _street,
    **dict.fromkeys(("StateOrProvince", "StreetName"), _place),
    "BathroomsTotalInteger": _baths,
    "BathroomsFull": _part_of_baths,
    "BathroomsHalf": _part_of_baths,
    "AssociationYN": _association,
    "PoolPrivateYN": _pool,
    "PublicRemarks": _long_text,
    **dict.fromkeys(("ListingId", "ListingKey", "MlsStatus", "CountyOrParish", "OriginatingSystemName"), _text),
    **dict.fromkeys(("City", "SubdivisionName", "X_EnergyRating", "X_AccessNotes", "ListOfficeName"), _text),
    **dict.fromkeys(("Roof", "ConstructionMaterials", "Heating", "Cooling", "Media"), _list),
    "PowerProductionType": lambda _value, quote, locale: names("PowerProductionType", quote, locale.lang),
    "X_RoofYear": _roof_year,
    "ParkingTotal": _parking,
    "PostalCode": _postal_code,
    **dict.fromkeys(("X_EstimatedValueLow", "X_EstimatedValueHigh"), _amount),
}


def concluded(name: str, values: Mapping[str, Any], country: str | None) -> Any:
    """Return what follows for the field `name` from the other `values` and the country; None if nothing follows."""
    american = country in ("US", None)
    if name == "StandardStatus":
        return "Active" if values.get("ListPrice") else None
    if name == "X_PricePeriod":
        return "month" if "Lease" in str(values.get("PropertyType")) else None
    if name == "X_Currency":
        return currency.COUNTRY_CURRENCY.get(country or "US")
    if name in ("LivingAreaUnits", "LotSizeUnits"):
        return areas.SQUARE_FEET if american else areas.SQUARE_METERS
    if name == "BathroomsTotalInteger":
        return values["BathroomsFull"] + values.get("BathroomsHalf", 0)
    return None
