"""A few properties are watched for a few days on a simulated clock. The evaluation must also find planted errors."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.property.storage.watches.models import Change
from benchmarks.watching.judge import judge
from benchmarks.watching.run import START, Simulated, simulate
from simulators.county.days import Plan, make_plan

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(START, homes=8, days=9, planted=5, flapping=2, turns=(1.0, 5.0), seed=3)


@pytest.fixture(scope="module")
def simulated(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    folder = tmp_path_factory.mktemp("watching")
    return simulate(plan, folder, days=9, interval_days=2, daily_pages=24, daily_model_calls=40)


def test_changes_are_reported_flapping_is_not_and_the_budget_holds(simulated: Simulated) -> None:
    figures = judge(simulated)
    assert figures.unscraped == figures.paused == 0
    assert figures.over_budget == []
    assert (figures.false, figures.missed) == ([], [])
    assert (figures.told, figures.events) == (5, 5)
    assert figures.slowest < timedelta(days=4), "a change may take an interval and the second site's delay"
    assert figures.asked > figures.pages, "every page must be requested again"


def test_a_receiver_that_is_down_half_the_time_loses_nothing(simulated: Simulated) -> None:
    figures = judge(simulated)
    assert figures.lost == figures.wrong_doubles == []
    assert figures.refused > 0
    assert list(dict.fromkeys(simulated.taken)) == [f"change_{one.id}" for one in simulated.changes]


def test_the_evaluation_finds_errors(simulated: Simulated) -> None:
    """The planted errors are an unreported change, a late duplicate, a day over budget, and an undelivered message."""
    before = judge(simulated)
    first, *rest = simulated.changes
    in_time = next(one for one in rest if not any(one.why in late and str(one.new) in late for late in before.late))
    rest.remove(in_time)
    late, twin = (
        Change(
            id=id_, property_id=in_time.property_id, field=in_time.field, old=in_time.old, new=in_time.new,
            why=in_time.why, seen_at=in_time.seen_at, published_at=in_time.published_at + timedelta(days=30),
        )
        for id_ in (in_time.id, "f" * 32)
    )  # fmt: skip
    day = next(iter(simulated.pages))
    figures = judge(
        replace(
            simulated,
            changes=[late, twin, *rest],
            pages={**simulated.pages, day: 25},
            taken=[event for event in simulated.taken if event != f"change_{late.id}"],
        )
    )
    assert len(figures.missed) == len(before.missed) + 1
    assert len(figures.late) >= 1
    assert len(figures.late) - len(before.late) in (0, 1), "the removed change may have been late"
    assert len(figures.false) == len(before.false) + 1
    assert len(figures.over_budget) == 1
    assert figures.lost == [f"change_{late.id}", f"change_{'f' * 32}"]
    assert figures.wrong_doubles == [f"change_{first.id}"]
