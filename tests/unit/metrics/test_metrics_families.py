"""From totals and figures to families: nothing is invented, nothing that is unknown looks like a zero."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client.metrics_core import Metric

from app.keypool.figures import CallFigures, ModelFigures, PoolFigures, Room
from app.keypool.outcomes import Outcome
from app.keypool.snapshots import KeySnapshot
from app.keypool.spending import Budget, Cap, Spent
from app.property.storage.jobs.figures import JobFigures
from app.property.storage.llm.requests import RequestFigures
from app.services.keys.view import KeyReport
from app.services.reports.metrics.instruments import SPECS, Label, Samples, Spec
from app.services.reports.metrics.samples import HealthFigures, health_samples, job_samples, pool_samples
from app.services.reports.metrics.shared_counts import encode, families

MODEL = Label("model", others="models")
PAGES = Spec("counter", "pages", "Pages.", (Label("outcome", ("fetched",), "error codes"),))
RUNS = Spec("counter", "runs", "Runs.")
ENDS = Spec("counter", "ends", "Ends.", (Label("how", ("well", "badly")),))
SECONDS = Spec("histogram", "seconds", "Seconds.", (MODEL,), (1.0, 2.5, 10.0))


def _shown(found: list[Metric]) -> dict[str, dict[tuple[Any, ...], float]]:
    """Samples by name, by the values of their labels."""
    shown: dict[str, dict[tuple[Any, ...], float]] = {}
    for family in found:
        for sample in family.samples:
            values = shown.setdefault(sample.name, {})
            assert tuple(sample.labels.values()) not in values, "a series must not be there twice"
            values[tuple(sample.labels.values())] = sample.value
    return shown


def _read(samples: Mapping[str, Samples]) -> dict[str, dict[tuple[Any, ...], float]]:
    """The same, of what is read where it is kept."""
    return _shown([SPECS[name].family(one) for name, one in samples.items()])


def test_a_bucket_that_was_never_reported_holds_nothing() -> None:
    """Only what has grown is reported: a first observation of 3 s says nothing of the buckets below."""
    totals = {
        encode("seconds_bucket", {"model": "m", "le": "10.0"}): 1.0,
        encode("seconds_bucket", {"model": "m", "le": "+Inf"}): 2.0,
        encode("seconds_count", {"model": "m"}): 2.0,
        encode("seconds_sum", {"model": "m"}): 33.0,
    }
    assert _shown(families([SECONDS], totals)) == {
        "seconds_bucket": {("m", "1.0"): 0.0, ("m", "2.5"): 0.0, ("m", "10.0"): 1.0, ("m", "+Inf"): 2.0},
        "seconds_count": {("m",): 2.0},
        "seconds_sum": {("m",): 33.0},
    }


def test_the_order_of_labels_makes_no_second_series() -> None:
    assert encode("a", {"x": "1", "y": "2"}) == encode("a", {"y": "2", "x": "1"})


@pytest.mark.parametrize("value", ['say "hi"', "two\nlines", "back\\slash", "", "{a=1},b", "Straße 5 · 東京", "\u2028"])
def test_any_label_value_comes_back_as_it_was(value: str) -> None:
    totals = {encode("pages_total", {"outcome": value}): 3.0}
    assert _shown(families([PAGES], totals)) == {"pages_total": {(value,): 3.0}}


def test_what_another_version_counted_is_left_out() -> None:
    totals = {
        encode("pages_total", {"outcome": "fetched"}): 3.0,
        encode("pages_total", {"host": "a"}): 9.0,
        encode("gone_total", {}): 9.0,
        encode("seconds_bucket", {"model": "m", "le": "7.0"}): 1.0,
    }
    shown = _shown(families([PAGES, SECONDS], totals))
    assert shown["pages_total"] == {("fetched",): 3.0}
    assert ("m", "7.0") not in shown["seconds_bucket"]


def test_every_family_is_there_before_its_first_sample_and_what_has_no_labels_begins_at_zero() -> None:
    found = families([PAGES, RUNS, SECONDS], {})
    assert [(family.name, family.type, family.documentation) for family in found] == [
        ("pages", "counter", "Pages."),
        ("runs", "counter", "Runs."),
        ("seconds", "histogram", "Seconds."),
    ]
    assert _shown(found) == {"runs_total": {(): 0.0}}


def test_series_that_must_not_be_missed_begin_at_zero() -> None:
    """Else the growth of a counter that begins with 1000 events is unknown."""
    assert _shown(families([ENDS], {})) == {"ends_total": {("well",): 0.0, ("badly",): 0.0}}
    counted = {encode("ends_total", {"how": "badly"}): 1000.0, encode("ends_total", {"how": "late"}): 2.0}
    assert _shown(families([ENDS], counted)) == {"ends_total": {("well",): 0, ("badly",): 1000, ("late",): 2}}
    assert _shown(families([ENDS], None)) == {}


def test_totals_that_nobody_knows_are_no_zeros() -> None:
    """A counter that falls to 0 and comes back looks like as many events as it ever counted."""
    found = families([PAGES, RUNS, SECONDS], None)
    assert [family.samples for family in found] == [[], [], []]


def _snapshot(key_id: str, state: Any, **more: Any) -> KeySnapshot:
    figures = {"rate_limited": False, "requests": 5, "successes": 4, "failures": 1, "rate_limits": 0, "in_flight": 2}
    return KeySnapshot(key_id, state, last_used_us=None, **{**figures, **more})


REPORT = KeyReport(
    masks={"id-a": "sk-a...1", "id-b": "sk-b...2", "id-c": "sk-c...3"},
    snapshots=(
        _snapshot("id-a", "closed", spent_today=Spent(3, 900, 1_500_000)),
        _snapshot("id-b", "cooling", rate_limited=True, in_flight=0),
        _snapshot("id-c", "draining", in_flight=0),
    ),
    figures=PoolFigures(
        scope="fleet",
        groups={"id-a": "id-a", "id-b": "team", "id-c": "team"},
        calls=(CallFigures("id-a", "m", {Outcome.SUCCESS: 4, Outcome.RATE_LIMITED: 1}, 800, 100, 1_500_000, 640),),
        transitions={"id-b": {"cooling": 2, "open": 1}},
        models=(ModelFigures("m", {"no_room": 7}, (1, 0, 2, *[0] * 8, 3), 4_500_000, {"requests": 2_000_000}),),
        rooms=(Room("id-a", "m", "requests", 500.0, 3.5), Room("team", "m", "tokens", 30_000.0, 0.0)),
        stopped={},
    ),
    spent=Spent(3, 900, 1_500_000),
    losses=1,
    budget=Budget(day=Cap(calls=10, microusd=1_000_000), key_day=Cap(tokens=1000)),
)


def test_the_pool_is_shown_by_masks_and_never_by_ids() -> None:
    """Also where a key is a limit group of its own, which goes by the key's id inside."""
    shown = _read(pool_samples(2, REPORT))
    assert shown["propintel_openai_requests_total"] == {
        ("sk-a...1", "m", "success"): 4.0,
        ("sk-a...1", "m", "rate_limited"): 1.0,
    }
    assert shown["propintel_openai_tokens_total"] == {("sk-a...1", "m", "input"): 800, ("sk-a...1", "m", "output"): 100}
    assert shown["propintel_openai_cached_tokens_total"] == {("sk-a...1", "m"): 640}
    assert shown["propintel_openai_cost_usd_total"] == {("sk-a...1", "m"): 1.5}
    assert shown["propintel_openai_key_transitions_total"] == {("sk-b...2", "cooling"): 2, ("sk-b...2", "open"): 1}
    assert shown["propintel_openai_key_state"] == {
        ("sk-a...1", "sk-a...1", "closed"): 1,
        ("sk-b...2", "team", "cooling"): 1,
        ("sk-c...3", "team", "draining"): 1,
    }
    assert shown["propintel_openai_limit"] == {("sk-a...1", "m", "requests"): 500, ("team", "m", "tokens"): 30_000}
    assert shown["propintel_openai_room"] == {("sk-a...1", "m", "requests"): 3.5, ("team", "m", "tokens"): 0}
    assert "id-" not in str(shown)


def test_a_key_that_rests_or_drains_is_not_healthy() -> None:
    shown = _read(pool_samples(2, REPORT))
    assert shown["propintel_openai_keys_configured"] == {(): 2}
    assert shown["propintel_openai_keys_healthy"] == {(): 1}
    assert shown["propintel_openai_key_in_flight"] == {("sk-a...1",): 2, ("sk-b...2",): 0, ("sk-c...3",): 0}
    assert shown["propintel_openai_pool_shared"] == {(): 1}
    assert shown["propintel_openai_store_losses_total"] == {(): 1}


def test_waits_are_cumulative_as_prometheus_wants_them() -> None:
    shown = _read(pool_samples(2, REPORT))
    buckets = shown["propintel_openai_wait_seconds_bucket"]
    assert [buckets["m", bound] for bound in ("0.01", "0.05", "0.1", "60.0", "+Inf")] == [1, 1, 3, 3, 6]
    assert shown["propintel_openai_wait_seconds_count"] == {("m",): 6}
    assert shown["propintel_openai_wait_seconds_sum"] == {("m",): 4.5}
    assert shown["propintel_openai_refusals_total"] == {("m", "no_room"): 7}
    assert shown["propintel_openai_saturated_seconds_total"] == {("m", "requests"): 2.0}


def test_only_budgets_that_are_configured_are_shown_and_none_is_below_zero() -> None:
    shown = _read(pool_samples(2, REPORT))
    assert shown["propintel_spent_today"] == {("calls",): 3, ("tokens",): 900, ("usd",): 1.5}
    assert shown["propintel_budget_limit"] == {("day", "calls"): 10, ("day", "usd"): 1.0, ("key_day", "tokens"): 1000}
    assert shown["propintel_budget_left"] == {("day", "calls"): 7, ("day", "usd"): 0}
    assert shown["propintel_budget_key_left"] == {("sk-a...1", "tokens"): 100, ("sk-b...2", "tokens"): 1000}


def test_a_pool_that_cannot_be_asked_has_no_counters_and_says_that_it_is_not_shared() -> None:
    shown = _read(pool_samples(2, None))
    assert shown == {"propintel_openai_keys_configured": {(): 2}, "propintel_openai_pool_shared": {(): 0}}


def test_jobs_and_messages_are_absent_where_nobody_can_be_asked() -> None:
    figures = JobFigures({"queued": 2}, 12.5, RequestFigures(parked=3, sent=4, oldest_seconds=7.5), 2)
    assert _read(job_samples(figures, {"scrape": 2})) == {
        "propintel_jobs": {("queued",): 2},
        "propintel_oldest_queued_job_age_seconds": {(): 12.5},
        "propintel_model_requests": {("parked",): 3, ("sent",): 4},
        "propintel_oldest_model_request_age_seconds": {(): 7.5},
        "propintel_model_batches": {(): 2},
        "propintel_queue_messages": {("scrape",): 2},
    }
    assert _read(job_samples(None, None)) == {}


def test_alerts_are_counted_by_kind_and_keys_that_are_gone_are_left_out() -> None:
    seen = datetime(2026, 1, 1, tzinfo=UTC)
    figures = HealthFigures(
        {"id-a": seen, "id-z": seen}, [("key_dead", "critical"), ("key_dead", "critical"), ("key_old", "warning")]
    )
    assert _read(health_samples(figures, REPORT.masks)) == {
        "propintel_openai_key_first_seen_timestamp_seconds": {("sk-a...1",): 1767225600.0},
        "propintel_alerts_firing": {("key_dead", "critical"): 2, ("key_old", "warning"): 1},
    }
