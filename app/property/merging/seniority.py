"""Keep the earlier of two single sources: no page replaces another owner's value by stating it later and louder.

A source's seniority on a field begins when one of its pages first stated the field for this property. It keeps its
seniority when it is read again and when it changes its value. Votes (`voting.py`) decide between sources of different
rank, and where several sources agree.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.property.fields.table import FIELDS
from app.property.merging.agreement import same_value
from app.property.merging.voting import SourceValue
from app.property.source_record import SourceRecord, Tenure, Voter

#: A source that was read this long before another one may not show yet what the other one shows. The time is less than
#: a day, so that a daily look counts even if it is early.
LAG = timedelta(hours=20)
#: A value whose confidence is lower was probably not read right, so it is never the earlier one.
_PROBABLE = 0.5
#: The types of values that a tenure keeps. Others may be long, or name people.
_PLAIN = ("integer", "number", "boolean", "date")
#: Takes two records that state the field.
Same = Callable[[SourceRecord, SourceRecord], bool]


def tenures_after(record: SourceRecord, *earlier: SourceRecord) -> dict[str, Tenure]:
    """Return the tenures of `record`, which replaces `earlier` records of its page that belong to the same property.

    The first of `earlier` is the page's newest record.
    """
    found: dict[str, Tenure] = {}
    for one in earlier:
        for name in {*one.tenures, *one.values}:
            tenure = one.tenure(name)
            known = found.setdefault(name, tenure)
            found[name] = replace(known, since=min(known.since, tenure.since))
    for name in record.values:
        if name not in found:
            found[name] = Tenure(record.fetched_at, record.fetched_at)
            continue
        tenure = replace(found[name], since=min(found[name].since, record.fetched_at))
        before = earlier[0]
        if before.fetched_at <= record.fetched_at and not (name in before.values and same_value(name, before, record)):
            spec, former = FIELDS[name], before.values.get(name)
            is_plain = spec.type in _PLAIN or spec.kind == "choice"
            tenure = Tenure(tenure.since, record.fetched_at, former if is_plain else None)
        found[name] = tenure
    return found


def is_later_state(name: str, one: SourceRecord, other: SourceRecord) -> bool:
    """Return whether `one` stated the value of `other` until it changed, and `other` was not read since then, or only
    within `LAG` before `one` was read.
    """
    mine, theirs = one.tenure(name), other.tenure(name)
    if mine.former is None or mine.changed_at <= theirs.changed_at or one.as_of - other.as_of < LAG:
        return False
    return same_value(name, replace(one, values={**one.values, name: mine.former}), other)


def may_outdate(name: str, newer: SourceRecord, older: SourceRecord) -> bool:
    """Return whether the page `newer` may make the value of `older` outdated.

    A page of unknown kind cannot outdate another owner's page of unknown kind, or it would only have to wait.
    """
    is_other = newer.is_stranger and older.is_stranger and newer.voter != older.voter
    return not is_other or is_later_state(name, newer, older)


@dataclass(frozen=True, slots=True)
class Seniority:
    """`since` says when each source first stated each field."""

    since: Mapping[tuple[Voter, str], datetime]

    @classmethod
    def of(cls, records: Sequence[SourceRecord]) -> "Seniority":
        since: dict[tuple[Voter, str], datetime] = {}
        for record in records:
            voter = record.voter
            for name in {*record.tenures, *record.values}:
                at = record.tenure(name).since
                since[voter, name] = min(since.get((voter, name), at), at)
        return cls(since)

    def put_first(self, name: str, given: list[SourceValue], same: Same) -> list[SourceValue]:
        """Return `given`, which are sorted by votes, with the winner first.

        The winner is the first of `given`, unless it has a single source and an earlier single source of at least the
        same rank disagrees. Of one source's pages, the one that changed last counts.
        """
        winner, single = given[0], [one for one in given if one.source_count == 1]
        while winner.source_count == 1 and (
            before := [one for one in single if not same(one.source, winner.source) and self._stays(name, one, winner)]
        ):
            winner = min(before, key=lambda one: (-one.weight.rank, self._since(name, one), given.index(one)))
        winner.is_senior = winner is not given[0]
        return [winner, *(one for one in given if one is not winner)]

    def _stays(self, name: str, one: SourceValue, winner: SourceValue) -> bool:
        """Return whether `one` is shown rather than `winner`, which has more votes."""
        mine, theirs = one.source, winner.source
        if one.proof.confidence < _PROBABLE or one.weight.is_error:
            return False
        if mine.voter == theirs.voter:
            return mine.tenure(name).changed_at > theirs.tenure(name).changed_at
        if self._since(name, one) >= self._since(name, winner) or is_later_state(name, theirs, mine):
            return False
        if theirs.is_stranger:
            return one.weight.rank >= winner.weight.rank
        return mine.source_kind == theirs.source_kind and one.weight.fit >= winner.weight.fit

    def _since(self, name: str, one: SourceValue) -> datetime:
        return self.since[one.source.voter, name]
