"""The contractor's brief: facts about a house for a roofing or home-services team. Doubtful facts are marked."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from app.plurals import counted
from app.printable import printable
from app.property.address import Address
from app.property.fields.table import FIELDS
from app.property.merging.derived import MAP_LINK
from app.property.merging.doubt import MIN_CONFIDENCE, Doubt, doubt_about, without_improbable
from app.property.presenting.missing import NOT_ASKED, why_missing
from app.property.presenting.sources import KINDS, configured_name, source_name
from app.property.presenting.words import UNKNOWN, day, in_words

WIDTH = 80
_LABEL = 18
_MOST_OTHERS = 3


@dataclass(frozen=True, slots=True)
class Part:
    """A field shown in a line of the brief. `name` distinguishes the field from the line's other fields; `words` is
    passed to `in_words`.
    """

    field: str
    name: str
    words: str

    def field_in(self, record: Mapping[str, Any]) -> str:
        """Return the field that the line shows: the part's field, or if `record` lacks it, the field instead of it."""
        instead = FIELDS[self.field].instead
        return instead if instead and instead in record and self.field not in record else self.field

    def of(self, value: Any, record: Mapping[str, Any], unit: str | None) -> str:
        return in_words(self.field, value, record, unit, words=self.words)


@dataclass(frozen=True, slots=True)
class Line:
    """`inputs` are the fields from which the line's derived values are computed."""

    label: str
    parts: tuple[Part, ...]
    inputs: tuple[str, ...] = ()

    def join(self, texts: Sequence[str | None], reasons: Sequence[str]) -> str:
        """Return the line's text. `texts` has one text per part, or None for an unknown part.

        `reasons` say for each part why it would be unknown.
        """
        kinds = [FIELDS[part.field].kind for part in self.parts]
        if not any(texts):
            return NOT_ASKED if NOT_ASKED in reasons else reasons[0]
        if len(texts) == 1:
            return str(texts[0])
        if set(kinds) == {"money"}:  # two amounts are a range
            known = dict.fromkeys(text for text in texts if text)
            return " to ".join(known)
        if kinds[0] == "answer":  # a known fee implies that the answer is yes
            has_one, fee = texts
            return f"yes, fee {fee}" if fee and has_one != "no" else has_one or reasons[0]
        parts = zip(self.parts, texts, reasons, strict=True)
        return ", ".join(text or f"{part.name} {reason}" for part, text, reason in parts)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of one property's brief: its text, and `marks`, which describe doubts about it.

    If not `is_known`, the text says why.
    """

    line: Line
    text: str
    marks: tuple[str, ...]
    is_known: bool


def _lines() -> Iterator[Line]:
    placed = [(spec.brief, name, spec) for name, spec in FIELDS.items() if spec.brief is not None]
    placed.sort(key=lambda one: one[0]["place"])
    for label, group in groupby(placed, key=lambda one: str(one[0]["line"])):
        row = list(group)
        parts = tuple(Part(name, at.get("name", ""), at.get("words", "")) for at, name, _ in row)
        yield Line(label, parts, tuple(dict.fromkeys(name for *_, spec in row for name in spec.derived_from)))


LINES: tuple[Line, ...] = tuple(_lines())


def brief_entries(
    shown: Mapping[str, Any], now: datetime, fresh_days: float, min_confidence: float = MIN_CONFIDENCE
) -> list[Entry]:
    """Return the brief's lines for a property in the shape of `PropertyStore.get`.

    A mark gives the values of other sources, or says that the value is uncertain or older than `fresh_days`. A value
    whose confidence is below `min_confidence` counts as unknown.
    """
    shown = without_improbable(shown, min_confidence)
    return [_entry(line, shown, tuple(_marks(line, shown, now, fresh_days))) for line in LINES]


def brief(
    shown: Mapping[str, Any],
    now: datetime,
    fresh_days: float,
    width: int = WIDTH,
    min_confidence: float = MIN_CONFIDENCE,
) -> str:
    """Return the brief as text. Lines without URLs have at most `width` columns."""
    shown = without_improbable(shown, min_confidence)
    lines = [*_wrapped(Address.of(shown["record"]).line or f"Address {UNKNOWN}", width), ""]
    for entry in brief_entries(shown, now, fresh_days, min_confidence):
        lines += _labeled(entry.line.label, entry.text, width)
        for mark in entry.marks:
            lines += _labeled("", f"[{mark}]", width)
    lines += _unverified(shown, width)
    lines += ["", "Sources"]
    for place, source in enumerate(shown["sources"], start=1):
        moments = (source["fetched_at"], source["checked_at"])
        at = max(datetime.fromisoformat(moment) for moment in moments if moment)
        name = configured_name(shown, source["url"]) or KINDS.get(source.get("source_kind") or "", "page")
        lines += _wrapped(f"{place:2}. {name}, read {day(at)}", width, "    ")
        lines.append(f"    {printable(source['url'])}")
    lines += ["", "Google Earth", f"    {printable(shown['record'].get(MAP_LINK) or UNKNOWN)}"]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _entry(line: Line, shown: Mapping[str, Any], marks: tuple[str, ...]) -> Entry:
    record, evidence = shown["record"], shown["evidence"]
    names = [part.field_in(record) for part in line.parts]
    texts = [
        part.of(record[name], record, evidence[name].get("unit")) if name in record else None
        for part, name in zip(line.parts, names, strict=True)
    ]
    reasons = [why_missing(shown, name) for name in names]
    text = line.join(texts, reasons)
    return Entry(line, text, marks, is_known=text not in reasons)


def _marks(line: Line, shown: Mapping[str, Any], now: datetime, fresh_days: float) -> Iterator[str]:
    record = shown["record"]
    if any(part.field in record for part in line.parts) and any(
        name in record and doubt_about(shown, name, now, fresh_days) for name in line.inputs
    ):
        yield "in doubt: computed from doubtful values above"
        return
    found: dict[str, list[str]] = {}
    for part in line.parts:
        name = part.field_in(record)
        doubt = doubt_about(shown, name, now, fresh_days) if name in record else None
        if doubt is not None:
            found.setdefault("; ".join(_reasons(part, doubt, shown, now)), []).append(part.name)
    below = shown.get("below_confidence", ())
    for part in (part for part in line.parts if part.field in below):
        percent = 100 * shown["evidence"][part.field]["confidence"]
        found.setdefault(f"too unsure to show: {percent:.0f} %", []).append(part.name)
    for text, names in found.items():  # a doubt that all parts share is printed without their names
        name = f"{', '.join(names)}: " if any(names) and len(names) < len(line.parts) else ""
        yield f"{name}{text}"


def _reasons(part: Part, doubt: Doubt, shown: Mapping[str, Any], now: datetime) -> Iterator[str]:
    if doubt.others:
        others = dict.fromkeys(
            f"{source_name(shown, other.proof['source_url'])} says "
            + part.of(other.proof["value"], shown["record"], other.proof.get("unit"))
            for other in doubt.others
        )
        rest = f", and {len(others) - _MOST_OTHERS} more" if len(others) > _MOST_OTHERS else ""
        yield f"in doubt: {', '.join(list(others)[:_MOST_OTHERS])}{rest}"
    if doubt.confidence is not None:
        yield f"unsure: {100 * doubt.confidence:.0f} %"
    if doubt.read_at is not None:
        yield f"old: read {day(doubt.read_at)}, {counted((now - doubt.read_at).days, 'day')} ago"


def _unverified(shown: Mapping[str, Any], width: int) -> Iterator[str]:
    """Yield unverified claims of search answers about the brief's fields."""
    parts = {part.field: (line.label, part) for line in LINES for part in line.parts}
    claims = [one for one in shown.get("unverified") or () if one["field"] in parts]
    if not claims:
        return
    yield ""
    yield from _wrapped("Not verified: a search answer says so, and its page could not be read", width)
    for one in claims:
        label, part = parts[one["field"]]
        name = f"{label}, {part.name}" if part.name else label
        yield from _wrapped(f"  {name}: {part.of(one['value'], shown['record'], None)}", width, "    ")
        yield f"    {printable(one['url'])}"


def _labeled(label: str, text: str, width: int) -> list[str]:
    return _wrapped(f"{label:{_LABEL}}{text}", width, " " * _LABEL)


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(printable(text), width, subsequent_indent=indent, drop_whitespace=True) or [""]
