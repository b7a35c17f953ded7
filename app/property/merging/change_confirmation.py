"""Decide when a change on a page is accepted and published.

A change is accepted at once if an independent source changed in the same way. Otherwise, later fetches of the page
(looks) must confirm the change.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.plurals import counted
from app.property.merging.changes import PUBLISHED_FIELDS, Statement, is_news, number_error_in, statement_of
from app.property.merging.dated_values import HISTORIES
from app.property.merging.seniority import LAG
from app.property.merging.weights import rank
from app.property.source_record import SourceRecord, Voter

#: The number of further looks that must confirm a change. The first look is after five minutes. The interval then
#: doubles, up to 21 hours.
CONFIRMING_LOOKS = 3
FIRST_LOOK = timedelta(minutes=5)
_MOST_DOUBLINGS = 8
#: Additional looks if another source contradicts the page, or if a change of the field was reverted before. All ten
#: looks take 64 hours, in which a page that alternates between two values probably shows the other value.
MORE_LOOKS = 7
#: One look this long after the change is enough if nothing contradicts the page.
HOLD = LAG
#: How long a reverted change is remembered.
MEMORY = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PublishingRules:
    """The fields whose changes are published, and the number of looks that confirm a change that only one page
    shows.
    """

    fields: tuple[str, ...] = PUBLISHED_FIELDS
    looks: int = CONFIRMING_LOOKS


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change on the page `url`, from `old` (None: no value before) to `new`.

    `looks` counts the further looks that found the new value; the last was at `looked_at`. `went_back` is true if the
    page or the property reverted a change of this field within `MEMORY`. `confirmed` is true if an independent source
    changed in the same way.
    """

    field: str
    url: str
    old: Statement | None
    new: Statement
    seen_at: datetime
    looked_at: datetime
    looks: int = 0
    went_back: bool = False
    confirmed: bool = False

    @property
    def look_at(self) -> datetime:
        """Return the earliest time at which another look counts."""
        return self.looked_at + FIRST_LOOK * 2.0 ** min(self.looks, _MOST_DOUBLINGS)


class Outcome(StrEnum):
    ACCEPTED = "accepted"
    WAITING = "waiting"
    REVERTED = "reverted"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Judgment:
    """`why` is the reason if the change is accepted. `look_at` is when a further look can confirm the change, or
    None.
    """

    outcome: Outcome
    why: str = ""
    look_at: datetime | None = None


def judge(
    candidate: Candidate,
    records: Sequence[SourceRecord],
    chosen: Statement | None,
    looks_wanted: int = CONFIRMING_LOOKS,
) -> Judgment:
    """Decide the outcome of `candidate` from the `records` of the property's pages and the field's `chosen` value."""
    name, new = candidate.field, candidate.new
    page = next((record for record in records if record.url == candidate.url), None)
    if page is None:
        return Judgment(Outcome.REPLACED)
    says = statement_of(name, page.values, page.evidence)
    if says is not None and is_news(name, says, new):
        went_back = candidate.old is not None and not is_news(name, candidate.old, says)
        return Judgment(Outcome.REVERTED if went_back else Outcome.REPLACED)
    if chosen is None or is_news(name, chosen, new):
        may_prevail = candidate.looks < looks_wanted + MORE_LOOKS and _may_prevail(candidate, page, records, chosen)
        return Judgment(Outcome.WAITING, look_at=candidate.look_at if may_prevail else None)
    if candidate.confirmed:
        return Judgment(Outcome.ACCEPTED, "2 sources changed in the same way")
    if candidate.old is not None and number_error_in(name, candidate.old, new):
        return Judgment(Outcome.WAITING)
    return _alone(candidate, page, records, looks_wanted)


def _alone(candidate: Candidate, page: SourceRecord, records: Sequence[SourceRecord], looks_wanted: int) -> Judgment:
    in_doubt = candidate.went_back or _is_denied(candidate, page, records)
    if candidate.looks >= looks_wanted + MORE_LOOKS * in_doubt:
        agree = counted(candidate.looks, "further look agrees", "further looks agree")
        return Judgment(Outcome.ACCEPTED, agree if candidate.looks else "it is shown")
    held = candidate.looked_at - candidate.seen_at
    if candidate.looks and held >= HOLD and not in_doubt:
        return Judgment(Outcome.ACCEPTED, f"unchanged for {held.total_seconds() / 3600:.0f} h")
    return Judgment(Outcome.WAITING, look_at=candidate.look_at)


def _is_denied(candidate: Candidate, page: SourceRecord, records: Sequence[SourceRecord]) -> bool:
    """Return whether an independent source, read no earlier than `HOLD` before the change, has the old value.

    For histories, return False, because another source may merely lack a row.
    """
    if candidate.old is None or candidate.field in HISTORIES:
        return False
    for record in records:
        says = statement_of(candidate.field, record.values, record.evidence)
        is_recent = record.as_of >= candidate.seen_at - HOLD
        if says is None or not record.voter.is_independent_of(page.voter) or not is_recent:
            continue
        if is_news(candidate.field, says, candidate.new) and not is_news(candidate.field, candidate.old, says):
            return True
    return False


def _may_prevail(
    candidate: Candidate, page: SourceRecord, records: Sequence[SourceRecord], chosen: Statement | None
) -> bool:
    """Return whether the property still shows the old value only because earlier sources of the same rank have it
    (`seniority.py`), so that looks at the page will decide.
    """
    name, old = candidate.field, candidate.old
    if chosen is None or old is None or is_news(name, old, chosen):
        return False
    ranks = [rank(one.source_kind, name) for one in records if one.content_sha256 == chosen.proof.content_sha256]
    return rank(page.source_kind, name) >= max(ranks, default=1.0)


def changes_property(name: str, before: Statement | None, now: Statement | None, old: Statement | None) -> bool:
    """Return whether a page's change from `before` to `now` also changes the property's value, which is `old`.

    Return False if the page dropped its value, or now has the property's value.
    """
    if now is None or (before is not None and not is_news(name, before, now)):
        return False
    return old is None or is_news(name, old, now)


def is_confirmed(candidate: Candidate, others: Collection[Candidate], voter_of: Mapping[str, Voter]) -> bool:
    """Return whether a page of an independent source has the same change. `voter_of` maps page URLs to sources."""
    mine = voter_of.get(candidate.url)
    return mine is not None and any(
        other.field == candidate.field
        and other.url in voter_of
        and voter_of[other.url].is_independent_of(mine)
        and not is_news(candidate.field, other.new, candidate.new)
        for other in others
    )
