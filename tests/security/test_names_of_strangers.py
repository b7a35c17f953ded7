"""Names that a real name server resolves to internal addresses: alias, mixed, mapped, tunneled, rebound."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.plugins.network_namespace import run_isolated
from tests.security import names_of_strangers as names

_OUTSIDE = {names.PUBLIC, names.PUBLIC_6}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return each name's [result, contacted addresses], with the guard and without it."""
    folder = tmp_path_factory.mktemp("names")
    run_isolated(names.__name__, str(folder), timeout_seconds=80)
    found: dict[str, Any] = json.loads((folder / "seen.json").read_text())
    return found


def test_honest_names_are_fetched(seen: dict[str, Any]) -> None:
    for name in names.HONEST:
        outcome, reached = seen["guarded"][name]
        assert outcome == "fetched", name
        assert set(reached) <= _OUTSIDE
        assert len(reached) == 2, "expected a connection for robots.txt and one for the page"


def test_no_dns_answer_leads_to_an_internal_address(seen: dict[str, Any]) -> None:
    """Each name gets its own error, and no connection is opened, even to a public address in the same answer."""
    for name in set(names.RECORDS) - set(names.HONEST):
        assert seen["guarded"][name] == ["blocked_address", []], name


def test_a_name_that_changes_its_answer_reaches_the_checked_address_or_nothing(seen: dict[str, Any]) -> None:
    """Answers are cached briefly, so robots.txt and the page use the checked address. Later requests are refused."""
    for name in names.REBINDS:
        assert seen["guarded"][name] == ["fetched", [names.PUBLIC, names.PUBLIC]], name
        assert seen["later"][name] == ["blocked_address", []], name


def test_names_that_do_not_resolve_are_reported(seen: dict[str, Any]) -> None:
    for name in names.DEAD:
        assert seen["guarded"][name] == ["name_not_resolved", []], name


def test_without_a_guard_the_hostile_names_lead_inside(seen: dict[str, Any]) -> None:
    """The network is live: a client without the guard reaches the addresses that the guard refuses."""
    for name in [*names.REACHABLE_WITHOUT_A_GUARD, *names.REBINDS]:
        outcome, reached = seen["naive"][name]
        assert outcome == "fetched", name
        assert set(reached) <= {names.INSIDE, names.INSIDE_6}, name
        assert reached, name
