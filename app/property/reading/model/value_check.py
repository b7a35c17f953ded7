"""Check whether a quote states a claimed value. Each kind of field has a check that returns the value as stored."""

import re
from collections.abc import Callable, Mapping
from functools import cache

from app.property.fields.phrases import alternatives
from app.property.reading.feature_values import plain_feature
from app.property.reading.model import number_check
from app.property.reading.model.claims import CheckedValue, Claim
from app.property.reading.model.label_words import labels_in
from app.property.reading.model.label_words import names as names_field
from app.property.reading.other_subjects import names_other
from app.property.reading.sentences import BUILT, NO_SOLAR
from app.property.record import FIELDS
from app.property.values import counts, names, prices, texts, vocabulary
from app.property.values.currency import find_currency
from app.property.values.places import us_state
from app.property.values.texts import words_of
from app.property.values.vocabulary import yes_no


def check_value(claim: Claim) -> CheckedValue | None:
    """Return the claim's value as stored; None if the value is impossible or the quote does not state it."""
    spec = FIELDS[claim.field]
    check = _CHECKS.get(spec.parser or "") or _CHECKS.get(spec.kind) or _BY_TYPE.get(spec.type)
    return check(claim) if check else None


def _agent(claim: Claim) -> CheckedValue | None:
    """Accept the name of an agent, not of an agency. If the line has only an agency's label, require a full name."""
    found = _text(claim)
    if found is None or names.is_agency(str(found.value)) or _BRANCH.search(str(found.value)):
        return None
    return found if _is_labeled(claim) is not False or names.is_full_name(str(found.value)) else None


def _office(claim: Claim) -> CheckedValue | None:
    """The name of a person is accepted only if the line has an agency's label and names no agency beside the person."""
    found, is_labeled = _text(claim), _is_labeled(claim)
    if found is None or names.is_agency(str(found.value)):
        return found
    is_person = names.is_full_name(texts.capitalized(str(found.value))) and not _BRANCH.search(str(found.value))
    if is_person and names.has_agency_beside(str(found.value), claim.line):
        return None
    return found if is_labeled or not is_person else None


#: Matches an agency's name with the street or town of a branch: `Fenwick Lisle, Marsh Road`.
_BRANCH = re.compile(r"\w\s\w.*,\s[A-Z][a-z]{3}")


def _is_labeled(claim: Claim) -> bool | None:
    """Return None if the line has no label of an agent or agency."""
    named = {one.field for one in labels_in(claim.line, claim.lang)} & {"ListAgentFullName", "ListOfficeName"}
    return claim.field in named if named else None


def _contains(quote: str, words: str) -> bool:
    """Return whether `quote` has `words` in a row, ignoring case and punctuation. Japanese and Chinese words may be
    inside longer words, because these scripts have no blanks.
    """
    text, wanted = words_of(quote), words_of(words)
    return bool(wanted) and (wanted in text if _UNPARTED.search(wanted) else f" {wanted} " in f" {text} ")


#: Matches scripts without blanks between words: kana and Chinese characters.
_UNPARTED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


def _text(claim: Claim) -> CheckedValue | None:
    value = " ".join(str(claim.value).split()).strip(" ,;")
    return CheckedValue(value) if 0 < len(value) <= 200 and _contains(claim.quote, value) else None


#: State codes that are ordinary words if a lower-case word follows: `Sale OR rent`.
_WORDS_TOO = frozenset({"HI", "IN", "ME", "OH", "OK", "OR"})


def _state(claim: Claim) -> CheckedValue | None:
    """A US state may be given by name or code, and is stored as its code."""
    value = " ".join(str(claim.value).split())
    code = us_state(value) if claim.country in (None, "US") else None
    written = rf"\b{code}\b(?!\s[a-z])" if code in _WORDS_TOO else rf"\b{code}\b"
    if code and (re.search(written, claim.quote) or any(us_state(w) == code for w in _grams(claim.quote) if w != code)):
        return CheckedValue(code)
    return None if code in _WORDS_TOO and value == code else _text(claim)


def _grams(text: str) -> list[str]:
    words = re.findall(r"[A-Za-z.]+", text)
    return [" ".join(words[i : i + n]) for n in (1, 2, 3) for i in range(len(words) - n + 1)]


def _texts(claim: Claim) -> CheckedValue | None:
    items = [v.strip() for v in claim.value if v.strip() and len(v) <= 80 and _contains(claim.quote, v)]
    items = [item for item in items if not _is_denied_before(claim, item)]
    return CheckedValue(list(dict.fromkeys(items))) if items else None


def _is_denied_before(claim: Claim, words: str) -> bool:
    """Return whether a denial precedes `words` in their clause of the line, as in `No central air`."""
    at = claim.line.casefold().find(words.casefold())
    return at > 0 and _denials(claim.lang).search(_PARTS.split(claim.line[:at])[-1]) is not None


#: Matches the punctuation between the characters of an identifier. Slashes with blanks between them mean empty parts,
#: as in `61/ / 0118` (map, block, and lot).
_GAP = r"(?:\W{0,3}| ?(?:/ ?){2,4})"


def _number_word(claim: Claim) -> CheckedValue | None:
    """Check an identifier, parcel number, or postal code. The quote must contain the claimed letters and digits in a
    row. The value is stored as the quote writes it.
    """
    bare = re.sub(r"\W", "", str(claim.value)).casefold()
    pattern = _GAP.join(map(re.escape, bare))
    match = re.search(rf"(?<!\w){pattern}(?!\w)", claim.quote, re.IGNORECASE) if 3 <= len(bare) <= 40 else None
    return CheckedValue(" ".join(match.group().split())) if match else None


_CLAUSE_ENDS = re.compile(r"[|•·;,.\n]")


def _is_cut_from_denial(claim: Claim) -> bool:
    """Return whether the words before the quote deny it, as in `Not for sale` for the quote `for sale`."""
    before, quote, _ = claim.line.partition(claim.quote)
    return vocabulary.standard_status(_CLAUSE_ENDS.split(before)[-1] + quote) == vocabulary.OFF_MARKET


def _status(claim: Claim) -> CheckedValue | None:
    if _is_cut_from_denial(claim):
        return None
    # in `Status: Sold` the status is behind the label
    stated = vocabulary.standard_status(claim.quote.rpartition(":")[2]) or vocabulary.standard_status(claim.quote)
    is_offer = vocabulary.offer(claim.quote) is not None or prices.find_period(claim.quote) is not None
    offered = stated is None and claim.value == "Active" and is_offer
    good = stated == claim.value or offered or (stated is None and _contains(claim.quote, str(claim.value)))
    return CheckedValue(claim.value) if good and not names_other(claim.field, claim.quote) else None


def _property_type(claim: Claim) -> CheckedValue | None:
    value, kinds, offer = claim.value, _kinds(claim), vocabulary.offer(claim.quote)
    if _contains(claim.quote, str(value)) or any(kind.type == value for kind in kinds):
        return CheckedValue(value)
    homely = any(kind.type is None for kind in kinds)
    if value == "Residential Lease":
        return CheckedValue(value) if offer == "rent" or prices.find_period(claim.quote) else None
    return CheckedValue(value) if value == "Residential" and homely and offer != "rent" else None


def _subtype(claim: Claim) -> CheckedValue | None:
    good = _contains(claim.quote, str(claim.value)) or any(kind.subtype == claim.value for kind in _kinds(claim))
    return CheckedValue(claim.value) if good else None


def _kinds(claim: Claim) -> list[vocabulary.Kind]:
    lines = (vocabulary.property_kind(line, claim.country) for line in claim.quote.split("\n"))
    return [kind for kind in lines if kind is not None]


def _currency(claim: Claim) -> CheckedValue | None:
    found = find_currency(claim.quote, claim.country)
    return CheckedValue(found) if found is not None and found == str(claim.value).strip().upper() else None


#: Matches texts that mean "no association": `n/a`, an amount of zero, or the single letter `N`.
_NOTHING = re.compile(r"\bn/a\b|\bN\b|\$0(?:\.00)?\b", re.IGNORECASE)


#: `_LONGEST_ANSWER` is the maximum number of words in a cell that answers the label in the cell before it.
#: `_NO_ANSWER` matches what follows a label in its cell if it is not an answer, such as ` / POA` in `HOA / POA`.
_LONGEST_ANSWER, _NO_ANSWER = 2, re.compile(r"\W*(?:/\s?\w+)?\W*")
_PARTS = re.compile(r"[.;!?,]\s|[|•·\n]|:\s(?=\w+\s\w)")


@cache
def _denials(lang: str | None) -> re.Pattern[str]:
    among = (None,) if lang is None else (lang, "en")
    return re.compile("|".join(alternatives("answers", "denials", one) for one in among), re.IGNORECASE)


def _is_denied(claim: Claim) -> bool:
    """Return whether the quote denies the field in the clause or cell that names it."""
    parts = _PARTS.split(claim.quote)
    at = next((at for at, part in enumerate(parts) if _names(claim, part)), None)
    part = claim.quote if at is None else parts[at]
    marks = _PARTS.findall(claim.quote)
    behind = parts[at + 1] if at is not None and at < len(marks) and not marks[at].startswith(",") else ""
    if 0 < len(behind.split()) <= _LONGEST_ANSWER and _is_label_alone(claim, part):
        part = f"{part}: {behind}"  # the answer is in the next cell
    is_no = yes_no(part.rpartition(":")[2]) is False
    return is_no or _denials(claim.lang).search(part) is not None or _NOTHING.search(part) is not None


def _is_label_alone(claim: Claim, part: str) -> bool:
    named = [one for one in labels_in(part, claim.lang) if one.serves(claim.field)]
    return bool(named) and _NO_ANSWER.fullmatch(part, named[-1].end) is not None


def _yes_or_no(claim: Claim) -> CheckedValue | None:
    """Check that the quote names the field, and that it denies the field exactly if the claim is false. A shared pool
    does not count.
    """
    is_others = claim.value and names_other(claim.field, claim.quote)
    is_stated = _names(claim, claim.quote) and not is_others
    return CheckedValue(claim.value) if is_stated and _is_denied(claim) is not claim.value else None


def _names(claim: Claim, text: str) -> bool:
    return names_field(claim.field, text, claim.lang)


def _roof_year(claim: Claim) -> CheckedValue | None:
    """The year of the roof must not be the year in which the house was built."""
    about = claim.quote if _names(claim, claim.quote) else claim.line
    built = BUILT.search(about)
    is_of_house = built is not None and built["year"] == str(claim.value)
    return number_check.number(claim) if _names(claim, about) and not is_of_house else None


def _parking(claim: Claim) -> CheckedValue | None:
    if not any(_names(claim, text) for text in (claim.quote, claim.line)):
        return None
    return CheckedValue(claim.value) if counts.of_kinds(claim.quote) == claim.value else number_check.number(claim)


def _county(claim: Claim) -> CheckedValue | None:
    """Check a county, and return it without the word `County`. The line must name the field, because towns may have the
    same name.
    """
    found = _text(claim)
    if found is None or not _names(claim, claim.line):
        return None
    name = re.sub(r"(?:^county of\s+|\s+(?:county|parish|borough)$)", "", str(found.value), flags=re.IGNORECASE)
    return CheckedValue(name)


def _power(claim: Claim) -> CheckedValue | None:
    """Solar power is stored as `Solar`, whichever words the quote uses."""
    is_stated = _texts(claim) is not None and _names(claim, claim.quote)
    return CheckedValue(["Solar"]) if is_stated and not NO_SOLAR.search(claim.quote) else None


def _access(claim: Claim) -> CheckedValue | None:
    denied = (
        _is_denied(claim)
        or _is_denied_before(claim, claim.quote)
        or re.search(r"\b(?:non|un)-?gated", claim.quote, re.IGNORECASE)
    )
    return _text(claim) if _names(claim, claim.quote) and not denied else None


Check = Callable[[Claim], CheckedValue | None]


def _features(claim: Claim) -> CheckedValue | None:
    """Accept features without their years, and no sentences: `Metal (2015)` is stored as `Metal`."""
    found = _texts(claim)
    items = [plain_feature(claim.field, item) for item in found.value] if found is not None else []
    kept = [item for item in items if item]
    return CheckedValue(list(dict.fromkeys(kept))) if kept else None


_BY_TYPE: Mapping[str, Check] = {
    **{"text": _text, "texts": _texts, "date": number_check.date},
    **dict.fromkeys(("integer", "number"), number_check.number),
}
#: Maps a field's parser, or else its kind, to a check. Other fields are checked by their type.
_CHECKS: Mapping[str, Check] = {
    **{"money": number_check.money, "asked": number_check.list_price, "fee": number_check.money},
    "area": number_check.area,
    **{"bathrooms": number_check.bathrooms, "parking": _parking, "roof_year": _roof_year, "currency": _currency},
    **dict.fromkeys(("identifier", "parcel", "postal_code"), _number_word),
    **{"region": _state, "county": _county, "agent": _agent, "office": _office},
    **{"standard_status": _status, "offer": _property_type, "home": _subtype},
    "features": _features,
    **{"association": _yes_or_no, "pool": _yes_or_no, "power": _power, "gate": _access},
}
