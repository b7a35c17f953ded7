"""What processes count while they work. To count is to add to a number in memory: it never waits for anything.

Labels come from closed sets only (error codes, route templates, the configured model), which `metrics.toml` names: a
test holds what is counted to them. `flusher` sends the counts on; a process without one counts for nobody.
"""

from __future__ import annotations

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Histogram

from app.services.reports.metrics.specs import SPECS, Spec

#: ours alone: the library's own holds what is of one process only (its memory, its garbage collector)
REGISTRY = CollectorRegistry()
_specs: list[Spec] = []

#: what else stands in a request line is "other": a caller must not make series
HTTP_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
#: service tiers that replies of the API name; a gateway may name others
TIERS = ("default", "flex", "priority", "scale", "auto")


def _counter(name: str) -> Counter:
    _specs.append(spec := SPECS[name])
    return Counter(spec.name, spec.help, spec.label_names, registry=REGISTRY)


def _histogram(name: str) -> Histogram:
    _specs.append(spec := SPECS[name])
    return Histogram(spec.name, spec.help, spec.label_names, registry=REGISTRY, buckets=spec.bounds)


JOBS_FINISHED = _counter("jobs_finished")
JOB_DEFERRALS = _counter("job_deferrals")
JOB_RETRIES = _counter("job_retries")
JOB_SECONDS = _histogram("job_seconds")
JOBS_RECOVERED = _counter("jobs_recovered")
PAGES = _counter("pages")
PAGE_BYTES = _counter("page_bytes")
BODIES_PRUNED = _counter("bodies_pruned")
BODIES_PRUNED_BYTES = _counter("bodies_pruned_bytes")
SOURCES = _counter("sources")
WEB_SEARCHES = _counter("web_searches")
SEARCH_LISTINGS = _counter("search_listings")
RESULTS = _counter("page_results")
FETCH_SECONDS = _histogram("fetch_seconds")
FIELDS_STORED = _counter("fields")
MODEL_VALUES_DROPPED = _counter("model_values_dropped")
MODEL_ANSWERS = _counter("model_answers")
MODEL_TIERS = _counter("model_tiers")
MODEL_CALL_SECONDS = _histogram("model_call_seconds")
RECIPE_PAGES = _counter("recipe_pages")
RECIPE_SAVED_CALLS = _counter("recipe_saved_calls")
RECIPE_SAVED_TOKENS = _counter("recipe_saved_tokens")
MODEL_BATCH_REQUESTS = _counter("model_batch_requests")
WATCH_REFRESHES = _counter("watch_refreshes")
WATCH_CHARGES = _counter("watch_charges")
BATCHES_COMPLETED = _counter("batches_completed")
CALLBACKS = _counter("callbacks")
ALERT_NOTIFICATIONS = _counter("alert_notifications")
CHANGE_DELIVERIES = _counter("change_deliveries")
HTTP_REQUESTS = _counter("http_requests")
HTTP_REQUEST_SECONDS = _histogram("http_request_seconds")

#: all of them, as the reader of the fleet's totals shows them
COUNTED = tuple(_specs)


#: deferred: it comes back for capacity · retried: as a counted try after a failure · lost: the job was another run's by
#: then, or cancelled, or its new state could not be written
RunEnd = Literal["done", "failed", "deferred", "retried", "lost"]


def count_run(outcome: RunEnd, seconds: float, code: str = "") -> None:
    """Count a run of a job by its end; `code` says why."""
    if outcome in ("done", "failed"):
        JOBS_FINISHED.labels(outcome, code).inc()
    elif outcome != "lost":
        (JOB_RETRIES if outcome == "retried" else JOB_DEFERRALS).labels(code).inc()
    JOB_SECONDS.labels(outcome).observe(seconds)
