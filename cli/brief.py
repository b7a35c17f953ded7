"""The contractor's brief: what a roofing or home-services team wants to know of a house, and how far to believe it.

Plain text for 80 columns: nothing is longer but URLs, which are not cut, so that they can be followed.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from app.printable import printable
from app.property.address import Address
from app.property.derived import MAP_LINK
from app.property.doubt import Doubt, doubt_about, source_of
from app.property.fields.table import FIELDS, UNIT_OF
from cli import us_words as us
from cli.us_words import UNKNOWN

WIDTH = 80
_LABEL = 18
_MOST_OTHERS = 3
_KINDS = {
    "assessor": "assessor",
    "gis": "county map",
    "tax_roll": "tax roll",
    "permits": "permit office",
    "portal": "portal",
    "association": "HOA",
}
Record = Mapping[str, Any]
#: a value, its unit where its evidence has one, and the record that it stands in; -> as it is read
Words = Callable[[Any, str | None, Record], str]


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a line: what it is called beside others of the line, and how its values are read."""

    field: str
    name: str
    words: Words


@dataclass(frozen=True, slots=True)
class Line:
    """What the brief says under one label: `parts` as `joined` puts them together."""

    label: str
    parts: tuple[Part, ...]
    joined: Callable[[Sequence[str | None]], str]
    #: fields that its values are computed from: it is no surer than they are
    inputs: tuple[str, ...] = ()


def _plain(value: Any, _unit: str | None, _record: Record) -> str:
    return us.listed(value) if isinstance(value, list) else str(value)


def _one(texts: Sequence[str | None]) -> str:
    return texts[0] or UNKNOWN


def _named(names: Sequence[str], texts: Sequence[str | None]) -> str:
    if not any(texts):
        return UNKNOWN
    return ", ".join(text or f"{name} {UNKNOWN}" for name, text in zip(names, texts, strict=True))


def _range(texts: Sequence[str | None]) -> str:
    low, high = texts
    if low is None or high is None or low == high:
        return low or high or UNKNOWN
    return f"{low} to {high}"


def _fee(texts: Sequence[str | None]) -> str:
    """Yes or no with the fee; a fee alone means yes."""
    has_one, fee = texts
    if fee and has_one != "no":
        return f"yes, fee {fee}"
    return has_one or UNKNOWN


#: how values are worded: by the name that the field table gives, else by the field's kind
_WORDS: Mapping[str, Words] = {
    "area": lambda value, unit, _: us.square_feet(value, unit),
    "count": lambda value, *_: us.number(value),
    "answer": lambda value, *_: us.yes_no(value),
    "money": lambda value, _, record: us.money(value, record),
    "fee": lambda value, _, record: us.money(value, record) if value else "",
    "date": lambda value, *_: us.day(value),
    "solar": lambda value, *_: us.solar(value),
    "for_sale": lambda value, _, record: us.for_sale(value, record),
}


def _lines() -> Iterator[Line]:
    """The lines that the field table names, in their order."""
    told = [(spec.brief, name, spec) for name, spec in FIELDS.items() if spec.brief is not None]
    told.sort(key=lambda one: one[0]["place"])
    for label, group in groupby(told, key=lambda one: str(one[0]["line"])):
        row = list(group)
        parts = tuple(
            Part(name, at.get("name", ""), _WORDS.get(at.get("words", spec.kind), _plain)) for at, name, spec in row
        )
        inputs = dict.fromkeys(name for *_, spec in row for name in spec.derived_from)
        yield Line(label, parts, _join_of([spec.kind for *_, spec in row], parts), tuple(inputs))


def _join_of(kinds: Sequence[str], parts: Sequence[Part]) -> Callable[[Sequence[str | None]], str]:
    if len(kinds) == 1:
        return _one
    if set(kinds) == {"money"}:
        return _range
    return _fee if kinds[0] == "answer" else partial(_named, [part.name for part in parts])


LINES: tuple[Line, ...] = tuple(_lines())


def brief(shown: Mapping[str, Any], now: datetime, fresh_days: float, width: int = WIDTH) -> str:
    """The brief of a property in the shape of `PropertyStore.get`: lines of at most `width` columns, each ended.

    A value in doubt is followed by what the others say, one that is unsure or older than `fresh_days` by that.
    """
    lines = [*_wrapped(Address.of(shown["record"]).line or f"Address {UNKNOWN}", width), ""]
    for line in LINES:
        lines += _labelled(line.label, _text(line, shown), width)
        for mark in _marks(line, shown, now, fresh_days):
            lines += _labelled("", mark, width)
    lines += _unverified(shown, width)
    lines += ["", "Sources"]
    for place, source in enumerate(shown["sources"], start=1):
        moments = (source["fetched_at"], source["checked_at"])
        at = max(datetime.fromisoformat(moment) for moment in moments if moment)
        kind = _KINDS.get(source.get("source_kind") or "", "page")
        lines.append(f"{place:2}. {kind}, read {us.day(at)}")
        lines.append(f"    {printable(source['url'])}")
    lines += ["", "Google Earth", f"    {printable(shown['record'].get(MAP_LINK) or UNKNOWN)}"]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _text(line: Line, shown: Mapping[str, Any]) -> str:
    record, evidence = shown["record"], shown["evidence"]
    return line.joined(
        [
            part.words(record[part.field], evidence[part.field].get("unit") or _unit(record, part.field), record)
            if part.field in record
            else None
            for part in line.parts
        ]
    )


def _unit(record: Record, name: str) -> str | None:
    found = record.get(UNIT_OF.get(name, ""))
    return str(found) if found else None


def _marks(line: Line, shown: Mapping[str, Any], now: datetime, fresh_days: float) -> Iterator[str]:
    record = shown["record"]
    if any(part.field in record for part in line.parts):
        doubtful = [name for name in line.inputs if name in record and doubt_about(shown, name, now, fresh_days)]
        if doubtful:
            yield "[in doubt: it follows from values above that are]"
            return
    told: dict[str, list[str]] = {}
    for part in line.parts:
        doubt = doubt_about(shown, part.field, now, fresh_days) if part.field in record else None
        if doubt is not None:
            told.setdefault("; ".join(_said(part, doubt, shown, now)), []).append(part.name)
    for text, names in told.items():  # the same of all parts is said once, of the line
        name = f"{', '.join(names)}: " if any(names) and len(names) < len(line.parts) else ""
        yield f"[{name}{text}]"


def _said(part: Part, doubt: Doubt, shown: Mapping[str, Any], now: datetime) -> Iterator[str]:
    if doubt.others:
        told = dict.fromkeys(
            f"{_who(shown, other.proof['source_url'])} says "
            + part.words(other.proof["value"], other.proof.get("unit"), shown["record"])
            for other in doubt.others
        )
        rest = f", and {len(told) - _MOST_OTHERS} more" if len(told) > _MOST_OTHERS else ""
        yield f"in doubt: {', '.join(list(told)[:_MOST_OTHERS])}{rest}"
    if doubt.confidence is not None:
        yield f"unsure: {100 * doubt.confidence:.0f} %"
    if doubt.read_at is not None:
        yield f"old: read {us.day(doubt.read_at)}, {(now - doubt.read_at).days} days ago"


def _who(shown: Mapping[str, Any], url: str) -> str:
    source = source_of(shown, url)
    kind = _KINDS.get((source.get("source_kind") if source else None) or "", "")
    return f"{kind} {urlsplit(url).netloc}".strip()


def _unverified(shown: Mapping[str, Any], width: int) -> Iterator[str]:
    """What was only said in the answer to a search, of the fields that the brief has: no line above relies on it."""
    parts = {part.field: (line.label, part) for line in LINES for part in line.parts}
    heard = [one for one in shown.get("unverified") or () if one["field"] in parts]
    if not heard:
        return
    yield ""
    yield from _wrapped("Not verified: a search answer says so, and its page could not be read", width)
    for one in heard:
        label, part = parts[one["field"]]
        name = f"{label}, {part.name}" if part.name else label
        try:
            said = part.words(one["value"], _unit(shown["record"], part.field), shown["record"])
        except (TypeError, ValueError, AttributeError):  # nobody checked what was only said
            said = str(one["value"])
        yield from _wrapped(f"  {name}: {said}", width, "    ")
        yield f"    {printable(one['url'])}"


def _labelled(label: str, text: str, width: int) -> list[str]:
    return _wrapped(f"{label:{_LABEL}}{text}", width, " " * _LABEL)


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(printable(text), width, subsequent_indent=indent, drop_whitespace=True) or [""]
