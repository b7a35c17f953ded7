"""Clean texts, detect placeholders, and check whether a text can be a name, a place, a street, or an id."""

import html
import re
from typing import Any

from app.property.fields.phrases import alternatives, pattern
from app.property.values.places import us_state

_LONGEST = 200
_EMPTY_BOX, _TICKED = "☐", re.compile(r"[☑☒]([^☐☑☒]*)")
_TAGS = re.compile(r"<[^<>]{1,400}>")
_EMPTY = re.compile(rf"[\W_]*|(?:{alternatives('answers', 'unknown')})|\{{\{{.*", re.IGNORECASE | re.DOTALL)
_IDENTIFIER = re.compile(r"^[A-Za-z0-9][\w./#-]*(?: ?[\w./#-]+){0,2}$")
_POSTAL = re.compile(r"^(?=.*\d)[A-Za-z0-9][A-Za-z0-9 -]{2,9}$")
_NO_PERSON = re.compile(rf"\d|@|https?:|www\.|{alternatives('people', 'no_names')}", re.IGNORECASE)
#: Matches parts of texts that are not an agency's name, such as names of map services.
_NO_OFFICE = re.compile(rf"@|https?:|{alternatives('people', 'no_offices')}", re.IGNORECASE)
_TITLE = re.compile(
    rf"(?:(?:{alternatives('people', 'ranks')})[ -]+)*(?:{alternatives('people', 'trades')})", re.IGNORECASE
)
_NO_STREET = re.compile(rf"https?:|[@|€£$<>{{}}_]|{alternatives('addresses', 'no_streets')}", re.IGNORECASE)
_NO_PLACE = re.compile(rf"[\d²³|€£$<>{{}}@:]|https?|{alternatives('addresses', 'no_places')}", re.IGNORECASE)
_TO_A_MAP = pattern("pages", "map_links")
_DISTRICT = re.compile(r"(?:^|\s)(?:р-н|район|district|subdistrict)(?:\s|$)", re.IGNORECASE)
_ROOM_SIZE = re.compile(r"\d+(?:\.\d+)?\s?(?:['′]|ft\.?)?\s?[x×]\s?\d+(?:\.\d+)?\s?(?:['′]|ft\.?)?", re.IGNORECASE)
_FILES = frozenset({"jpg", "jpeg", "png", "webp", "gif", "svg", "pdf"})
_SPLIT = re.compile(r"\s*[,;\n|]\s*")


def clean(text: str) -> str:
    """Decode entities, remove tags, and collapse white space. If there are checkboxes, keep only ticked entries."""
    if "&" in text:
        text = html.unescape(text)
    if "<" in text:
        text = _TAGS.sub(" ", text)
    if _EMPTY_BOX in text:
        text = ", ".join(one.strip(" ,;") for one in _TICKED.findall(text)) or text
    return " ".join(text.replace("\u200b", "").replace("\u00ad", "").split())


def letters_of(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def words_of(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def plain_parcel(number: Any) -> str | None:
    """Return the letters and digits of a parcel number in upper case, or None if it has none."""
    return re.sub(r"[\W_]+", "", str(number or "")).upper() or None


def is_empty(text: str) -> bool:
    """Return whether the text is a placeholder, such as dashes, `N/A`, or `keine Angabe`."""
    return _EMPTY.fullmatch(text.strip()) is not None


def is_identifier(text: str) -> bool:
    """Return whether the text can be a listing's id: one to three short words with a digit."""
    return 3 <= len(text) <= 40 and any(c.isdigit() for c in text) and _IDENTIFIER.match(text) is not None


def parcel_number(text: str) -> str | None:
    """Return the parcel number in `text`, or None. Remove a remark such as `(view map)` after the number."""
    text = " ".join(text[:_LONGEST].split())
    text = re.sub(r"\s*(?:\(.*|\[.*|<<.*|>>.*|\|.*|(?:/\s*)+|\s+[A-Z][a-z]+ (?:ID|No)\b.*)$", "", text).strip(" :#")
    digits = sum(c.isdigit() for c in text)
    good = digits >= 3 and len(text) <= 36 and re.match(r"^[\w./ -]+$", text)
    return text if good and not re.search(r"[A-Za-z]{6}", text) else None


def is_postal_code(text: str) -> bool:
    return _POSTAL.match(text.strip()) is not None


def is_place_name(text: str) -> bool:
    return (
        2 <= len(text) <= 60
        and any(c.isalpha() for c in text)
        and (_NO_PLACE.search(text) is None or re.match(r"^[A-Z][a-z]+ \d{1,2}\w?$", text) is not None)
    )


def before_map(text: str) -> str:
    """Remove a map link from the end of `text`: `12 Elm St (view map)` becomes `12 Elm St`."""
    found = _TO_A_MAP.search(text)
    return text[: found.start()].rstrip(" [(|>,;•·-") if found is not None else text


def town(text: str) -> str:
    """Return the town in a text such as `Dahlem, Berlin`, `San Francisco, CA`, or `Düsseldorf - Flingern Nord`."""
    parts = [p.strip() for p in " ".join(text[:_LONGEST].split()).split(",") if p.strip()]
    while len(parts) > 1 and (us_state(parts[-1]) or _DISTRICT.search(parts[-1])):
        parts.pop()
    last = parts[-1] if parts else text.strip()
    last = re.split(r"\s+[-–]\s+", last)[0]
    return re.sub(r"^(\w+?)s? (?:kommun|kommune)$", r"\1", last)


_STREET_WORD = pattern("addresses", "streets")
_STREET_END = re.compile(
    r"\b(?:road|street|drive|avenue|lane|close|park|way|terrace|place|square|court|crescent|row|rd|st|ave|dr)\.?$", re.I
)


def has_street_word(text: str) -> bool:
    return _STREET_WORD.search(text) is not None


def ends_like_street(text: str) -> bool:
    return _STREET_END.search(text) is not None


def capitalized(text: str) -> str:
    return text.title() if text.islower() and text.isascii() else text


def looks_like_street(text: str) -> bool:
    return 2 <= len(text) <= 120 and any(c.isalpha() for c in text) and _NO_STREET.search(text) is None


def looks_like_address(text: str) -> bool:
    return looks_like_street(text) and (any(c.isdigit() for c in text) or "," in text)


_FORMS, _WRITTEN_FORMS = alternatives("people", "companies"), alternatives("people", "companies_as_written")
_LEGAL_FORM = re.compile(
    rf"(?:^|[\s,.(])(?:(?i:{_FORMS})|{_WRITTEN_FORMS})\.?$|{alternatives('people', 'company_marks')}"
)


def has_legal_form(text: str) -> bool:
    """Return whether the name has a company's legal form, such as `GmbH`, `s.r.o.`, or `株式会社`."""
    return _LEGAL_FORM.search(text.strip()) is not None


def is_person(text: str) -> bool:
    """Return whether the text is one to five words that can be a person's name."""
    words = text.split()
    return (
        1 <= len(words) <= 5
        and 3 <= len(text) <= 50
        and _NO_PERSON.search(text) is None
        and all(w[0].isalpha() or w[0] in "('" for w in words)
    )


def is_title(text: str) -> bool:
    """Return whether the text is a job title in real estate, such as `Senior Broker`."""
    return _TITLE.fullmatch(text.strip()) is not None


def is_office(text: str) -> bool:
    if not 2 <= len(text) <= 90:
        return False
    named = any(c.isalpha() for c in _ROOM_SIZE.sub("", text))
    is_other = _NO_OFFICE.search(text) or is_title(text) or (text[:1].isdigit() and has_street_word(text))
    return named and not is_other


def features(raw: Any) -> list[str]:
    """Return up to 12 features from a list, or from a text separated by commas, semicolons, bars, or line breaks."""
    parts = [str(p) for p in raw] if isinstance(raw, list) else _SPLIT.split(str(raw))
    kept = [clean(p).strip(" .;") for p in parts]
    kept = [p for p in kept if p and not is_empty(p) and len(p) <= 60 and any(c.isalpha() for c in p)]
    kept = [p for p in kept if p.casefold() not in _FILES]
    return list(dict.fromkeys(kept))[:12]
