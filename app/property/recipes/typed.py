"""Parse the text of a spot as a value of a field."""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from app.property.fields.table import FIELDS, PARTS, of_kind
from app.property.reading.base import Candidate, Reading
from app.property.reading.model.label_words import labels_in
from app.property.reading.other_subjects import is_of_other
from app.property.reading.ranking import same
from app.property.reading.readings import candidates_of
from app.property.recipes.recipe import Anchor
from app.property.recipes.spots import IN_CLAUSE, Spot, Spots
from app.property.record import Method
from app.property.values import areas
from app.property.values.texts import letters_of

STRENGTH = 0.95
READER = "recipe"
_WITH_PARTS = {name: frozenset({name, *PARTS.get(name, ())}) for name in FIELDS}
#: Maximum length, in characters, of a text that may paraphrase a value, and the largest number that a text may spell
#: out.
_MOST_WORDS, _MOST_IN_WORDS = 60, 20
#: Maximum number of spaces in a numeric text in a clause, by kind of field. The default is two.
_MOST_PARTS = {"count": 0, "year": 0}
#: Kinds of fields whose text may be ambiguous. A text of such a field that a reader read without a unit is parsed
#: again.
_DOUBTED = frozenset({"area", "choice"})
_MOST_TEXTS = 4
_NUMERIC = frozenset({"area", "count", "money", "year"})
_NUMBER = re.compile(r"(?<!\w)\d+(?:[.,'’\u00a0\u202f ]\d{3})*(?:[.,]\d+)?")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[.,'’\s\u00a0\u202f]+(?=\d)")


def parsers(field: str) -> tuple[str, ...]:
    """Return the allowed values of `Anchor.reads` for `field`. "" means that the text is parsed as `field` itself."""
    return ("", "_Address") if FIELDS[field].group == "address" else ("",)


def values_at(spot: Spot, field: str, anchor: Anchor, spots: Spots) -> list[Candidate]:
    """Return the values of `field` and its dependent fields at `spot`, or an empty list if it does not state `field`.

    A text with several numbers, or about another subject, gives no numeric field. In a clause, a numeric text must be
    short, and other text (except of a choice) must not begin with a lowercase letter.
    """
    kind, text = FIELDS[field].kind, spot.raw if isinstance(spot.raw, str) else ""
    if kind in _NUMERIC and (len(_NUMBER.findall(text)) > 1 or _is_of_other(field, text, spots.page.locale.lang)):
        return []
    if anchor.relation in IN_CLAUSE and (
        text.count(" ") > _MOST_PARTS.get(kind, 2) if kind in _NUMERIC else text[:1].islower() and kind != "choice"
    ):
        return []
    found = _parsed(spot, field, anchor.reads or field, spot.raw, spots)
    own = says(found, field)
    if own is not None and own.unit is None and anchor.unit and isinstance(spot.raw, str | int | float):
        united = _parsed(spot, field, anchor.reads or field, f"{spot.raw} {anchor.unit}", spots)
        found = [replace(one, raw=str(spot.raw)) for one in united]  # `raw` is the page's text, without `unit`
        own = says(found, field)
    return found if own is not None else []


def _is_of_other(field: str, text: str, lang: str | None) -> bool:
    """Return whether the words around the number belong to another field or subject, as in `Est. payment $2,450`."""
    number = _NUMBER.search(text)
    if number is None or number.span() == (0, len(text)):
        return False
    named = [one for one in labels_in(text, lang) if not areas.is_unit(text[one.start : one.end])]
    alike = {"_Ignore", *of_kind(FIELDS[field].kind)}
    is_other = any(one.field in alike for one in named) and not any(one.serves(field) for one in named)
    return is_other or is_of_other(field, text[: number.start()], text[number.end() :])


def one_value(anchor: Anchor, field: str, spots: Spots, known: Collection[str] = ()) -> tuple[list[Candidate], bool]:
    """Return the values of `field` and its dependent fields that `anchor` leads to, and whether all its spots agree.

    Texts in `known` are skipped, because another anchor already led to them.
    """
    if anchor.kind == "reader":
        read = (one for one in spots.readings.get((field, anchor), ()) if one.raw not in known)
        found = [[replace(one, method=Method.RECIPE, reader=READER)] for one in read]
    else:
        texts = {str(spot.raw): spot for spot in spots.at(anchor)}
        if len(texts) > _MOST_TEXTS:
            return [], False
        new = (spot for raw, spot in texts.items() if raw not in known)
        found = [values for spot in new if (values := values_at(spot, field, anchor, spots))]
    firsts = [own for values in found if (own := says(values, field)) is not None]
    if not firsts:
        return [], True
    return found[0], all(same(firsts[0], other) for other in firsts[1:])


def is_value(candidate: Candidate, value: Any, unit: str | None) -> bool:
    """Return whether `candidate` states `value`, ignoring case and punctuation. Areas are compared across units."""
    if unit is not None and candidate.unit is None:
        return False
    if isinstance(value, int | float) and candidate.unit == unit:
        return bool(candidate.value == value)
    if isinstance(value, str):
        return letters_of(str(candidate.value)) == letters_of(value)
    return same(candidate, Candidate(candidate.field, value, "", Method.RECIPE, "", "", STRENGTH, unit))


def may_be(value: Any, *, literally: bool = False) -> Callable[[str], bool]:
    """Return a fast filter for texts that may state `value`: False means that parsing the text cannot give the value.

    If `literally` is true, the text must contain the number or a word of the value.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        words = re.findall(r"\w{3,}", str(value).casefold())
        most = 0 if literally else _MOST_WORDS
        return lambda text: len(text) <= most or any(word in text.casefold() for word in words)
    digits = re.sub(r"\D", "", f"{value:.10g}").rstrip("0")
    number = re.compile(rf"(?<!\d)0*{digits}0*(?!\d)")
    in_words = value <= _MOST_IN_WORDS and not literally
    return lambda text: (
        number.search(_BETWEEN_DIGITS.sub("", text)) is not None or (in_words and re.search(r"\d", text) is None)
    )


def says(candidates: Sequence[Candidate], field: str) -> Candidate | None:
    return next((one for one in candidates if one.field == field), None)


def _parsed(spot: Spot, field: str, term: str, raw: Any, spots: Spots) -> list[Candidate]:
    """Return the values of `field` and its dependent fields in `raw`, parsed as `term` (a field or composite).

    Unambiguous values that a reader found in the same text are reused.
    """
    asked = (term, spot.locator, f"{raw}")
    if asked not in spots.parsed:
        found: Iterable[Candidate] = spots.read.get(asked, ())
        own: dict[str, Any] = {"method": Method.RECIPE, "quote": spot.quote, "confidence": STRENGTH, "reader": READER}
        if not found or any(one.unit is None and FIELDS[one.field].kind in _DOUBTED for one in found):
            reading = Reading(term, raw, Method.RECIPE, spot.locator, spot.quote, STRENGTH, spot.label)
            found, own = candidates_of(reading, spots.page.locale), {"reader": READER}
        spots.parsed[asked] = [replace(one, **own) for one in found]
    return [one for one in spots.parsed[asked] if one.field in _WITH_PARTS[field]]
