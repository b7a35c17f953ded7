"""`metrics.toml` lists the label values that the code uses."""

from __future__ import annotations

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
from app.services.reports.metrics.instruments import HTTP_METHODS, SPECS, TIERS

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
