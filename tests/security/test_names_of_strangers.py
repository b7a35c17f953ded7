"""Names that lead inside by what a real name server answers: alias, mixed, mapped, tunnelled, rebound."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.plugins.network_namespace import run_isolated
from tests.security import names_of_strangers as names

_OUTSIDE = {names.PUBLIC, names.PUBLIC_6}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """By name [what became of it, the addresses reached], with our guard and without one."""
    folder = tmp_path_factory.mktemp("names")
    run_isolated(names.__name__, str(folder), timeout_seconds=80)
    found: dict[str, Any] = json.loads((folder / "seen.json").read_text())
    return found


def test_honest_names_are_fetched(seen: dict[str, Any]) -> None:
    for name in names.HONEST:
        outcome, reached = seen["guarded"][name]
        assert outcome == "fetched", name
        assert set(reached) <= _OUTSIDE
        assert len(reached) == 2, "robots.txt and the page"


def test_no_answer_leads_inside(seen: dict[str, Any]) -> None:
    """Refused by its own error, and not one connection was opened, neither inside nor to a public address beside it."""
    for name in set(names.RECORDS) - set(names.HONEST):
        assert seen["guarded"][name] == ["blocked_address", []], name


def test_a_name_that_changes_its_answer_reaches_what_was_checked_or_nothing(seen: dict[str, Any]) -> None:
    """Answers are kept for a while, so robots.txt and the page go to what the first check saw; then it is refused."""
    for name in names.REBINDS:
        assert seen["guarded"][name] == ["fetched", [names.PUBLIC, names.PUBLIC]], name
        assert seen["later"][name] == ["blocked_address", []], name


def test_names_that_lead_nowhere_say_so(seen: dict[str, Any]) -> None:
    for name in names.DEAD:
        assert seen["guarded"][name] == ["name_not_resolved", []], name


def test_without_a_guard_those_names_do_lead_inside(seen: dict[str, Any]) -> None:
    """The network is live: what the guard refuses, another client reaches."""
    for name in [*names.REACHABLE_WITHOUT_A_GUARD, *names.REBINDS]:
        outcome, reached = seen["naive"][name]
        assert outcome == "fetched", name
        assert set(reached) <= {names.INSIDE, names.INSIDE_6}, name
        assert reached, name
