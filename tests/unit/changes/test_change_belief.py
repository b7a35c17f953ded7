"""When a change that a page shows is believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.property.change_belief import DENIED_HOLD, HOLD, MEMORY, Candidate, Outcome, judge, moved, seconds
from app.property.changes import Said
from app.property.record import Evidence, Method, PageKind
from app.property.source_record import SourceRecord, Voice

T0 = datetime(2026, 1, 1, tzinfo=UTC)
HERE, THERE = "https://a.example/1", "https://b.example/1"


def said(value: Any) -> Said:
    proof = Evidence(
        value=value, raw=str(value), method=Method.LABEL, locator="/html", quote=str(value), source_url=HERE,
        fetched_at=T0, content_sha256="a" * 64, confidence=0.9,
    )  # fmt: skip
    return Said(value, proof)


def page(url: str, price: float, at: datetime = T0) -> SourceRecord:
    one = said(price)
    return SourceRecord(url, url, PageKind.LISTING, "a" * 64, at, {"ListPrice": price}, {"ListPrice": one.proof})


CUT = Candidate("ListPrice", HERE, said(500000), said(480000), T0, T0)
SHOWS = page(HERE, 480000)
CHOSEN = said(480000)


def test_a_page_that_alone_shows_a_change_is_looked_at_until_three_further_looks_agree() -> None:
    """After 5, 10 and 20 minutes."""
    at, waits = T0, []
    for looks in range(3):
        judgement = judge(replace(CUT, looks=looks, looked_at=at), [SHOWS], CHOSEN)
        assert judgement.outcome is Outcome.WAIT
        assert judgement.look_at is not None
        waits.append((judgement.look_at - at) / timedelta(minutes=1))
        at = judgement.look_at
    assert waits == [5, 10, 20]
    assert judge(replace(CUT, looks=3, looked_at=at), [SHOWS], CHOSEN).outcome is Outcome.TELL


def test_one_look_a_day_later_is_enough() -> None:
    later = replace(CUT, looks=1, looked_at=T0 + HOLD)
    assert judge(later, [SHOWS], CHOSEN).outcome is Outcome.TELL
    assert judge(replace(later, looked_at=T0 + HOLD / 2), [SHOWS], CHOSEN).outcome is Outcome.WAIT


def test_a_second_source_that_changed_alike_is_enough() -> None:
    other = Candidate("ListPrice", THERE, said(500000), said(480000), T0, T0)
    voices = {HERE: Voice("a.example", None), THERE: Voice("b.example", None)}
    assert seconds(CUT, [other], voices)
    assert judge(replace(CUT, seconded=True), [SHOWS], CHOSEN).outcome is Outcome.TELL
    assert not seconds(
        CUT, [other], dict.fromkeys((HERE, THERE), voices[HERE])
    )  # two pages of one site repeat each other
    assert not seconds(CUT, [replace(other, new=said(470000))], voices)
    assert not seconds(CUT, [replace(other, field="ClosePrice")], voices)


def test_a_page_that_goes_back_is_told_apart_from_one_that_changes_again() -> None:
    assert judge(CUT, [page(HERE, 500000)], said(500000)).outcome is Outcome.BACK
    assert judge(CUT, [page(HERE, 470000)], said(470000)).outcome is Outcome.OVER
    assert judge(CUT, [page(THERE, 480000)], CHOSEN).outcome is Outcome.OVER


DENIES = page(THERE, 500000)


def test_a_change_that_another_source_denies_has_to_hold() -> None:
    """For three days, through at least six looks, not just at both ends: the first three are within 35 minutes, and one
    more after days of a spent budget would be one of two chances."""
    held = replace(CUT, looks=6, looked_at=T0 + DENIED_HOLD)
    assert judge(held, [SHOWS, DENIES], CHOSEN).outcome is Outcome.TELL
    for too_little in (replace(held, looks=5), replace(held, looked_at=T0 + DENIED_HOLD * 0.99)):
        assert judge(too_little, [SHOWS, DENIES], CHOSEN).outcome is Outcome.WAIT
    long_ago = page(THERE, 500000, T0 - timedelta(days=3))  # it was not looked at since: it denies nothing
    assert judge(replace(CUT, looks=3, looked_at=T0 + HOLD / 2), [SHOWS, long_ago], CHOSEN).outcome is Outcome.TELL


@pytest.mark.parametrize("turn_hours", [0.34, 0.5, 1, 2, 3, 5, 7, 11, 12, 16, 20, 24, 36, 50])
def test_a_page_that_turns_regularly_is_found_out_whatever_its_phase(turn_hours: float) -> None:
    """It says the new price for one turn and the old one for the next; it is looked at when it is asked to be."""
    for phase in range(40):
        since = turn_hours * phase / 40
        one = CUT
        while (judgement := judge(one, [SHOWS, DENIES], CHOSEN)).outcome is Outcome.WAIT:
            assert judgement.look_at is not None
            assert judgement.look_at > one.looked_at
            hours = since + (judgement.look_at - T0) / timedelta(hours=1)
            if int(hours // turn_hours) % 2:
                break
            one = replace(one, looks=one.looks + 1, looked_at=judgement.look_at)
        assert judgement.outcome is Outcome.WAIT, f"told after {one.looks} looks in phase {phase}"


def test_a_page_that_went_back_before_has_to_hold_twice_as_long_each_time() -> None:
    for turns in (1, 2, 3):
        one = replace(CUT, turns=turns, looks=9)
        assert judge(replace(one, looked_at=T0 + HOLD * 2**turns), [SHOWS], CHOSEN).outcome is Outcome.TELL
        assert judge(replace(one, looked_at=T0 + HOLD * 2**turns * 0.99), [SHOWS], CHOSEN).outcome is Outcome.WAIT


def test_looks_at_a_page_in_doubt_grow_rare() -> None:
    """A month of doubt costs twenty looks at most."""
    one, looks = replace(CUT, turns=9), 0
    while (judgement := judge(one, [SHOWS, DENIES], CHOSEN)).outcome is Outcome.WAIT:
        assert judgement.look_at is not None
        one, looks = replace(one, looks=one.looks + 1, looked_at=judgement.look_at), looks + 1
    assert one.looked_at - T0 == MEMORY
    assert looks <= 20


def test_what_is_not_the_chosen_value_is_not_told() -> None:
    sure = replace(CUT, looks=9, seconded=True)
    assert judge(sure, [SHOWS], said(500000)).outcome is Outcome.WAIT
    assert judge(sure, [SHOWS], None).outcome is Outcome.WAIT


def test_while_others_are_believed_there_is_one_more_look_within_a_day() -> None:
    """A site that follows another one within a day says the same by then; one that does not is no reason to ask on."""
    others = [SHOWS, DENIES]
    first = judge(CUT, others, said(500000))
    assert (first.outcome, first.look_at) == (Outcome.WAIT, T0 + timedelta(hours=21))
    then = judge(replace(CUT, looks=1, looked_at=T0 + timedelta(hours=21)), others, said(500000))
    assert (then.outcome, then.look_at) == (Outcome.WAIT, None)


def test_a_slip_is_not_told_unless_a_second_source_changed_alike() -> None:
    slip = replace(CUT, new=said(5000000), looks=9, looked_at=T0 + HOLD * 9)
    assert judge(slip, [page(HERE, 5000000)], said(5000000)).outcome is Outcome.WAIT
    assert judge(replace(slip, seconded=True), [page(HERE, 5000000)], said(5000000)).outcome is Outcome.TELL


def test_a_page_moves_only_by_itself_and_only_to_what_is_new() -> None:
    old = said(500000)
    assert moved("ListPrice", said(500000), said(480000), old)
    assert not moved("ListPrice", said(480000), said(480000), old)  # it said so before; only the choice differs
    assert not moved("ListPrice", said(520000), said(500000), old)  # it comes round to what the others say
    assert not moved("ListPrice", said(500000), None, old)
    assert moved("ListPrice", None, said(480000), None)
