"""Detect changes of a property's values, in the transaction that stores a page's new record.

A new value on a page becomes a pending change. The change is published once `merging/change_confirmation.py` accepts
it.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, or_, select, update

from app.errors.targets import InvalidTargetError
from app.property.merging.change_confirmation import (
    MEMORY,
    Candidate,
    Outcome,
    PublishingRules,
    changes_property,
    is_confirmed,
    judge,
)
from app.property.merging.changes import Statement, has_words, is_news, statement_of
from app.property.record import Evidence, Method
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.pages.repository import text_of
from app.property.storage.properties.rebuild import Rebuilt
from app.property.storage.properties.tables import RECORD_URLS, Observation, SourceRow
from app.property.storage.statements import entities, insert_all, new_id
from app.property.storage.watches.changes import publish
from app.property.storage.watches.models import Change, ChangeState
from app.property.urls.targets import normalize_url

#: Methods that can extract different values from the same text.
_UNSTEADY = frozenset({Method.LLM, Method.RECIPE})
_PENDING = Change.state == ChangeState.PENDING


class ChangeDetector:
    """Detects changes of one property. The caller's transaction must have rebuilt and locked the property's row."""

    def __init__(
        self, database: Database, connection: Connection, rules: PublishingRules, rebuilt: Rebuilt, now: datetime
    ) -> None:
        self._database = database
        self._connection = connection
        self._rules = rules
        self._rebuilt = rebuilt
        self._now = now
        self._property_id = str(rebuilt.was.id)
        self._mine = select(Change).where(Change.property_id == self._property_id).order_by(Change.position)
        self._pending = entities(connection, self._mine.where(_PENDING))

    def reread(self, before: SourceRow, record: SourceRecord, edition: str | None) -> None:
        """Compare a page's new `record` with its old row `before`, and publish accepted changes.

        `edition` is the version of the extractors that read `record`. A record older than `before` is ignored.
        """
        if record.fetched_at < before.fetched_at:
            return
        if before.property_id == self._property_id and before.content_sha256 != record.content_sha256:
            for name in self._rules.fields:
                self._compare(name, before, record, is_same_edition=before.edition == edition)
        self.look(before.url, record.as_of)

    def look(self, url: str, looked_at: datetime) -> None:
        """Count a fetch of the page `url` for the page's pending changes. Then decide all pending changes.

        A fetch before the change's due time (`look_at`) does not count.
        """
        for change in self._pending:
            if change.url == url and looked_at >= change.candidate.look_at:
                self._change(change, looks=change.looks + 1, updated_at=looked_at)
        if self._pending:
            self._judge()

    def _change(self, change: Change, **values: Any) -> None:
        for name, value in values.items():
            setattr(change, name, value)
        self._connection.execute(update(Change).where(Change.position == change.position).values(values))

    def _compare(self, name: str, before: SourceRow, record: SourceRecord, *, is_same_edition: bool) -> None:
        now = statement_of(name, record.values, record.evidence)
        if now is None:
            return
        was = _value(name, before) or self._last_value(name, record, (before.url, record.url))
        if was is None and not (is_same_edition and self._may_appear(name, before, record.evidence[name])):
            return
        pending = [change for change in self._pending if change.field == name]
        old = pending[0].previous if pending else _value(name, self._rebuilt.was) or self._last_value(name, record, ())
        is_known = any(one.url == before.url and not is_news(name, one.candidate.new, now) for one in pending)
        if is_known or not changes_property(name, was, now, old):
            return
        if was is not None and self._is_read_differently(was, now, is_same_edition=is_same_edition):
            return
        urls = {said.proof.source_url for said in (old, now) if said is not None}
        change = Change(
            id=new_id(),
            property_id=self._property_id,
            field=name,
            url=before.url,
            state=ChangeState.PENDING,
            old=old.value if old else None,
            new=now.value,
            old_evidence=old.proof.model_dump(mode="json") if old else None,
            new_evidence=now.proof.model_dump(mode="json"),
            context={"old": dict(old.context) if old else {}, "new": dict(now.context)},
            urls=_pages_of(self._connection, self._property_id, urls),
            looks=0,
            seen_at=record.as_of,
            updated_at=record.as_of,
        )
        insert_all(self._connection, [change])
        self._pending.append(change)

    def _may_appear(self, name: str, before: SourceRow, proof: Evidence) -> bool:
        if name in before.wanted_model or proof.method is Method.LLM:
            return False
        if proof.method is not Method.RECIPE:
            return True
        old = text_of(self._connection, before.content_sha256)
        return old is not None and not has_words(old, proof.quote)

    def _is_read_differently(self, was: Statement, now: Statement, *, is_same_edition: bool) -> bool:
        """Return whether the two values may differ only because the extraction changed, not the page."""
        if is_same_edition and _UNSTEADY.isdisjoint((was.proof.method, now.proof.method)):
            return False
        old, new = (text_of(self._connection, said.proof.content_sha256) for said in (was, now))
        if old is None or new is None:
            return not is_same_edition
        return has_words(old, now.proof.quote) and has_words(new, was.proof.quote)

    def _last_value(self, name: str, record: SourceRecord, urls: Sequence[str]) -> Statement | None:
        c = Observation
        mine = (c.property_id == self._property_id, c.field == name, c.content_sha256 != record.content_sha256)
        query = select(Observation).where(*mine)
        if urls:
            query = query.where(c.source_url.in_(urls))
        row = self._connection.execute(query.order_by(c.observed_at.desc(), c.id.desc()).limit(1)).one_or_none()
        return Statement(row.value, Evidence.model_validate(row.evidence)) if row is not None else None

    def _judge(self) -> None:
        names = {change.field for change in self._pending}
        ended = self._mine.where(~_PENDING, Change.updated_at > self._now - MEMORY, Change.field.in_(names))
        lately = entities(self._connection, ended)
        voters = {record.url: record.voter for record in self._rebuilt.sources}
        merged = self._rebuilt.merged
        pending = [(change, change.candidate) for change in self._pending]
        accepted: list[Candidate] = []
        for change, one in pending:
            if any(one.field == other.field and not is_news(one.field, other.new, one.new) for other in accepted):
                self._drop(change)
                continue
            others = [other for _, other in pending if other is not one]
            whole = replace(one, went_back=_went_back(one, lately), confirmed=is_confirmed(one, others, voters))
            chosen = statement_of(one.field, merged.values, merged.evidence)
            judgment = judge(whole, self._rebuilt.sources, chosen, self._rules.looks)
            match judgment.outcome:
                case Outcome.ACCEPTED:
                    publish(self._database, self._connection, change, judgment.why, self._now)
                    self._pending.remove(change)
                    accepted.append(one)
                case Outcome.WAITING if change.look_at != judgment.look_at:
                    self._change(change, look_at=judgment.look_at)
                case Outcome.REVERTED:  # keep the row as a record of the reversal, but delete its values
                    emptied = dict.fromkeys(("old", "new", "old_evidence", "new_evidence", "context", "look_at"))
                    self._change(change, state=ChangeState.REVERTED, updated_at=self._now, **emptied)
                    self._pending.remove(change)
                case Outcome.REPLACED:
                    self._drop(change)

    def _drop(self, change: Change) -> None:
        self._pending.remove(change)
        self._connection.execute(delete(Change).where(Change.position == change.position))


def _went_back(one: Candidate, lately: Iterable[Change]) -> bool:
    same = [change for change in lately if change.field == one.field]
    if any(change.state == ChangeState.REVERTED and change.url == one.url for change in same):
        return True
    olds = [change.previous for change in same if change.state == ChangeState.PUBLISHED]
    return any(
        not is_news(one.field, old, one.new) and not is_news(one.field, one.new, old) for old in olds if old is not None
    )


def has_pending_change(connection: Connection, property_id: str) -> bool:
    query = select(Change.position).where(Change.property_id == property_id, _PENDING).limit(1)
    return connection.execute(query).first() is not None


def _value(name: str, stored: Row[Any] | SourceRow) -> Statement | None:
    evidence = {name: Evidence.model_validate(stored.evidence[name])} if name in stored.evidence else {}
    return statement_of(name, stored.record, evidence)


def _pages_of(connection: Connection, property_id: str, found: set[str]) -> str:
    for url in sorted(found):
        with suppress(InvalidTargetError):
            found.add(normalize_url(url))
    named = or_(*(way.in_(found) for way in RECORD_URLS))
    for row in connection.execute(select(*RECORD_URLS).where(SourceRow.property_id == property_id, named)):
        found |= {url for url in row if url}
    return f" {' '.join(sorted(found))} "
