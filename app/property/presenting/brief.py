"""The contractor's brief: facts about a house for a roofing or home-services team. Doubtful facts are marked."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from app.printable import printable
from app.property.address import Address
from app.property.fields.table import FIELDS
from app.property.merging.derived import MAP_LINK
from app.property.merging.doubt import Doubt, doubt_about
from app.property.presenting.sources import KINDS, source_name
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

    def join(self, texts: Sequence[str | None]) -> str:
        """Return the line's text. `texts` has one text per part, or None for an unknown part."""
        kinds = [FIELDS[part.field].kind for part in self.parts]
        if not any(texts):
            return UNKNOWN
        if len(texts) == 1:
            return str(texts[0])
        if set(kinds) == {"money"}:  # two amounts are a range
            known = dict.fromkeys(text for text in texts if text)
            return " to ".join(known)
        if kinds[0] == "answer":  # a known fee implies that the answer is yes
            has_one, fee = texts
            return f"yes, fee {fee}" if fee and has_one != "no" else has_one or UNKNOWN
        return ", ".join(text or f"{part.name} {UNKNOWN}" for text, part in zip(texts, self.parts, strict=True))


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of one property's brief: its text, and `marks`, which describe doubts about it."""

    line: Line
    text: str
    marks: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        return self.text != UNKNOWN


def _lines() -> Iterator[Line]:
    placed = [(spec.brief, name, spec) for name, spec in FIELDS.items() if spec.brief is not None]
    placed.sort(key=lambda one: one[0]["place"])
    for label, group in groupby(placed, key=lambda one: str(one[0]["line"])):
        row = list(group)
        parts = tuple(Part(name, at.get("name", ""), at.get("words", "")) for at, name, _ in row)
        yield Line(label, parts, tuple(dict.fromkeys(name for *_, spec in row for name in spec.derived_from)))


LINES: tuple[Line, ...] = tuple(_lines())


def brief_entries(shown: Mapping[str, Any], now: datetime, fresh_days: float) -> list[Entry]:
    """Return the brief's lines for a property in the shape of `PropertyStore.get`.

    A mark gives the values of other sources, or says that the value is uncertain or older than `fresh_days`.
    """
    return [Entry(line, _text(line, shown), tuple(_marks(line, shown, now, fresh_days))) for line in LINES]


def brief(shown: Mapping[str, Any], now: datetime, fresh_days: float, width: int = WIDTH) -> str:
    """Return the brief as text. Lines without URLs have at most `width` columns."""
    lines = [*_wrapped(Address.of(shown["record"]).line or f"Address {UNKNOWN}", width), ""]
    for entry in brief_entries(shown, now, fresh_days):
        lines += _labeled(entry.line.label, entry.text, width)
        for mark in entry.marks:
            lines += _labeled("", f"[{mark}]", width)
    lines += _unverified(shown, width)
    lines += ["", "Sources"]
    for place, source in enumerate(shown["sources"], start=1):
        moments = (source["fetched_at"], source["checked_at"])
        at = max(datetime.fromisoformat(moment) for moment in moments if moment)
        kind = KINDS.get(source.get("source_kind") or "", "page")
        lines.append(f"{place:2}. {kind}, read {day(at)}")
        lines.append(f"    {printable(source['url'])}")
    lines += ["", "Google Earth", f"    {printable(shown['record'].get(MAP_LINK) or UNKNOWN)}"]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _text(line: Line, shown: Mapping[str, Any]) -> str:
    record, evidence = shown["record"], shown["evidence"]
    shown_fields = [(part, part.field_in(record)) for part in line.parts]
    return line.join(
        [
            part.of(record[name], record, evidence[name].get("unit")) if name in record else None
            for part, name in shown_fields
        ]
    )


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
        yield f"old: read {day(doubt.read_at)}, {(now - doubt.read_at).days} days ago"


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
