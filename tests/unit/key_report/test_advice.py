"""Advice follows from the pool's figures and is given only with enough evidence."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.property.storage.keys.usage import Demand
from app.services.reports.key_report.advice import Advice, Evidence, advise
from app.services.reports.key_report.view import KeyView

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(hours=24)
DAY_US = 86_400 * 1_000_000
LONG_AGO = NOW - timedelta(days=30)


def key(name: str, state: str = "closed", **values: Any) -> KeyView:
    return KeyView(name, f"sk-{name}", values.pop("group", name), state, **{"first_seen_at": LONG_AGO, **values})


def evidence(**values: Any) -> Evidence:
    base = Evidence((key("a"), key("b")), {"m": Demand(sent=1000)}, DAY)
    return replace(base, **values)


def saturated(share: float, unit: str = "requests", **values: Any) -> dict[str, Demand]:
    return {"m": Demand(sent=1000, **{f"saturated_{unit}_us": round(share * DAY_US)}, **values)}


def codes(advice: list[Advice]) -> list[str]:
    return [piece.code for piece in advice]


def only(advice: list[Advice], code: str) -> Advice:
    (found,) = [piece for piece in advice if piece.code == code]
    return found


# --- capacity


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"demand": saturated(0.0099)}, ["enough:info"]),
        ({"demand": saturated(0.01)}, ["saturated:info", "more_quota_helps:warning"]),
        ({"demand": saturated(0.099)}, ["saturated:info", "more_quota_helps:warning"]),
        ({"demand": saturated(0.1)}, ["saturated:warning", "more_quota_helps:warning"]),
        ({"keys": (key("a", "cooling"),)}, ["enough:info"]),
        ({"demand": {}}, ["idle:info"]),
        ({"demand": {"m": Demand()}}, ["idle:info"]),
        ({"keys": ()}, []),
    ],
)
def test_advice_depends_on_the_share_of_the_day_without_capacity(values: dict[str, Any], expected: list[str]) -> None:
    assert [f"{piece.code}:{piece.severity}" for piece in advise(evidence(**values))] == expected


@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        ({}, "enough", "needs no more keys or quota"),
        ({"demand": saturated(0.5)}, "more_quota_helps", "another organization or project"),
        (
            {"demand": {"m": Demand(9, refusals={"budget": 4}), "n": Demand(refusals={"budget": 1})}},
            "budget_stops",
            "A budget stopped 5 requests in the last 24 hours: more keys do not help",
        ),
        ({"demand": {"x": Demand(refusals={"forbidden": 3})}}, "model_forbidden", "No key may use x: 3 requests"),
    ],
)
def test_advice_says_what_helps(values: dict[str, Any], code: str, words: str) -> None:
    sentence = only(advise(evidence(**values)), code).sentence
    assert words in sentence
    assert "limit groups" not in sentence, "no key shares a limit"


@pytest.mark.parametrize(("unit", "words"), [("requests", "requests per minute"), ("tokens", "tokens per minute")])
def test_saturation_names_model_share_and_the_exhausted_limit(unit: str, words: str) -> None:
    piece = only(advise(evidence(demand=saturated(0.23, unit, refusals={"no_capacity": 7}))), "saturated")
    assert piece.sentence == f"m: the pool was saturated for 23% of the last 24 hours, by its {words}."
    assert piece.numbers == {"model": "m", "unit": unit, "share": 0.23, "seconds": 19_872.0, "found_no_capacity": 7}


def test_each_saturated_model_is_named() -> None:
    demand = {"x": Demand(1, saturated_tokens_us=DAY_US // 2), "m": Demand(1, saturated_requests_us=DAY_US // 2)}
    advice = advise(evidence(demand=demand | {"idle": Demand()}))
    assert [piece.numbers["model"] for piece in advice if piece.code == "saturated"] == ["m", "x"]


def test_keys_that_share_a_limit_group_add_no_capacity_and_are_counted() -> None:
    keys = tuple(key(f"k{n}", group=f"team{n % 3}") for n in range(12))
    piece = only(advise(evidence(keys=keys, demand=saturated(0.5))), "more_quota_helps")
    assert "your 12 keys are in 3 limit groups" in piece.sentence
    assert piece.numbers == {"keys": 12, "limit_groups": 3}


@pytest.mark.parametrize("state", ["open", "half_open", "dead", "no_quota"])
def test_keys_out_of_rotation_are_repaired_before_buying_more(state: str) -> None:
    advice = advise(evidence(keys=(key("a", state), key("b")), demand=saturated(0.5)))
    assert codes(advice) == ["mend_keys_first", "saturated"]
    assert "1 of 2 keys are out of rotation (sk-a)" in advice[0].sentence


def test_a_disabled_key_is_mentioned_but_not_to_be_repaired() -> None:
    keys = (key("a", "disabled"), key("b"), key("c"))
    piece, *others = advise(evidence(keys=keys, demand=saturated(0.5)))
    assert (piece.code, piece.severity) == ("keys_disabled", "info")
    assert piece.sentence.startswith("1 of 3 keys is disabled by an operator (sk-a)")
    assert piece.numbers == {"disabled": 1, "keys": 3, "masks": ["sk-a"]}
    assert codes(others) == ["saturated"]


def test_a_young_installation_reports_its_observed_time() -> None:
    half = timedelta(minutes=30)
    demand = {"m": Demand(1, saturated_requests_us=900 * 1_000_000)}
    piece = only(advise(evidence(demand=demand, observed=half)), "saturated")
    assert "50% of the last 30 minutes" in piece.sentence
    assert codes(advise(evidence(observed=timedelta(0)))) == ["enough"], "advice in the first second"


# --- generated figures

_keys = st.builds(
    KeyView,
    key_id=st.text("abc", min_size=1, max_size=3),
    mask=st.text(min_size=1, max_size=8),
    group=st.sampled_from(["g", "h"]),
    state=st.sampled_from(["closed", "open", "half_open", "dead", "no_quota", "cooling"]),
    first_seen_at=st.none() | st.just(LONG_AGO),
)
_demand = st.builds(
    Demand,
    sent=st.integers(0, 10**9),
    saturated_requests_us=st.integers(0, 2 * DAY_US),
    saturated_tokens_us=st.integers(0, 2 * DAY_US),
    refusals=st.dictionaries(st.sampled_from(["budget", "no_capacity", "forbidden", "quota"]), st.integers(0, 10**6)),
)


@given(
    keys=st.lists(_keys, max_size=6).map(tuple),
    demand=st.dictionaries(st.sampled_from(["m", "n", ""]), _demand, max_size=2),
    observed=st.timedeltas(timedelta(0), DAY),
)
def test_advice_never_contradicts_itself(
    keys: tuple[KeyView, ...], demand: dict[str, Demand], observed: timedelta
) -> None:
    advice = advise(Evidence(keys, demand, observed))
    found = codes(advice)
    assert sum(code in found for code in ("enough", "more_quota_helps", "idle")) <= 1
    assert not {"mend_keys_first", "more_quota_helps"} <= set(found)
    assert not {"saturated", "enough"} <= set(found)
    assert ("saturated" in found) or ("more_quota_helps" not in found)
    assert all(0 <= piece.numbers.get("share", 0) <= 1 for piece in advice)
    json.dumps([piece.as_json() for piece in advice], allow_nan=False)
