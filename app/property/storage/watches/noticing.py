"""Changes are noticed where a record is stored, in its transaction: what its page shows anew becomes a candidate, and
candidates that are believed become changes that are told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from app.property.change_belief import MEMORY, Candidate, Outcome, Telling, judge, moved, seconds
from app.property.changes import Said, has_words, is_news, said_of
from app.property.record import Evidence, Method
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.pages.repository import text_of
from app.property.storage.properties.rebuild import Rebuilt
from app.property.storage.tables import change_candidates, changes, observations
from app.property.storage.watches.change_rows import candidate_of, old_of, pages_of, said_json
from app.property.storage.watches.changes import append

_C = change_candidates.c
#: what these see of a page may differ from one visit to the next though the page does not
_UNSTEADY = frozenset({Method.LLM, Method.RECIPE})


@dataclass(frozen=True, slots=True)
class Reread:
    """A record that was stored in place of `before`, a row of `records` of the same page; `edition` of the readers."""

    before: Row[Any]
    record: SourceRecord
    edition: str | None


class Noticing:
    """Notices what changed of a property that was just made anew, in the caller's transaction.

    The caller holds the lock of `properties`: of one property's pages one is stored at a time.
    """

    def __init__(self, database: Database, connection: Connection, telling: Telling, rebuilt: Rebuilt) -> None:
        self._database = database
        self._connection = connection
        self._telling = telling
        self._rebuilt = rebuilt
        self._property_id = str(rebuilt.was.id)

    def reread(self, reread: Reread) -> None:
        """Note what the page shows anew, and tell what is believed now."""
        before, record = reread.before, reread.record
        if record.fetched_at < before.fetched_at:
            return
        if before.property_id == self._property_id and before.content_sha256 != record.content_sha256:
            for name in self._telling.fields:
                self._note(name, reread)
        self.look(before.url, record.as_of)

    def look(self, url: str, looked_at: datetime) -> None:
        """The page `url` of the property was looked at: judge what is not told yet of all its pages."""
        rows = self._standing()
        for row in rows:
            if row.url == url and looked_at >= candidate_of(row).look_at:
                later = {"looks": row.looks + 1, "looked_at": looked_at}
                self._connection.execute(update(change_candidates).where(_C.id == row.id).values(later))
        if rows:
            self._judge()

    def _standing(self, *conditions: Any) -> Sequence[Row[Any]]:
        query = select(change_candidates).where(_C.property_id == self._property_id, _C.back_at.is_(None), *conditions)
        return self._connection.execute(query.order_by(_C.id)).all()

    # --- candidates

    def _note(self, name: str, reread: Reread) -> None:
        """Make a candidate of what the page says of the field, if that is new on it and to the property."""
        record, before = reread.record, reread.before
        now = said_of(name, record.values, record.evidence)
        if now is None:
            return
        was = said_of(name, before.record, _evidence(before.evidence, name))
        if was is None:
            was = self._said_once(name, record, (before.url, record.url))
        if was is None and not self._may_appear(name, reread):
            return
        rows = self._standing(_C.field == name)
        old = self._old(name, record, rows)
        is_known = any(row.url == before.url and not is_news(name, candidate_of(row).new, now) for row in rows)
        if (
            is_known
            or not moved(name, was, now, old)
            or (was is not None and self._is_read_otherwise(reread, was, now))
        ):
            return
        row = {
            "property_id": self._property_id,
            "field": name,
            "url": before.url,
            **said_json(old, now),
            "urls": pages_of(self._connection, self._property_id, (old, now)),
            "looks": 0,
            "seen_at": record.as_of,
            "looked_at": record.as_of,
        }
        self._connection.execute(insert(change_candidates).values(row))

    def _may_appear(self, name: str, reread: Reread) -> bool:
        """A page that never said anything of the field may do so because it was read better: by other readers, by a
        model that was not heard before, or by a recipe that was learned since; unless the words are new on it."""
        before, proof = reread.before, reread.record.evidence[name]
        if before.edition != reread.edition or name in before.wanted_model or proof.method is Method.LLM:
            return False
        if proof.method is not Method.RECIPE:
            return True
        old = text_of(self._connection, before.content_sha256)
        return old is not None and not has_words(old, proof.quote)

    def _is_read_otherwise(self, reread: Reread, was: Said, now: Said) -> bool:
        """Other readers, a model, or a recipe may see another value in a page that has not changed there: then what it
        is quoted for was there before, and what was quoted before is there still. Of other readers that counts as well
        where nobody kept the pages."""
        is_same_edition = reread.before.edition == reread.edition
        if is_same_edition and _UNSTEADY.isdisjoint((was.proof.method, now.proof.method)):
            return False
        old, new = (text_of(self._connection, said.proof.content_sha256) for said in (was, now))
        if old is None or new is None:
            return not is_same_edition
        return has_words(old, now.proof.quote) and has_words(new, was.proof.quote)

    def _old(self, name: str, record: SourceRecord, rows: Sequence[Row[Any]]) -> Said | None:
        """What the property said before any change of the field that is not told yet."""
        if rows:
            return old_of(rows[0])
        was = self._rebuilt.was
        return said_of(name, was.record, _evidence(was.evidence, name)) or self._said_once(name, record, ())

    def _said_once(self, name: str, record: SourceRecord, urls: Sequence[str]) -> Said | None:
        """The newest that was said of the field before `record`: by the pages `urls`, or by any."""
        c = observations.c
        mine = (c.property_id == self._property_id, c.field == name, c.content_sha256 != record.content_sha256)
        query = select(observations).where(*mine)
        if urls:
            query = query.where(c.source_url.in_(urls))
        row = self._connection.execute(query.order_by(c.observed_at.desc(), c.id.desc()).limit(1)).one_or_none()
        return Said(row.value, Evidence.model_validate(row.evidence)) if row is not None else None

    # --- judging

    def _judge(self) -> None:
        """Each that stands, once; what is told ends those that say the same."""
        rows = self._standing()
        open_ = [candidate_of(row) for row in rows]
        voices = {record.url: record.voice for record in self._rebuilt.sources}
        merged = self._rebuilt.merged
        told: list[Candidate] = []
        for row, one, went_back in zip(rows, open_, self._went_back(open_), strict=True):
            if any(one.field == other.field and not is_news(one.field, other.new, one.new) for other in told):
                self._connection.execute(delete(change_candidates).where(_C.id == row.id))
                continue
            others = [other for other in open_ if other is not one]
            whole = replace(one, went_back=went_back, seconded=seconds(one, others, voices))
            chosen = said_of(one.field, merged.values, merged.evidence)
            judgement = judge(whole, self._rebuilt.sources, chosen, self._telling.looks)
            if judgement.outcome is Outcome.TELL:
                append(self._database, self._connection, row, judgement.why)
                told.append(one)
            self._book(row, judgement.outcome, judgement.look_at)

    def _book(self, row: Row[Any], outcome: Outcome, look_at: datetime | None) -> None:
        mine = _C.id == row.id
        if outcome is Outcome.WAIT:
            self._connection.execute(update(change_candidates).where(mine).values(look_at=look_at))
        elif outcome is Outcome.BACK:  # that the page went back is remembered, what it said meanwhile is not
            gone = dict.fromkeys(("old_value", "new_value", "old_evidence", "new_evidence", "context", "look_at"))
            change = {**gone, "back_at": self._database.clock.now()}
            self._connection.execute(update(change_candidates).where(mine).values(change))
        else:
            self._connection.execute(delete(change_candidates).where(mine))

    def _went_back(self, open_: Sequence[Candidate]) -> list[bool]:
        """Of each, whether its page went back on a change of its field lately, or the field itself did."""
        since = self._database.clock.now() - MEMORY
        mine = _C.property_id == self._property_id, _C.back_at > since
        back = {tuple(row) for row in self._connection.execute(select(_C.field, _C.url).where(*mine))}
        c = changes.c
        told = select(changes).where(c.property_id == self._property_id, c.told_at > since)
        olds = defaultdict[str, list[Said]](list)
        for row in self._connection.execute(told.where(c.field.in_({one.field for one in open_}))):
            if (old := old_of(row)) is not None:
                olds[row.field].append(old)
        return [
            (one.field, one.url) in back
            or any(
                not is_news(one.field, old, one.new) and not is_news(one.field, one.new, old) for old in olds[one.field]
            )
            for one in open_
        ]


def stands(connection: Connection, property_id: str) -> bool:
    """Is there a change of the property that nobody was told yet?"""
    query = select(_C.id).where(_C.property_id == property_id, _C.back_at.is_(None)).limit(1)
    return connection.execute(query).first() is not None


def _evidence(stored: Mapping[str, Any], name: str) -> dict[str, Evidence]:
    return {name: Evidence.model_validate(stored[name])} if name in stored else {}
