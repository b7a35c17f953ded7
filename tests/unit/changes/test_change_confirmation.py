"""A change on a page is published only after later checks of the page or a second source confirm it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.property.merging.change_confirmation import HOLD, Candidate, Outcome, changes_property, is_confirmed, judge
from app.property.merging.changes import Statement
from app.property.record import SourceKind
from app.property.source_record import SourceRecord, Voter
from tests.plugins.page_records import page_record

T0 = datetime(2026, 1, 1, tzinfo=UTC)
HERE, THERE = "https://a.example/1", "https://b.example/1"


def page(url: str, price: float, at: datetime = T0) -> SourceRecord:
    return page_record(url, {"ListPrice": price}, at)


def statement(value: Any) -> Statement:
    return Statement(value, page(HERE, value).evidence["ListPrice"])


CUT = Candidate("ListPrice", HERE, statement(500000), statement(480000), T0, T0)
SHOWS = page(HERE, 480000)
CHOSEN = statement(480000)


def test_a_change_on_one_page_needs_three_further_looks() -> None:
    """The page is checked again after 5, 10, and 20 minutes."""
    at, waits = T0, []
    for looks in range(3):
        judgment = judge(replace(CUT, looks=looks, looked_at=at), [SHOWS], CHOSEN)
        assert judgment.outcome is Outcome.WAITING
        assert judgment.look_at is not None
        waits.append((judgment.look_at - at) / timedelta(minutes=1))
        at = judgment.look_at
    assert waits == [5, 10, 20]
    assert judge(replace(CUT, looks=3, looked_at=at), [SHOWS], CHOSEN).outcome is Outcome.ACCEPTED


def test_one_look_a_day_later_is_enough() -> None:
    later = replace(CUT, looks=1, looked_at=T0 + HOLD)
    assert judge(later, [SHOWS], CHOSEN).outcome is Outcome.ACCEPTED
    assert judge(replace(later, looked_at=T0 + HOLD / 2), [SHOWS], CHOSEN).outcome is Outcome.WAITING


def test_the_same_change_on_a_second_source_is_enough() -> None:
    other = Candidate("ListPrice", THERE, statement(500000), statement(480000), T0, T0)
    voters = {HERE: Voter("a.example", None), THERE: Voter("b.example", None)}
    assert is_confirmed(CUT, [other], voters)
    assert judge(replace(CUT, confirmed=True), [SHOWS], CHOSEN).outcome is Outcome.ACCEPTED
    one_site = dict.fromkeys((HERE, THERE), voters[HERE])
    assert not is_confirmed(CUT, [other], one_site)
    assert not is_confirmed(CUT, [replace(other, new=statement(470000))], voters)
    assert not is_confirmed(CUT, [replace(other, field="ClosePrice")], voters)


def test_a_page_that_reverts_differs_from_one_that_changes_again() -> None:
    assert judge(CUT, [page(HERE, 500000)], statement(500000)).outcome is Outcome.REVERTED
    assert judge(CUT, [page(HERE, 470000)], statement(470000)).outcome is Outcome.REPLACED
    assert judge(CUT, [page(THERE, 480000)], CHOSEN).outcome is Outcome.REPLACED


DENIES = page(THERE, 500000)


def looks_at(one: Candidate, others: list[SourceRecord]) -> list[datetime]:
    times = []
    while (judgment := judge(one, [SHOWS, *others], CHOSEN)).outcome is Outcome.WAITING:
        assert judgment.look_at is not None
        times.append(judgment.look_at)
        one = replace(one, looks=one.looks + 1, looked_at=judgment.look_at)
    assert judgment.outcome is Outcome.ACCEPTED
    return times


@pytest.mark.parametrize(("one", "others"), [(CUT, [DENIES]), (replace(CUT, went_back=True), [])])
def test_a_doubtful_change_needs_ten_further_looks(one: Candidate, others: list[SourceRecord]) -> None:
    """A change is doubtful if another source contradicts the new value, or if the page has switched back before."""
    minutes = [(at - T0) / timedelta(minutes=1) for at in looks_at(one, others)]
    assert minutes == [5, 15, 35, 75, 155, 315, 635, 1275, 2555, 3835]
    daily = replace(one, looks=9, looked_at=T0 + 9 * timedelta(days=1))
    assert judge(daily, [SHOWS, *others], CHOSEN).outcome is Outcome.WAITING, "how long it held does not matter"


def test_a_page_read_long_before_the_change_contradicts_nothing() -> None:
    long_ago = page(THERE, 500000, T0 - timedelta(days=3))
    assert judge(replace(CUT, looks=3, looked_at=T0 + HOLD / 2), [SHOWS, long_ago], CHOSEN).outcome is Outcome.ACCEPTED


def test_a_value_that_was_not_chosen_is_not_published() -> None:
    sure = replace(CUT, looks=9, confirmed=True)
    assert judge(sure, [SHOWS], statement(500000)).outcome is Outcome.WAITING
    assert judge(sure, [SHOWS], None).outcome is Outcome.WAITING


def test_a_change_is_looked_at_further_while_an_earlier_source_of_its_rank_keeps_the_old_value() -> None:
    """The property still shows the other source's value. Ten looks take 64 hours, and then that source is old."""
    denies = replace(DENIES, content_sha256="f" * 64)
    old = Statement(500000, denies.evidence["ListPrice"].model_copy(update={"content_sha256": "f" * 64}))
    judgment = judge(CUT, [SHOWS, denies], old)
    assert (judgment.outcome, judgment.look_at) == (Outcome.WAITING, CUT.look_at)
    assert judge(replace(CUT, looks=10), [SHOWS, denies], old).look_at is None
    known = replace(denies, source_kind=SourceKind.PORTAL)
    assert judge(CUT, [SHOWS, known], old).look_at is None, "looks do not raise a page's rank"
    assert judge(CUT, [SHOWS, denies], statement(510000)).look_at is None, "a third value is shown"


def test_a_number_error_is_not_published_unless_a_second_source_changed_the_same_way() -> None:
    slip = replace(CUT, new=statement(5000000), looks=9, looked_at=T0 + HOLD * 9)
    assert judge(slip, [page(HERE, 5000000)], statement(5000000)).outcome is Outcome.WAITING
    assert judge(replace(slip, confirmed=True), [page(HERE, 5000000)], statement(5000000)).outcome is Outcome.ACCEPTED


def test_only_a_page_s_own_change_to_a_new_value_counts() -> None:
    old = statement(500000)
    assert changes_property("ListPrice", statement(500000), statement(480000), old)
    # the property already had this value; only the chosen source differs
    assert not changes_property("ListPrice", statement(480000), statement(480000), old)
    assert not changes_property("ListPrice", statement(520000), statement(500000), old)
    assert not changes_property("ListPrice", statement(500000), None, old)
    assert changes_property("ListPrice", None, statement(480000), None)
