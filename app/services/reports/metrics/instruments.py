"""What processes count while they work. To count is to add to a number in memory: it never waits for anything.

Labels come from closed sets only (error codes, route templates, the configured model), which are named here: a test
holds what is counted to them. `flusher` sends the counts on; a process without one counts for nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Histogram

from app.property.reading.model.claims import Flaw
from app.property.record import Method, SourceKind
from app.property.storage.jobs.models import (
    OTHER,
    OUTSIDE,
    SAME_PAGE,
    SEARCHED,
    SKIPPED,
    UNCITED,
    UNKNOWN,
    USED,
    PageFrom,
    RecoveryReason,
)
from app.property.storage.watches.budget import Charge
from app.services.reports.metrics.specs import MODEL, Label, Spec

#: ours alone: the library's own holds what is of one process only (its memory, its garbage collector)
REGISTRY = CollectorRegistry()
_specs: list[Spec] = []

_CODES = "error codes"
#: what else stands in a request line is "other": a caller must not make series
HTTP_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
#: service tiers that replies of the API name; a gateway may name others
TIERS = ("default", "flex", "priority", "scale", "auto")
_DELIVERIES = Label("outcome", ("delivered", "failed"))
_PRUNED = Label("reason", ("unkept", "age", "size"))
_METHOD = Label("method", (*HTTP_METHODS, "other"))
_ROUTE = Label("route", ("unmatched",), "routes")


def _counter(name: str, text: str, *labels: Label) -> Counter:
    spec = Spec("counter", name, text, labels)
    _specs.append(spec)
    return Counter(name, text, spec.label_names, registry=REGISTRY)


def _histogram(name: str, text: str, bounds: tuple[float, ...], *labels: Label) -> Histogram:
    spec = Spec("histogram", name, text, labels, bounds)
    _specs.append(spec)
    return Histogram(name, text, spec.label_names, registry=REGISTRY, buckets=bounds)


JOBS_FINISHED = _counter(
    "propintel_jobs_finished",
    "Jobs that are over, done or failed; error is the code of the failure. Cancelled ones are not among them.",
    Label("outcome", ("done", "failed")),
    Label("error", ("",), _CODES),
)
JOB_DEFERRALS = _counter(
    "propintel_job_deferrals",
    "Times a job was set back to wait for capacity, which costs it no try; reason is the error code.",
    Label("reason", others=_CODES),
)
JOB_RETRIES = _counter(
    "propintel_job_retries",
    "Times a job was set back after a failure that may pass, which costs it a try; reason is the error code.",
    Label("reason", others=_CODES),
)
JOB_SECONDS = _histogram(
    "propintel_job_seconds",
    "Seconds of one run of one job in a worker; outcome is done, failed, deferred, retried, or lost to another run.",
    (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0),
    Label("outcome", ("done", "failed", "deferred", "retried", "lost")),
)
JOBS_RECOVERED = _counter(
    "propintel_jobs_recovered",
    "Jobs that recovery sent: due, returned by a worker that ended, lease expired, unsent, or their message lost.",
    Label("reason", tuple(RecoveryReason)),
)
PAGES = _counter(
    "propintel_pages",
    "Pages that jobs asked for: fetched, not_modified, from the job's checkpoint, or the error code of the fetch.",
    Label("outcome", ("fetched", "not_modified", "checkpoint"), _CODES),
)
PAGE_BYTES = _counter(
    "propintel_page_bytes",
    "Bytes of bodies after decompression: received from sites, or spared because a site said that what is kept holds.",
    Label("outcome", ("received", "spared")),
)
BODIES_PRUNED = _counter(
    "propintel_bodies_pruned",
    "Bodies that went: by age, by size (all together took too much), or unkept (their sites do not want them kept).",
    _PRUNED,
)
BODIES_PRUNED_BYTES = _counter(
    "propintel_bodies_pruned_bytes", "Bytes, packed, that bodies took which went, by the same reasons.", _PRUNED
)
SOURCES = _counter(
    "propintel_sources",
    "Sources that addresses had: used, or why not, or the error code; kind as in sources.toml, or unknown.",
    Label("kind", (*SourceKind, "unknown")),
    Label("outcome", (USED, SAME_PAGE, OTHER, UNKNOWN, SKIPPED, OUTSIDE, UNCITED, SEARCHED), _CODES),
)
WEB_SEARCHES = _counter(
    "propintel_web_searches",
    "Searches of the web for an address: asked with success, kept (asked before), refused, incomplete or empty (paid "
    "for, and asked again after an hour at the earliest), failed (no answer), no_key, or budget used up.",
    Label("outcome", ("asked", "kept", "refused", "incomplete", "empty", "failed", "no_key", "budget")),
)
SEARCH_LISTINGS = _counter(
    "propintel_search_listings",
    "Listings of searches: taken (a new job), known (or over a quota), sponsored, other_site, or over_limit.",
    Label("outcome", ("taken", "known", "sponsored", "other_site", "over_limit")),
)
RESULTS = _counter(
    "propintel_page_results",
    "Targets that brought a property: site (read, the only one that can cost a model call), unchanged (read before), "
    "same_page (another URL of the page had just been read) or stored (it was fresh).",
    Label("page_from", tuple(PageFrom)),
)
FETCH_SECONDS = _histogram(
    "propintel_fetch_seconds",
    "Seconds of one fetch with its redirects, robots.txt and the wait for the host's pace; failed ones too.",
    (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
FIELDS_STORED = _counter(
    "propintel_fields",
    "Values that were stored, by the method that read them: a kind of markup, or the model.",
    Label("source", tuple("model" if method is Method.LLM else method for method in Method)),
)
MODEL_VALUES_DROPPED = _counter(
    "propintel_model_values_dropped",
    "Values of a model that were dropped, by what was wrong: not_read (it makes no sense for the field), no_quote came "
    "with it, the quote is not_in_text that was sent, its line is an order to a machine, the words beside the value "
    "are the other_label of another field or none, or the value is not_said by it.",
    Label("flaw", get_args(Flaw)),
)
MODEL_ANSWERS = _counter(
    "propintel_model_answers",
    "Pages that wanted the model: asked with success, batch (so, in a batch), kept (the same question had an answer), "
    "refused, invalid or cut (paid for, see the job's note), failed (no answer), no_key, or budget used up.",
    Label("outcome", ("asked", "batch", "kept", "refused", "invalid", "cut", "failed", "no_key", "budget")),
)
MODEL_TIERS = _counter(
    "propintel_model_tiers",
    "Answers of the model by service tier: the one of OPENAI_SERVICE_TIER (or none), and the one that the reply names.",
    Label("wanted", ("auto", "default", "flex", "priority", "none")),
    Label("served", (*TIERS, "other", "none")),
)
MODEL_CALL_SECONDS = _histogram(
    "propintel_model_call_seconds",
    "Seconds of one call of the model with its wait for a key; calls that ended for want of capacity are not counted.",
    (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0),
    MODEL,
)
RECIPE_PAGES = _counter(
    "propintel_recipe_pages",
    "Pages of properties by what a recipe did: settled (no model was needed), asked (a model was wanted for the rest), "
    "audited (a model was asked for all, as a check), not_applied (the recipe is suspended, or the page lacks what it "
    "expects), or none (no recipe is known of such pages yet).",
    Label("outcome", ("settled", "asked", "audited", "not_applied", "none")),
)
RECIPE_SAVED_CALLS = _counter(
    "propintel_recipe_saved_calls", "Pages of which a model would have been asked if it were not for a recipe."
)
RECIPE_SAVED_TOKENS = _counter(
    "propintel_recipe_saved_tokens",
    "Prompt tokens that these calls would have had, about: as many as the questions that were asked.",
)
MODEL_BATCH_REQUESTS = _counter(
    "propintel_model_batch_requests",
    "Requests that came back from batches: answered, failed for good, returned to be sent again, or lost.",
    Label("outcome", ("answered", "failed", "returned", "lost")),
)
WATCH_REFRESHES = _counter(
    "propintel_watch_refreshes",
    "Refreshes of watches that are over: done (a page was read, or is as it was), failed or cancelled.",
    Label("outcome", ("done", "failed", "cancelled")),
)
WATCH_CHARGES = _counter(
    "propintel_watch_charges",
    "Pages and model calls that jobs of watches wanted: charged to the day's budget, or refused by it.",
    Label("what", tuple(Charge)),
    Label("outcome", ("charged", "refused")),
)
BATCHES_COMPLETED = _counter("propintel_batches_completed", "Batches whose jobs are all over.")
CALLBACKS = _counter(
    "propintel_callbacks",
    "Attempts to tell a receiver that its batch is complete: delivered, failed, or given_up with the last one.",
    Label("outcome", (*_DELIVERIES.words, "given_up")),
)
ALERT_NOTIFICATIONS = _counter(
    "propintel_alert_notifications",
    "Attempts to tell the webhook of alerts: delivered, failed, or given_up with the last one.",
    Label("outcome", (*_DELIVERIES.words, "given_up")),
)
CHANGE_DELIVERIES = _counter(
    "propintel_change_deliveries", "Attempts to tell the webhook of a change: delivered or failed.", _DELIVERIES
)
HTTP_REQUESTS = _counter(
    "propintel_http_requests",
    "Requests to the web door; route is the template, or unmatched.",
    _METHOD,
    _ROUTE,
    Label("status", others="status codes"),
)
HTTP_REQUEST_SECONDS = _histogram(
    "propintel_http_request_seconds",
    "Seconds from a request to the end of its answer.",
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    _METHOD,
    _ROUTE,
)

#: all of them, as the reader of the fleet's totals shows them
COUNTED = tuple(_specs)


class JobRun:
    """One run of one job. Begins when its job was claimed; exactly one of its methods is called when it ends."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._began = monotonic()

    def done(self) -> None:
        JOBS_FINISHED.labels("done", "").inc()
        self._ended("done")

    def failed(self, code: str) -> None:
        JOBS_FINISHED.labels("failed", code).inc()
        self._ended("failed")

    def set_back(self, code: str, *, counted: bool) -> None:
        """It comes back: for capacity, or as a counted try after a failure."""
        (JOB_RETRIES if counted else JOB_DEFERRALS).labels(code).inc()
        self._ended("retried" if counted else "deferred")

    def lost(self) -> None:
        """The job was another run's by then, or cancelled, or its new state could not be written."""
        self._ended("lost")

    def _ended(self, outcome: str) -> None:
        JOB_SECONDS.labels(outcome).observe(self._monotonic() - self._began)
