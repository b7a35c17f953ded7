"""Find the signatures of visitors' texts: a person and a date, as in `John D. — March 3, 2024`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lxml import etree

from app.property.people.given_names import GIVEN_NAMES
from app.property.reading.terms import meaning
from app.property.reading.visitor_words import SIGNED
from app.property.values import dates, names, texts

_UNSHOWN = frozenset({"script", "style", "noscript", "template", "select", "svg", "iframe"})
_LONGEST, _LONGEST_DATE, _MOST_EVENTS = 90, 40, 60_000
_BETWEEN = r"\s*(?:[-–—|·•,:(]+|\bon\b|\bam\b|\ble\b)\s*"
_PARTS = re.compile(rf"^(?P<one>.{{2,45}}?){_BETWEEN}(?P<other>.{{4,40}}?)\)?$")
#: Matches a part of every date with a day or month.
_MAY_DATE = re.compile(r"(?:19|20)\d\d|\d[./-]\d{1,2}[./-]\d\d")
_DATE = re.compile(
    r"(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-\d{2}-\d{2}|(?:\w{2,10}\.?,?\s)?\d{1,2}\.?\s(?:de\s)?[^\W\d_]{3,12}\.?,?\s(?:de\s)?"
    r"\d{4}|[^\W\d_]{3,12}\.?\s(?:\d{1,2}(?:st|nd|rd|th)?,?\s)?\d{4})(?:T?,?\s?(?:\w{1,3}\s)?\d{1,2}:\d\d.{0,12})?"
)
_INITIALS = re.compile(r"[^\W\d_]\S+\s[^\W\d_]\.?|(?:[^\W\d_]\.\s?){1,2}[^\W\d_]\S+")
_HANDLE = re.compile(r"@\w{3,30}|(?=[a-z_.]*[a-z]{3})[a-z][a-z_.]*[\d_]\w{0,12}", re.ASCII)
_LEAD = re.compile(r"^(?:\w+\s)?(?:by|von|par|por|da|door)\s+", re.IGNORECASE)
_MARKS = " \t\n,;:()|·•–—-★☆⭐*"


@dataclass(frozen=True, slots=True)
class Signature:
    """The element with the author, the author's name, and the whole text of the signature."""

    element: Any
    author: str
    text: str


def signatures(root: Any) -> Iterator[Signature]:
    """Yield the signatures below `root` in page order, each in one text or in two texts in a row."""
    before: tuple[str, Any, bool] | None = None
    for text, element in _texts(root):
        bare = text.strip(_MARKS)
        if not bare:
            continue
        if len(bare) > _LONGEST:
            before = None
            continue
        signs = _may_sign(bare)
        if signs and (author := _signed(bare)):
            yield Signature(element, author, text)
            before = None
        elif before is not None and (signs or before[2]) and (author := _author(before[0], bare)):
            yield Signature(before[1], author, f"{before[0]} {text}")
            before = None
        elif before is None or not signs or SIGNED.fullmatch(bare) is None or _is_date(bare):
            before = (bare, element, signs)  # a remark such as `Verified buyer` may stand between author and date


def _may_sign(text: str) -> bool:
    return _MAY_DATE.search(text) is not None or SIGNED.search(text) is not None


def _signed(text: str) -> str:
    parts = _PARTS.match(text)
    return (_author(parts["one"], parts["other"]) if parts else "") or _speaker(text)


def _texts(root: Any) -> Iterator[tuple[str, Any]]:
    """Yield each shown text with the element around it; for a `<time>`, the date of its `datetime`."""
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in islice(walk, _MOST_EVENTS):
        is_shown = isinstance(element.tag, str) and element.tag not in _UNSHOWN
        if event == "start" and not is_shown:
            walk.skip_subtree()
        text = element.tail if event == "end" and element is not root else element.text if is_shown else None
        if text and (event == "start" or element is not root) and not text.isspace():
            around = element if event == "start" else element.getparent()
            stamp = around.get("datetime", "")[:10] if around.tag == "time" else ""
            yield stamp if _DATE.fullmatch(stamp) else " ".join(text.split()), around


def _author(one: str, other: str) -> str:
    """Return the author if one of the texts is a person and the other a date, in any order; else an empty text."""
    for name, date in ((one, other), (other, one)):
        if _is_date(date) and _is_person(_LEAD.sub("", name)):
            return _LEAD.sub("", name)
    return ""


def _speaker(text: str) -> str:
    """Return the author of `Mary K. says:` or `Bob wrote on March 3`; else an empty text."""
    said = SIGNED.search(text)
    author = text[: said.start()].strip(_MARKS) if said else ""
    is_name = len(author.split()) <= 3 and author[:1].isupper() and texts.is_person(author)
    return (
        author if said and is_name and len(text) - said.end() <= _LONGEST_DATE and meaning(author, None) is None else ""
    )


def _is_date(text: str) -> bool:
    if len(text) > _LONGEST_DATE:
        return False
    if any(c.isdigit() for c in text) and _DATE.fullmatch(text) and (date := dates.parse_date(text)):
        return len(date) > len("2024")
    return SIGNED.fullmatch(text) is not None and any(c.isdigit() or c.isspace() for c in text)


def _is_person(text: str) -> bool:
    if not 2 <= len(text) <= 45 or meaning(text, None) is not None:
        return False
    if _INITIALS.fullmatch(text) or _HANDLE.fullmatch(text):
        return True
    return text.split(maxsplit=1)[0].casefold() in GIVEN_NAMES and (" " not in text or names.is_full_name(text))
