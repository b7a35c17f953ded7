"""Metric families omit unknown values instead of showing zero."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client.metrics_core import Metric

from app.keypool.figures import CallFigures, Capacity, ModelFigures, PoolFigures
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
    shown: dict[str, dict[tuple[Any, ...], float]] = {}
    for family in found:
        for sample in family.samples:
            values = shown.setdefault(sample.name, {})
            assert tuple(sample.labels.values()) not in values, "a series appears twice"
            values[tuple(sample.labels.values())] = sample.value
    return shown


def _read(samples: Mapping[str, Samples]) -> dict[str, dict[tuple[Any, ...], float]]:
    return _shown([SPECS[name].family(one) for name, one in samples.items()])


def test_a_bucket_without_a_report_is_zero() -> None:
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


@pytest.mark.parametrize("value", ['say "hi"', "two\nlines", "back\\slash", "", "{a=1},b", "Straße 5 · 東京", "\u2028"])
def test_any_label_value_survives_encoding(value: str) -> None:
    totals = {encode("pages_total", {"outcome": value}): 3.0}
    assert _shown(families([PAGES], totals)) == {"pages_total": {(value,): 3.0}}
    assert encode("a", {"x": "1", "y": value}) == encode("a", {"y": value, "x": "1"})


def test_counts_of_another_version_are_ignored() -> None:
    totals = {
        encode("pages_total", {"outcome": "fetched"}): 3.0,
        encode("pages_total", {"host": "a"}): 9.0,
        encode("gone_total", {}): 9.0,
        encode("seconds_bucket", {"model": "m", "le": "7.0"}): 1.0,
    }
    shown = _shown(families([PAGES, SECONDS], totals))
    assert shown["pages_total"] == {("fetched",): 3.0}
    assert ("m", "7.0") not in shown["seconds_bucket"]


def test_every_family_exists_before_its_first_sample_and_declared_label_words_start_at_zero() -> None:
    """If a counter first appeared at 1000, its growth would be unknown. But unknown totals are not shown as zero."""
    specs = [PAGES, RUNS, SECONDS]
    found = families(specs, {})
    assert [(family.name, family.type, family.documentation) for family in found] == [
        (spec.name, spec.kind, spec.help) for spec in specs
    ]
    assert _shown(found) == {"runs_total": {(): 0.0}}
    assert [family.samples for family in families(specs, None)] == [[], [], []]
    assert _shown(families([ENDS], {})) == {"ends_total": {("well",): 0.0, ("badly",): 0.0}}
    counted = {encode("ends_total", {"how": "badly"}): 1000.0, encode("ends_total", {"how": "late"}): 2.0}
    assert _shown(families([ENDS], counted)) == {"ends_total": {("well",): 0, ("badly",): 1000, ("late",): 2}}
    assert _shown(families([ENDS], None)) == {}


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
        models=(ModelFigures("m", {"no_capacity": 7}, (1, 0, 2, *[0] * 8, 3), 4_500_000, {"requests": 2_000_000}),),
        capacities=(Capacity("id-a", "m", "requests", 500.0, 3.5), Capacity("team", "m", "tokens", 30_000.0, 0.0)),
        stopped={},
    ),
    spent=Spent(3, 900, 1_500_000),
    losses=1,
    budget=Budget(day=Cap(calls=10, microusd=1_000_000), key_day=Cap(tokens=1000)),
)


def test_the_pool_is_shown_by_masks_and_never_by_ids() -> None:
    """A key without a limit group is its own group. The group's label is then the key's mask, not its id."""
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
    assert shown["propintel_openai_capacity"] == {("sk-a...1", "m", "requests"): 3.5, ("team", "m", "tokens"): 0}
    assert "id-" not in str(shown)
    assert shown["propintel_openai_keys_configured"] == {(): 2}
    assert shown["propintel_openai_keys_healthy"] == {(): 1}, "a resting or draining key must not be healthy"
    assert shown["propintel_openai_key_in_flight"] == {("sk-a...1",): 2, ("sk-b...2",): 0, ("sk-c...3",): 0}
    assert shown["propintel_openai_pool_shared"] == {(): 1}
    assert shown["propintel_openai_store_losses_total"] == {(): 1}
    unreachable = {"propintel_openai_keys_configured": {(): 2}, "propintel_openai_pool_shared": {(): 0}}
    assert _read(pool_samples(2, None)) == unreachable


def test_waits_are_cumulative_as_prometheus_requires() -> None:
    shown = _read(pool_samples(2, REPORT))
    buckets = shown["propintel_openai_wait_seconds_bucket"]
    assert [buckets["m", bound] for bound in ("0.01", "0.05", "0.1", "60.0", "+Inf")] == [1, 1, 3, 3, 6]
    assert shown["propintel_openai_wait_seconds_count"] == {("m",): 6}
    assert shown["propintel_openai_wait_seconds_sum"] == {("m",): 4.5}
    assert shown["propintel_openai_refusals_total"] == {("m", "no_capacity"): 7}
    assert shown["propintel_openai_saturated_seconds_total"] == {("m", "requests"): 2.0}


def test_only_configured_budgets_are_shown_and_none_is_below_zero() -> None:
    shown = _read(pool_samples(2, REPORT))
    assert shown["propintel_spent_today"] == {("calls",): 3, ("tokens",): 900, ("usd",): 1.5}
    assert shown["propintel_budget_limit"] == {("day", "calls"): 10, ("day", "usd"): 1.0, ("key_day", "tokens"): 1000}
    assert shown["propintel_budget_left"] == {("day", "calls"): 7, ("day", "usd"): 0}
    assert shown["propintel_budget_key_left"] == {("sk-a...1", "tokens"): 100, ("sk-b...2", "tokens"): 1000}


def test_jobs_and_messages_are_absent_if_their_sources_are_unreachable() -> None:
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


def test_alerts_are_counted_by_kind_without_removed_keys() -> None:
    seen = datetime(2026, 1, 1, tzinfo=UTC)
    figures = HealthFigures(
        {"id-a": seen, "id-z": seen}, [("key_dead", "critical"), ("key_dead", "critical"), ("key_old", "warning")]
    )
    assert _read(health_samples(figures, REPORT.masks)) == {
        "propintel_openai_key_first_seen_timestamp_seconds": {("sk-a...1",): 1767225600.0},
        "propintel_alerts_firing": {("key_dead", "critical"): 2, ("key_old", "warning"): 1},
    }
