"""When a change that a page shows is believed, and so told: at once if a second source shows it too, else when further
looks at the page agree. A page that goes back to what it said before flaps, and has to hold for longer. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.property.changes import TOLD_FIELDS, Said, is_news, said_of, slip_in
from app.property.dated import HISTORIES
from app.property.source_record import SourceRecord, Voice

#: further looks at a page that alone shows a change, and the minutes to the first; each next one waits twice as long
CONFIRMING_LOOKS = 3
FIRST_LOOK_MINUTES = 5.0
#: how long a change of one page alone must hold; less than a day, so that the next day's look is enough
HOLD = timedelta(hours=20)
#: the same where another source denies it: longer than most pages keep saying one thing by turns
DENIED_HOLD = timedelta(hours=72)
#: further looks at a page in doubt that have to agree, all of them; more than the first three, which are soon over
LOOKS_IN_DOUBT = 6
#: hours from the first sight to those looks, after the first three; uneven, so that a page that turns regularly, each
#: 20 minutes to 50 hours, is found in its other turn by one of them
_LATER_LOOKS = (2.3, 5.1, 8.9, 13.7, 20.0, 31.0, 47.0, 72.0)
_LATER_STILL = 1.55
#: when the others, which are believed instead, are looked at once more: a site follows another within a day
_OTHERS_LOOKED_AT = HOLD + timedelta(hours=1)
#: what a page did so long ago is forgiven
MEMORY = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Telling:
    """Which fields are told, and how many further looks at one page have to agree before it is believed alone."""

    fields: tuple[str, ...] = TOLD_FIELDS
    looks: int = CONFIRMING_LOOKS


@dataclass(frozen=True, slots=True)
class Candidate:
    """A change that the page `url` (its record's) shows: from `old` (None: nothing was said before) to `new`.

    `looks` counts further looks that found it so, the last at `looked_at`. `turns`: how often within `MEMORY` the page
    went back on a change of this field, or the field itself went back. `seconded`: another source changed likewise.
    """

    field: str
    url: str
    old: Said | None
    new: Said
    seen_at: datetime
    looked_at: datetime
    looks: int = 0
    turns: int = 0
    seconded: bool = False


class Outcome(StrEnum):
    """tell: it is believed · wait: not yet · back: the page says what it said before · over: it says something else."""

    TELL = "tell"
    WAIT = "wait"
    BACK = "back"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`why` in words. `look_at`: when one more look at the page would help; None if only time or others can."""

    outcome: Outcome
    why: str
    look_at: datetime | None = None


def judge(
    candidate: Candidate, records: Sequence[SourceRecord], chosen: Said | None, looks_wanted: int = CONFIRMING_LOOKS
) -> Judgement:
    """What is to be done about `candidate`, given what all pages of the property say and which value is `chosen`."""
    name, new = candidate.field, candidate.new
    page = next((record for record in records if record.url == candidate.url), None)
    says = said_of(name, page.values, page.evidence) if page is not None else None
    if page is None:
        return Judgement(Outcome.OVER, "the page is no source any more")
    if says is not None and is_news(name, says, new):
        went_back = candidate.old is not None and not is_news(name, candidate.old, says)
        return Judgement(Outcome.BACK, "the page went back") if went_back else Judgement(Outcome.OVER, "said anew")
    if chosen is None or is_news(name, chosen, new):
        is_fresh = candidate.looked_at - candidate.seen_at < HOLD
        at = candidate.seen_at + _OTHERS_LOOKED_AT if is_fresh else None
        return Judgement(Outcome.WAIT, "other sources are believed", at)
    if candidate.seconded:
        return Judgement(Outcome.TELL, "2 sources changed alike")
    if candidate.old is not None and slip_in(name, candidate.old, new):
        return Judgement(Outcome.WAIT, "it may be a slip")
    return _alone(candidate, page, records, looks_wanted)


def _alone(candidate: Candidate, page: SourceRecord, records: Sequence[SourceRecord], looks_wanted: int) -> Judgement:
    """One source shows it."""
    held = candidate.looked_at - candidate.seen_at
    denied = _is_denied(candidate, page, records)
    if denied or candidate.turns:
        why = "another source denies it" if denied else "the page went back before"
        needed = min((DENIED_HOLD if denied else HOLD) * 2**candidate.turns, MEMORY)
        if candidate.looks < LOOKS_IN_DOUBT or held < needed:
            return Judgement(Outcome.WAIT, why, candidate.seen_at + _next_look(held, needed))
        return Judgement(Outcome.TELL, _held(held))
    if candidate.looks and held >= HOLD:
        return Judgement(Outcome.TELL, _held(held))
    if candidate.looks >= looks_wanted:
        return Judgement(Outcome.TELL, f"{candidate.looks} further looks agree" if looks_wanted else "it is shown")
    wait = timedelta(minutes=FIRST_LOOK_MINUTES * 2**candidate.looks)
    return Judgement(Outcome.WAIT, "it is looked at again", candidate.looked_at + wait)


def _held(held: timedelta) -> str:
    return f"it held for {held.total_seconds() / 3600:.0f} h"


def _next_look(held: timedelta, needed: timedelta) -> timedelta:
    """How long after the first sight a page in doubt is looked at next."""
    quick = (FIRST_LOOK_MINUTES * (2**n - 1) / 60 for n in range(1, CONFIRMING_LOOKS + 1))
    hours = next((at for at in (*quick, *_LATER_LOOKS) if timedelta(hours=at) > held), 0.0)
    after = timedelta(hours=hours) or held * _LATER_STILL
    return after if held >= needed else min(after, needed)


def _is_denied(candidate: Candidate, page: SourceRecord, records: Sequence[SourceRecord]) -> bool:
    """Another source that was read at the same time or later says what was said before. Of a history none does: it
    may only lack a row."""
    if candidate.old is None or candidate.field in HISTORIES:
        return False
    for record in records:
        says = said_of(candidate.field, record.values, record.evidence)
        is_recent = record.as_of >= candidate.seen_at - HOLD
        if says is None or not record.voice.is_independent_of(page.voice) or not is_recent:
            continue
        if is_news(candidate.field, says, candidate.new) and not is_news(candidate.field, candidate.old, says):
            return True
    return False


def moved(name: str, before: Said | None, now: Said | None, old: Said | None) -> bool:
    """True if a page that said `before` of the field and now says `now` makes a change of `old`, which the property
    said. A page that stops saying something tells nothing, nor does one that comes round to what was said already."""
    if now is None or (before is not None and not is_news(name, before, now)):
        return False
    return old is None or is_news(name, old, now)


def seconds(candidate: Candidate, others: Collection[Candidate], voice_of: Mapping[str, Voice]) -> bool:
    """Whether an independent source has changed to the same; `voice_of` has the voices of pages by their URL."""
    mine = voice_of.get(candidate.url)
    return mine is not None and any(
        other.field == candidate.field
        and other.url in voice_of
        and voice_of[other.url].is_independent_of(mine)
        and not is_news(candidate.field, other.new, candidate.new)
        for other in others
    )
