"""Which property a record goes to: what people decided, then what is filed under its keys or beside them, judged.

Several that are the same as the record are one property and folded, unless they are surely two: then the record goes to
the one that it fits best, and to none of them where that is not clear.

A page of unknown kind makes nothing one that is not one without it: it joins the property that it fits best, and a
person is asked about the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, literal, select

from app.property import identity
from app.property.matching import Decision, Key, decide
from app.property.merge import merge
from app.property.source_record import SourceRecord, Voice
from app.property.storage.database import Database
from app.property.storage.properties.merge_into import fold
from app.property.storage.properties.overrides import are_split, ask_for_review, homes_of, joined_to, pins_of
from app.property.storage.properties.rebuild import alive, new_property
from app.property.storage.properties.source_records import is_of_page, records_of
from app.property.storage.properties.tables import PropertyKey
from app.property.storage.tables import properties

_STRENGTH = {key: place for place, key in enumerate(Key)}
#: blocking keys with more properties tell nothing: a ZIP code's centre, a placeholder for an address
_MOST_NEAR = 200


@dataclass(frozen=True, slots=True)
class _Candidate:
    id: str
    created_at: datetime
    values: dict[str, Any]
    decision: Decision
    #: it is filed under the record's own page
    is_page: bool

    @property
    def place(self) -> tuple[int, float]:
        """How well it fits, the best first: by the key, then by the points."""
        return _STRENGTH[self.decision.key], -self.decision.points

    @property
    def order(self) -> tuple[int, float, datetime, str]:
        """By how well it fits, then by age."""
        return *self.place, self.created_at, self.id


def find_home(
    database: Database, connection: Connection, record: SourceRecord, kin: str | None = None
) -> tuple[str, bool]:
    """The record's property, known or new; and whether it is new, or others turned out to be the same one and were
    folded into it.

    One that nothing else is known of goes to `kin`, the property that its page is of by how it was found.
    """
    pins = pins_of(connection, record)
    joined = joined_to(connection, pins)
    if joined:
        return joined, False
    apart = homes_of(connection, pins.apart)
    same = _chosen(connection, [one for one in _judged(connection, record, apart) if one.decision.is_same])
    sure, doubtful = _without_strangers(connection, record, same, alive(connection, kin) if kin is not None else None)
    home = _folded(connection, sure) if sure else _kin(connection, record, kin, apart)
    is_new = home is None
    home = home or new_property(database, connection)
    _ask_person(database, connection, record, home, doubtful)
    return home, is_new or len(sure) > 1


def join_same(database: Database, connection: Connection, record: SourceRecord, home: str) -> tuple[str, bool]:
    """Judge a stored record of `home` again, and fold all that it shows to be one property.

    The record stays in `home`. Return the id of the property now, and whether others were folded.
    """
    pins = pins_of(connection, record)
    if joined_to(connection, pins):
        return home, False
    alike = [one for one in _judged(connection, record, homes_of(connection, pins.apart)) if one.decision.is_same]
    sure, doubtful = _without_strangers(connection, record, _chosen(connection, alike), home)
    is_merged = len(sure) > 1 and home in {one.id for one in sure}
    if is_merged:
        home = _folded(connection, sure)
    _ask_person(database, connection, record, home, doubtful)
    return home, is_merged


def _folded(connection: Connection, same: list[_Candidate]) -> str:
    """The oldest of `same`, which the others go into."""
    home = min(same, key=lambda one: (one.created_at, one.id)).id
    for other in same:
        if other.id != home:
            fold(connection, other.id, home)
    return home


def _kin(connection: Connection, record: SourceRecord, kin: str | None, apart: set[str]) -> str | None:
    """`kin`, unless the record is surely of another property or people said so."""
    home = alive(connection, kin) if kin is not None else None
    if home is None or home in apart:
        return None
    values = connection.execute(select(properties.c.record).where(properties.c.id == home)).scalar()
    return None if values is None or decide(record.values, values).differs else home


def _judged(connection: Connection, record: SourceRecord, apart: set[str]) -> list[_Candidate]:
    """All that lies where the record's property may lie, but for what people keep `apart`."""
    found = []
    for row, is_page in _filed(connection, record):
        if row.id in apart:
            continue
        values = _without_page(connection, record, row) if is_page else row.record
        decision = decide(record.values, values, is_page=is_page)
        found.append(_Candidate(row.id, row.created_at, values, decision, is_page))
    return found


def _filed(connection: Connection, record: SourceRecord) -> list[tuple[Any, bool]]:
    """Everything that lies where the record's property may lie, and whether it is filed under the record's own page."""
    ids, of_page = _near(connection, record)
    columns = (properties.c.id, properties.c.created_at, properties.c.record)
    rows: Sequence[Row[Any, Any, Any]] = []
    locked: set[str] = set()
    while not ids <= locked:  # while one was waited for, it may have gone into another one
        locked |= ids
        query = select(*columns).where(properties.c.id.in_(ids), properties.c.merged_into.is_(None))
        rows = connection.execute(query.order_by(properties.c.id).with_for_update(key_share=True)).all()
        if connection.dialect.name != "sqlite":
            ids, of_page = _near(connection, record)
    return [(row, row.id in of_page) for row in rows]


def _near(connection: Connection, record: SourceRecord) -> tuple[set[str], set[str]]:
    """The properties that lie where the record's may lie, and those of them that are filed under its own page."""
    key, owner = PropertyKey.key, PropertyKey.property_id
    exact = select(key, owner).where(key.in_(identity.lookups_of(record)), ~PropertyKey.is_blocking)
    blocking = select(owner).where(key.in_(identity.block_lookups_of(record.values)), PropertyKey.is_blocking)
    near = blocking.distinct().limit(_MOST_NEAR + 1).subquery()
    rows = connection.execute(exact.union_all(select(literal(""), near.c.property_id))).all()
    others = {row.property_id for row in rows if not row.key}
    known, pages = {row.property_id for row in rows if row.key}, set(identity.url_keys(record))
    ids = known | others if len(others) <= _MOST_NEAR else known
    return ids, {row.property_id for row in rows if row.key in pages}


def _without_page(connection: Connection, record: SourceRecord, row: Row[Any]) -> dict[str, Any]:
    """What the property says by its other pages: what this one said before is to be replaced. Nothing if it is the only
    one: then nothing contradicts it."""
    sources = records_of(connection, row.id)
    others = [one for one in sources if not is_of_page(one, record)]
    if len(others) == len(sources):
        return dict(row.record)
    return merge(others).values if others else {}


def _chosen(connection: Connection, same: list[_Candidate]) -> list[_Candidate]:
    """All of `same` if they may be one; else the one that fits best, if there is one.

    Of two that people parted and that fit alike it is the older: nothing else would tell a further page from the next.
    """
    if len(same) > 1:  # a place on the map is one home's: two who are found by it alone are two homes at one place
        same = [one for one in same if one.decision.key is not Key.POSITION]
    if len(same) < 2 or not _are_apart(connection, same):
        return same
    first, second = sorted(same, key=lambda one: one.order)[:2]
    is_clear = first.place < second.place or are_split(connection, [first.id, second.id])
    return [first] if is_clear else []


def _are_apart(connection: Connection, same: list[_Candidate]) -> bool:
    pairs = [(a, b) for n, a in enumerate(same) for b in same[n + 1 :]]
    if any(decide(a.values, b.values).differs for a, b in pairs):
        return True
    return are_split(connection, [one.id for one in same])


def _without_strangers(
    connection: Connection, record: SourceRecord, same: list[_Candidate], preferred: str | None
) -> tuple[list[_Candidate], list[_Candidate]]:
    """Those of `same` that are one without the word of any one source of unknown kind, and those that are not.

    A page of unknown kind goes to the `preferred` one, else to the one that it fits best: rather to one that it fits
    without another stranger's word.
    """
    if record.is_stranger and len(same) < 2:
        return same, []
    pages = {one.id: [page for page in records_of(connection, one.id) if not is_of_page(page, record)] for one in same}
    others = [one for one in same if pages[one.id]]
    vouched = {one.id for one in others if _is_vouched([record], pages[one.id], is_page=one.is_page)}
    if record.is_stranger and others:
        first = min(others, key=lambda one: (one.id != preferred, one.id not in vouched, *one.order))
        vouched = {one.id for one in others if one is first or _is_vouched(pages[first.id], pages[one.id])}
    doubtful = [one for one in others if one.id not in vouched]
    return [one for one in same if one not in doubtful], doubtful


def _is_vouched(pages: list[SourceRecord], others: list[SourceRecord], *, is_page: bool = False) -> bool:
    """Whether two properties of these pages are one whichever source of unknown kind is left out. One that has no
    other source is that source's own."""
    strangers: set[Voice | None] = {page.voice for page in (*pages, *others) if page.is_stranger}
    return all(
        decide(_said_without(voice, pages), _said_without(voice, others), is_page=is_page).is_same
        for voice in strangers or {None}
    )


def _said_without(voice: Voice | None, pages: list[SourceRecord]) -> dict[str, Any]:
    left = [page for page in pages if page.voice != voice]
    return merge(left or pages).values


def _ask_person(
    database: Database, connection: Connection, record: SourceRecord, home: str, doubtful: list[_Candidate]
) -> None:
    """Queue the pairs that only a source of unknown kind would make one."""
    for other in doubtful:
        if other.id != home:
            why = f"only a page of unknown kind makes them one: {other.decision.why}"
            ask_for_review(database, connection, record, (home, other.id), why)
