"""`metrics.toml` lists the label values that the code uses, and the docs name only metrics in `metrics.toml`."""

import re
from collections.abc import Iterable
from typing import get_args

import pytest

from app.keypool.figures import WAIT_BOUNDS_S, Transition, Unit
from app.keypool.outcomes import Outcome
from app.keypool.snapshots import State
from app.keypool.stores.base import Reason
from app.property.reading.model.claims import Flaw
from app.property.record import Method, SourceKind
from app.property.storage.jobs import models as tried
from app.property.storage.jobs.models import PageFrom, RecoveryReason
from app.property.storage.keys.alerts import Severity
from app.property.storage.types import ACTIVE
from app.property.storage.watches.budget import Charge
from app.property.storage.watches.models import WatchStatus
from app.services.reports.key_report.alarms import Kind
from app.services.reports.metrics.instruments import ALL, HTTP_METHODS, REGISTRY, SPECS, TIERS, RunEnd, count_run
from app.services.reports.metrics.shared_counts import counts, encode
from tests.plugins.documented import ROOT, pages

_OF_SOURCES = (tried.USED, tried.SAME_PAGE, tried.OTHER, tried.UNKNOWN)
_UNASKED = (tried.SKIPPED, tried.OUTSIDE, tried.UNCITED, tried.SEARCHED)


@pytest.mark.parametrize(
    ("metric", "label", "words"),
    [
        ("jobs_recovered", "reason", RecoveryReason),
        ("sources", "kind", (*SourceKind, "unknown")),
        ("sources", "outcome", (*_OF_SOURCES, *_UNASKED)),
        ("page_results", "page_from", PageFrom),
        ("fields", "source", ("model" if method is Method.LLM else method for method in Method)),
        ("model_values_dropped", "flaw", get_args(Flaw)),
        ("model_tiers", "served", (*TIERS, "other", "none")),
        ("watch_charges", "what", Charge),
        ("http_requests", "method", (*HTTP_METHODS, "other")),
        ("openai_requests", "outcome", Outcome),
        ("openai_key_transitions", "to", get_args(Transition)),
        ("openai_key_state", "state", get_args(State)),
        ("openai_limit", "unit", get_args(Unit)),
        ("openai_refusals", "reason", get_args(Reason)),
        ("jobs", "state", ACTIVE),
        ("watches", "status", WatchStatus),
        ("alerts_firing", "alert", Kind),
        ("alerts_firing", "severity", Severity),
    ],
)
def test_declared_label_values_are_those_that_the_code_uses(metric: str, label: str, words: Iterable[str]) -> None:
    (found,) = (each for each in SPECS[metric].labels if each.name == label)
    assert found.words == tuple(map(str, words))


def test_waits_for_keys_have_the_pool_s_buckets() -> None:
    assert SPECS["openai_wait_seconds"].bounds == WAIT_BOUNDS_S


@pytest.mark.parametrize(
    ("outcome", "code", "counted"),
    [
        ("done", "", encode("propintel_jobs_finished_total", {"outcome": "done", "error": ""})),
        ("failed", "page_gone", encode("propintel_jobs_finished_total", {"outcome": "failed", "error": "page_gone"})),
        ("deferred", "no_capacity", encode("propintel_job_deferrals_total", {"reason": "no_capacity"})),
        ("retried", "fetch_timeout", encode("propintel_job_retries_total", {"reason": "fetch_timeout"})),
        ("lost", "", None),
    ],
)
def test_a_run_is_counted_by_its_outcome_with_its_time(outcome: RunEnd, code: str, counted: str | None) -> None:
    before = counts(REGISTRY)
    count_run(outcome, 3.5, code)
    found = {series: n - before.get(series, 0) for series, n in counts(REGISTRY).items() if n != before.get(series, 0)}
    if counted is not None:
        assert found.pop(counted) == 1
    assert found.pop(encode("propintel_job_seconds_sum", {"outcome": outcome})) == 3.5
    assert found.pop(encode("propintel_job_seconds_count", {"outcome": outcome})) == 1
    assert all('"propintel_job_seconds_bucket"' in series for series in found), "something else was counted"


def test_no_page_names_a_missing_metric() -> None:
    known = {spec.shown for spec in ALL} | {spec.name + part for spec in ALL for part in ("_bucket", "_sum", "_count")}
    name = re.compile(r"propintel_[a-z][a-z_]*[a-z]")
    unknown = {
        f"{page.relative_to(ROOT)}: {found}"
        for page in pages()
        for found in name.findall(page.read_text(encoding="utf-8"))
        if found not in known
    }
    assert unknown == set()
