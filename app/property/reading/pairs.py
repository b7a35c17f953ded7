"""Split one text into label/value pairs: several in a row, pairs with leader dots, and labels with several names."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from app.property.fields.table import of_kind
from app.property.reading.document import Document
from app.property.reading.terms import Meaning, label_meaning
from app.property.values.currency import AMOUNT

_PAIR = re.compile(r"^([^:：]{2,45})[:：]\s*(\S.*)$", re.DOTALL)
_SEVERAL = re.compile(
    r"(?:^|[,;|•·—]\s*|\s{2,})([A-Z][\w/#&'. -]{1,32}?):\s+([^:;|•·—]{1,80}?)(?=\s*(?:[,;|•·—]|"
    r"\s{2,})\s*[A-Z][\w/#&'. -]{1,32}?:\s|\s*[;|•·—]|\s*$)"
)
_LEADER = re.compile(r"\s*\.{3,}\s*|\s*…+\s*")
#: Matches a label and its value with a dash between them, such as `Living Area – 1,872 SF`.
_DASHED = re.compile(r"^([A-Z#][^–—|•$]{1,34}?)\s+[–—-]\s+([^\s–—][^–—]{0,80})$")
_COLON = re.compile(r"(?<!\d):(?=\s|\$|\d)")
_SENTENCE_END = re.compile(r"(?<=[a-z0-9)%])\.\s+(?=[A-Z])")
_LINE_PAIR = re.compile(
    r"(?:^|\s{2,})([A-Z][\w/&#'.-]*(?: [\w/&#'.-]+){0,5}?)\s?(?:\.+(?=\s)|\.*:)\s*(\S.*?)"
    r"(?=\s{2,}[A-Z][\w/&#'. -]+(?:\.+\s|:|\s)|\s*$)"
)
_AMOUNT_FIELDS = frozenset(of_kind("money"))
_COUNT = re.compile(r"([A-Z][A-Za-z ]{1,20}?):? (\d+(?:\.\d+)?|[\d½]+)(?=\s|,|$)")
_COUNT_RUN = re.compile(rf"^(?:{_COUNT.pattern}[\s,|•·]*)+$")
_COUNTED = frozenset(of_kind("count"))
_MOST_VALUE_CHARS = 160


class Pair(NamedTuple):
    """A known label with its value."""

    found: Meaning
    label: str
    value: str
    alone: bool  #: whether this is the only pair in its text


def in_text(text: str, page: Document) -> list[Pair]:
    """Return the pairs of a known label and its value in `text`, in order."""
    text = _LEADER.sub(": ", text)
    if counts := _counts(text, page):
        return counts
    if ":" not in text and (dashed := _DASHED.match(text)):
        known = page.meaning(dashed[1])
        plain = known is not None and page.meaning(dashed[2]) is None
        return [Pair(known, dashed[1], dashed[2], alone=True)] if known is not None and plain else []
    pair = _PAIR.match(text)
    several = _SEVERAL.findall(text)
    known = page.meaning(pair[1]) if pair else None
    if len(several) < 2 and len(_COLON.findall(text)) >= 2:
        return []  # it is unclear where each pair ends
    if pair and known is not None and len(several) < 2:
        value = _SENTENCE_END.split(pair[2])[0] if known.field in _AMOUNT_FIELDS else pair[2]
        return [Pair(known, pair[1], value, alone=True)] if len(value) <= _MOST_VALUE_CHARS else []
    found = ((page.meaning(label), label, value) for label, value in several)
    return [Pair(known, label, value, alone=False) for known, label, value in found if known is not None]


def _counts(text: str, page: Document) -> list[Pair]:
    """Return the pairs of a text that consists only of labels, each followed by its number: `Rooms 8 Beds 3`."""
    if len(text) > 80 or not _COUNT_RUN.match(text):
        return []
    found = [(page.meaning(label), label, value) for label, value in _COUNT.findall(text)]
    if not all(known is not None and known.field in _COUNTED for known, _, _ in found):
        return []
    return [Pair(known, label, value, alone=False) for known, label, value in found if known is not None]


def in_lines(text: str, page: Document) -> Iterator[Pair]:
    """Yield the pairs of a known label and its value in preformatted text, where spaces separate columns."""
    for line in text.splitlines()[:400]:
        for label, value in _LINE_PAIR.findall(line[:300]):
            found = page.meaning(label)
            if found is not None:
                yield Pair(found, label, value.strip(), alone=False)


def names_several(label: str, page: Document) -> bool:
    """Return whether a label consists of two to four names separated by slashes, at least one of them known."""
    names = [n.strip() for n in label.split("/")]
    return not AMOUNT.match(label) and 2 <= len(names) <= 4 and any(page.meaning(n) is not None for n in names)


def composite(label: str, value: str, page: Document) -> list[Pair]:
    """Return the pairs of a label with several names, such as `Yr Built / Eff` with the value `1988 / 1992`.

    A single value belongs to the last name if that name is known, as in `Bldg/Liv Area`. In other cases, return [] if
    the numbers of names and values differ.
    """
    names = [n.strip() for n in re.split(r"/", label.rstrip(":")) if n.strip()]
    if not 2 <= len(names) <= 4:
        return []
    known = [page.meaning(n) or label_meaning(n, page.locale.lang, sheet=True) for n in names]
    values = [v.strip() for v in re.split(r"\s/\s|/(?=\D)|(?<=\D)/", value)]
    if len(values) != len(names):
        values = [v.strip() for v in value.split("/")]
    if len(values) == len(names):
        first = known[0].field if known[0] else ""
        meant = (
            Meaning("TaxYear") if n.casefold() in ("year", "yr") and first.startswith("Tax") else k
            for n, k in zip(names, known, strict=True)
        )
        pairs = [
            Pair(k, n, v, alone=False) for k, n, v in zip(meant, names, values, strict=True) if k is not None and v
        ]
        if any(pair.found.field == "BathroomsHalf" for pair in pairs):  # beside half baths, `Baths` means full baths
            full = Meaning("BathroomsFull")
            pairs = [p._replace(found=full) if p.found.field == "BathroomsTotalInteger" else p for p in pairs]
        return pairs
    is_rate = known[0] is not None and known[0].field in _AMOUNT_FIELDS  # a label such as `Price/sqft` names a rate
    if len(values) == 1 and known[-1] is not None and not is_rate:
        return [Pair(known[-1], names[-1], value, alone=True)]
    return []
