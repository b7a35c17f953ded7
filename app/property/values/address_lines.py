"""Parse one-line addresses by each country's conventions."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from app.property.fields.countries import COUNTRIES
from app.property.values import regions, texts
from app.property.values.areas import find_unit
from app.property.values.vocabulary import offer


@dataclass(frozen=True, slots=True)
class Line:
    """The parts of an address, each None if missing. `street` is not normalized."""

    street: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None


_NO_CODE = r"(?!\s*(?:m²|m2\b|m\b|€|£|\$|kr\b|Kč|zł|CHF|EUR|Ft\b|km\b|kWh|%|kvm|qm|[.,/-]\d))"
_MARK = r"(?:(?:[A-Z]{1,2}-|C\.?P\.?:?\s?|CEP:?\s?|PIN(?: code)?:?\s?)(?=\d))?"


def _codes(stands: str) -> Iterator[tuple[str, str]]:
    for code, country in COUNTRIES.items():
        if country.postal_code is not None and country.postal_code_stands == stands:
            yield code, country.postal_code


_BEFORE_CODES = {
    country: re.compile(rf"(?<![\w.,-]){_MARK}({code})(?!\w){_NO_CODE}(?:\s+(?=[^\W\d_])|(?=\s*[,)]|$))")
    for country, code in _codes("before")
}
_AFTER_CODES = {
    country: re.compile(rf"(?<![\w-]){_MARK}({code})(?![\w-]){_NO_CODE}") for country, code in _codes("behind")
}
#: Matches the text that must precede a four-digit postal code; otherwise, the digits may be a year.
_BORDER = re.compile(r"(?:^|[,;|·•(–/]|\s-|\d[A-Za-z]?)\s*(?:[A-Z]{1,2}-)?$")
_PARTS = re.compile(r"\s*[,;|·•\n]\s*")
_PLACE_END = re.compile(r"\s*(?:[,;|·•(\[/:]|\s[-–—]\s)\s*")
_PARTICLES = (
    r"am|an|der|dem|den|im|in|bei|ob|auf|vor|von|zu|zum|zur|de|del|la|las|los|le|les|lès|sur|sous|en|du|des|et|y|"
    r"i|e|da|do|das|dos|"
    r"di|della|delle|dei|degli|nel|al|og|nad|pod|u|aan|het|'t|ter|te|bij|upon|d'|l'"
)
_TOWN = re.compile(rf"(?:[^\W\d_a-z²³]|'[st]-?[^\W\d_])[^\W\d_]*(?:['’.-]?[^\W\d_]+)*\.?(?:\s(?:(?:{_PARTICLES})\s)*"
                   r"(?=[^\W\d_a-zß-öø-ÿ])[^\W\d_]+(?:['’.-][^\W\d_]+)*\.?){0,4}")  # fmt: skip
#: Matches a German town: one word, or several with a known first word or a particle (`Herrsching am Ammersee`).
_GERMAN_TOWN = re.compile(
    r"(?:(?:Bad|Sankt|St\.|Markt|Groß|Gross|Klein|Alt|Neu|Hohen|Lutherstadt|Hansestadt|Königs|Deutsch|Hann\.|Maria|Burg|Schloß)\s)*"
    rf"[^\W\d_][^\s]*(?:\s(?:(?:{_PARTICLES})\s)+[^\W\d_][^\s]*)*"
)
_LAST_TOWN = re.compile(rf"({_TOWN.pattern})(?:\s\d{{1,2}}(?:er|ème|eme|e)?)?\s*$")
_KIND_LEADS = re.compile(
    r"^(?:appartement|huis|woning|studio|kamer|eengezinswoning|benedenwoning|bovenwoning|villa)\s+(?=[A-Z].*\d)",
    re.IGNORECASE,
)
_LABEL = re.compile(r"^[^:]{2,40}:\s+")
_DISTRICT = re.compile(
    r"^(?:gm\.|gmina|pow\.|powiat|okres|dz\.|Bezirk|Ortsteil|OT|zona|cartier\w*|kvart\w+|кв\.|ж\.к\.)\s|\bkommun$",
    re.IGNORECASE,
)
#: Countries where an address without a postal code must end with one of these towns.
_TOWN_LAST: Mapping[str, frozenset[str]] = {
    "AE": frozenset(
        {"dubai", "abu dhabi", "sharjah", "ajman", "ras al khaimah", "fujairah", "umm al quwain", "al ain"}
    ),
    "SG": frozenset({"singapore"}),
    "HK": frozenset({"hong kong"}),
}
#: Countries where some regions and towns share a name, so a region's name at the end of a line may be the town.
_REGIONS_LIKE_TOWNS = frozenset({"ES", "PT", "BE", "NL", "NZ", "MX", "IT", "HU", "TR", "BG"})
#: Countries where houses can have names, so that everything before the town counts as the street.
_ALL_IS_STREET = frozenset({"GB", "IE", "AU", "CA", "ZA"})
_CITY_REGIONS = frozenset({"berlin", "hamburg", "bremen", "wien", "salzburg", "dublin", "cork", "zürich", "genève"})


def read(text: str, country: str | None) -> Line | None:
    """Parse `text` by the rules of `country`. Return None if `text` does not look like an address in that country."""
    text = " ".join(text.split())[:300]
    if country is None:
        return None
    if country in SPACELESS:
        return without_spaces(text, country)
    if country in _BEFORE_CODES:
        return _code_first(text, country) or _without_code(text, country)
    if country in _AFTER_CODES:
        return _code_last(text, country) or _without_code(text, country)
    return _without_code(text, country) if country in _TOWN_LAST else None


def has_code(country: str | None) -> bool:
    """Return whether this module recognizes the country's postal codes."""
    return country in _BEFORE_CODES or country in _AFTER_CODES or country in SPACELESS


# --- the postal code before the town ---------------------------------------------------------------------------------


def _code_first(text: str, country: str) -> Line | None:
    for match in _BEFORE_CODES[country].finditer(text):
        before, after = text[: match.start()], text[match.end() :]
        if len(match[1]) == 4 and not _BORDER.search(before):
            continue
        if before.rstrip().endswith("(") and after.lstrip().startswith(")"):
            found = _code_behind(before.rstrip()[:-1], match[1])
        else:
            found = _code_between(before, match[1], after, country)
        if found is not None:
            return found
    return None


def _code_between(before: str, code: str, after: str, country: str) -> Line | None:
    town = _TOWN.match(after.strip())
    if town is None or town.group()[0].islower():
        return None
    rest = [p.strip(" )]") for p in _PLACE_END.split(after.strip()[town.end() :]) if p.strip(" )]")]
    region = next((p for p in rest[:3] if regions.is_region(p, country) and p != town.group()), None)
    street = _street_in(before) or next((p for p in rest[:4] if p != region and texts.has_street_word(p)), None)
    city = re.sub(r"^(.{3,}?) \1$", r"\1", texts.town(town.group()))
    if country in ("DE", "AT") and (own := _GERMAN_TOWN.match(city)):
        city = own.group()
    return Line(street, city, region and _shown(region), code)


def _code_behind(before: str, code: str) -> Line | None:
    chunk = re.split(r"\s[-–—|]\s|[,;|]", before.strip())[-1]
    town = _LAST_TOWN.search(chunk)
    return Line(city=town[1], postal_code=code) if town else None


def _street_in(before: str) -> str | None:
    chunk = re.split(r"\s[-–—|·•]\s|[|;]", before.strip(" ,-–"))[-1]
    parts = [p for p in _PARTS.split(_LABEL.sub("", chunk)) if p]
    return _street_of(parts, keep_all=False)


def _street_of(parts: list[str], *, keep_all: bool) -> str | None:
    if not keep_all:
        ends = [i for i, p in enumerate(parts) if any(c.isdigit() for c in p) or texts.has_street_word(p)]
        parts = parts[: ends[-1] + 1] if ends else []
    # removes offers and areas, as in `Działka 1 240 m² na sprzedaż`
    parts = [p for p in parts if offer(p) is None and find_unit(p) is None]
    street = _KIND_LEADS.sub("", ", ".join(parts).strip(" ,-"))
    return street if street and texts.looks_like_street(street) and len(street) <= 90 else None


# --- the postal code after the town ----------------------------------------------------------------------------------


def _code_last(text: str, country: str) -> Line | None:
    matches = list(_AFTER_CODES[country].finditer(text))
    if country in ("AU", "NZ", "ZA"):  # other four-digit numbers may be house numbers or years
        matches = [
            m for m in matches if re.match(r"\W*$|\W+(?:Australia|New Zealand|South Africa)\W*$", text[m.end() :])
        ]
    if not matches:
        return None
    code = matches[-1]
    head = text[: code.start()].strip(" ,-–")
    parts = _split(head, country)
    if not parts:
        tail = text[code.end() :].strip(" ,")
        parts = _split(tail, country)
    placed = _placed(parts, country)
    return replace(placed, postal_code=code[1]) if placed is not None else None


def _split(text: str, country: str) -> list[str]:
    pattern = r"\s*[,;|·•\n]\s*|\s+[-–]\s+" if country == "BR" else r"\s*[,;|·•\n]\s*"
    return [p.strip() for p in re.split(pattern, text) if p.strip()]


def _placed(parts: list[str], country: str) -> Line | None:
    if not parts:
        return None
    region: str | None = None
    kept = list(parts)
    if len(kept) > 1 and regions.is_region(kept[-1], country) and not _is_town_of_street(kept, country):
        region = kept.pop()
    elif (split := _region_at_end(kept[-1], country)) is not None:
        town, region = split
        kept = [*kept[:-1], town]
    kept = [p for p in kept if not _DISTRICT.search(p)] or kept
    city = _town_of(kept[-1], country)
    before = kept if city is None else kept[:-1]
    return Line(_street_of(before, keep_all=country in _ALL_IS_STREET), city, region and _shown(region))


def _town_of(part: str, country: str) -> str | None:
    city = texts.town(part)
    if country == "NZ":
        city = re.sub(r" (?:City|District)$", "", city)
    return city if texts.is_place_name(city) else None


def _shown(region: str) -> str:
    return re.sub(r"^(?:woj\.?|województwo)\s+", "", region, flags=re.IGNORECASE)


def _is_town_of_street(parts: list[str], country: str) -> bool:
    """Return whether the last part is a town that shares its name with a county, as in `Tullow Road, Carlow`."""
    return country in ("IE", "GB") and texts.ends_like_street(parts[-2]) and not regions.is_named(parts[-1], country)


def _region_at_end(part: str, country: str) -> tuple[str, str] | None:
    words = part.split()
    for count in range(min(4, len(words) - 1), 0, -1):
        tail = " ".join(words[-count:])
        if regions.is_region(tail, country) and (len(tail) > 3 or tail.isupper()):
            return " ".join(words[:-count]).strip(" ,-"), tail
    return None


# --- no postal code --------------------------------------------------------------------------------------------------


def _without_code(text: str, country: str) -> Line | None:
    parts = _split(text, country)
    if len(parts) < 2:
        return None
    last = parts[-1]
    if country == "IE" and len(parts) == 2 and regions.is_region(parts[0], country) and parts[0].casefold() != "dublin":
        return Line(city=last, region=parts[0]) if texts.is_place_name(last) else None
    if (towns := _TOWN_LAST.get(country)) is not None:
        return Line(_numbered_first(parts[:-1]), last) if last.casefold() in towns else None
    named = _beside_street(parts) if country in _STREET_FIRST_OR_LAST else None
    return named or _before_region(parts, country)


def _numbered_first(parts: list[str]) -> str | None:
    """Return the street in `parts` if it begins with a digit or ends in a street word, otherwise None.

    A development such as `Marina Gate 2` is not a street.
    """
    street = _street_of(parts, keep_all=False)
    named = street is not None and (street[0].isdigit() or texts.ends_like_street(re.sub(r"\s+\d+[A-Z]?$", "", street)))
    return street if named else None


def _before_region(parts: list[str], country: str) -> Line | None:
    if not _ends_in_region(parts, country):
        return None
    kept = [p for p in parts[:-1] if not _DISTRICT.search(p) or p.endswith("kommun")]
    city = _town_of(kept[-1], country) if kept else None
    if city is None:
        return None
    return Line(_street_of(kept[:-1], keep_all=country in _ALL_IS_STREET), city, _shown(parts[-1]))


#: Countries where the street follows a word such as `ul.`, and is the first or last part of the line.
_STREET_FIRST_OR_LAST = frozenset({"PL", "BG"})
_STREET_OPENS = re.compile(r"^(?:ul|al|os|pl|ул|бул|пл)\.\s?\S", re.IGNORECASE)
_TOWN_OPENS = re.compile(r"^(?:град|гр\.|с\.|село|m\.st\.|miasto)\s+")


def _beside_street(parts: list[str]) -> Line | None:
    at = next((i for i, p in enumerate(parts) if _STREET_OPENS.match(p)), None)
    if at is None or at not in (0, len(parts) - 1):
        return None
    city = _TOWN_OPENS.sub("", parts[0] if at else parts[-1])
    return Line(parts[at], city) if texts.is_place_name(city) else None


def _ends_in_region(parts: list[str], country: str) -> bool:
    last = parts[-1]
    if not regions.is_region(last, country) or country == "ES" or _is_town_of_street(parts, country):
        return False
    like_town = country in _REGIONS_LIKE_TOWNS or last.casefold() in _CITY_REGIONS
    return not like_town or regions.is_named(last, country) or len(parts) >= 3


_JAPANESE = re.compile(
    r"^((?:[^\d市区町村郡]{1,6}市)?[^\d市区町村郡]{1,6}区|[^\d市]{1,6}市|[^\d郡]{1,5}郡[^\d町村]{1,5}[町村]|"
    r"[^\d町村]{1,5}[町村])"
)
_JAPANESE_CODE = re.compile(r"〒?\s?(\d{3}-\d{4})\s*")
#: Patterns that match the town at the start of the text after the region, by country.
_TOWNS = {
    "JP": _JAPANESE,
    "TW": re.compile(r"^([^\d區鄉鎮市]{1,4}[區鄉鎮市])"),
    "KR": re.compile(r"^\s*([가-힣]{1,6}[시군구])(?=\s|$)"),
}
SPACELESS = frozenset(_TOWNS)


def without_spaces(text: str, country: str) -> Line | None:
    """Parse a Japanese, Taiwanese, or Korean address such as `〒167-0032 東京都杉並区天沼３-１８`."""
    code = _JAPANESE_CODE.search(text) if country == "JP" else None
    if code:
        text = text[: code.start()] + text[code.end() :]
    region = regions.leading(text, country)
    rest = text[len(region) :].strip() if region else text
    town = _TOWNS[country].match(rest)
    if town is None or (region is None and code is None):
        return None
    street = rest[town.end() :].strip(" 　,") or None
    return Line(street, town[1], region, code[1] if code else None)
