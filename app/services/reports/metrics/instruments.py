"""What processes count while they work. To count is to add to a number in memory: it never waits for anything.

Labels come from closed sets only (error codes, route templates, the configured model), which are named here: a test
holds what is counted to them. `flusher` sends the counts on; a process without one counts for nobody.
"""

from __future__ import annotations

from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Histogram

from app.property.reading.model.claims import Flaw
from app.property.record import Method, SourceKind
from app.property.storage.jobs.models import PageFrom, RecoveryReason
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


def _counter(name: str, labels: tuple[Label, ...], text: str, *, begins: bool = False) -> Counter:
    spec = Spec("counter", name, text, labels, begins=begins)
    _specs.append(spec)
    return Counter(name, text, spec.label_names, registry=REGISTRY)


def _histogram(name: str, labels: tuple[Label, ...], bounds: tuple[float, ...], text: str) -> Histogram:
    spec = Spec("histogram", name, text, labels, bounds)
    _specs.append(spec)
    return Histogram(name, text, spec.label_names, registry=REGISTRY, buckets=bounds)


JOBS_FINISHED = _counter(
    "propintel_jobs_finished",
    (Label("outcome", ("done", "failed")), Label("error", ("",), _CODES)),
    "Jobs that are over, done or failed; error is the code of the failure. Cancelled ones are not among them.",
)
JOB_DEFERRALS = _counter(
    "propintel_job_deferrals",
    (Label("reason", others=_CODES),),
    "Times a job was set back to wait for capacity, which costs it no try; reason is the error code.",
)
JOB_RETRIES = _counter(
    "propintel_job_retries",
    (Label("reason", others=_CODES),),
    "Times a job was set back after a failure that may pass, which costs it a try; reason is the error code.",
)
JOB_SECONDS = _histogram(
    "propintel_job_seconds",
    (Label("outcome", ("done", "failed", "deferred", "retried", "lost")),),
    (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0),
    "Seconds of one run of one job in a worker; outcome is done, failed, deferred, retried, or lost to another run.",
)
JOBS_RECOVERED = _counter(
    "propintel_jobs_recovered",
    (Label("reason", tuple(RecoveryReason)),),
    "Jobs that recovery sent: due (their deferral is over), returned (by a worker that ended), lease (their worker "
    "died), unsent (their sender did) or lost (their message was).",
    begins=True,
)
PAGES = _counter(
    "propintel_pages",
    (Label("outcome", ("fetched", "not_modified", "checkpoint"), _CODES),),
    "Pages that jobs asked for: fetched, not_modified (the site said that what is kept still holds), taken from the "
    "job's checkpoint, or the error code of the fetch.",
)
PAGE_BYTES = _counter(
    "propintel_page_bytes",
    (Label("outcome", ("received", "spared")),),
    "Bytes of bodies after decompression: received from sites, or spared because a site said that what is kept holds.",
    begins=True,
)
BODIES_PRUNED = _counter(
    "propintel_bodies_pruned",
    (_PRUNED,),
    "Bodies that went: by age, by size (all together took too much), or unkept (their sites do not want them kept).",
)
BODIES_PRUNED_BYTES = _counter(
    "propintel_bodies_pruned_bytes", (_PRUNED,), "Bytes, packed, that bodies took which went, by the same reasons."
)
SOURCES = _counter(
    "propintel_sources",
    (
        Label("kind", (*SourceKind, "unknown")),
        Label(
            "outcome",
            (
                "used",
                "same_page",
                "other_property",
                "unknown_property",
                "not_asked",
                "outside_domains",
                "not_cited",
                "searched",
            ),
            _CODES,
        ),
    ),
    "Sources that addresses had: used, or why not: of another or an unknown property, the page of another source, not "
    "asked, searched, outside_domains, not_cited, or the error code; kind as in sources.toml, or unknown.",
)
WEB_SEARCHES = _counter(
    "propintel_web_searches",
    (Label("outcome", ("asked", "kept", "refused", "incomplete", "empty", "failed", "no_key", "budget")),),
    "Searches of the web for an address: asked with success, kept (asked before), refused, incomplete or empty (paid "
    "for, and asked again after an hour at the earliest), failed (no answer), no_key, or budget used up.",
    begins=True,
)
SEARCH_LISTINGS = _counter(
    "propintel_search_listings",
    (Label("outcome", ("taken", "known", "sponsored", "other_site", "over_limit")),),
    "Listings that searches found: taken (a job was made), known (fresh, under way, or over a quota), sponsored, "
    "other_site (a host of another site) or over_limit (more than a search may yield).",
    begins=True,
)
RESULTS = _counter(
    "propintel_page_results",
    (Label("page_from", tuple(PageFrom)),),
    "Targets that brought a property, by how: site (its page was read), unchanged (it was read before), same_page "
    "(another URL of the page had just been read) or stored (it was fresh). Only the first can have cost a model call.",
    begins=True,
)
FETCH_SECONDS = _histogram(
    "propintel_fetch_seconds",
    (),
    (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
    "Seconds of one fetch with its redirects, robots.txt and the wait for the host's pace; failed ones too.",
)
FIELDS_STORED = _counter(
    "propintel_fields",
    (Label("source", tuple("model" if method is Method.LLM else method for method in Method)),),
    "Values that were stored, by the method that read them: a kind of markup, or the model.",
)
MODEL_VALUES_DROPPED = _counter(
    "propintel_model_values_dropped",
    (Label("flaw", get_args(Flaw)),),
    "Values of a model that were dropped, by what was wrong: not_read (it makes no sense for the field), no_quote came "
    "with it, the quote is not_in_text that was sent, its line is an order to a machine, the words beside the value "
    "are the other_label of another field or none, or the value is not_said by it.",
    begins=True,
)
MODEL_ANSWERS = _counter(
    "propintel_model_answers",
    (Label("outcome", ("asked", "batch", "kept", "refused", "invalid", "cut", "failed", "no_key", "budget")),),
    "Pages that wanted the model: asked with success, batch (so, in a batch), kept (the same question had an answer), "
    "refused, invalid or cut (paid for, see the job's note), failed (no answer), no_key, or budget used up.",
)
MODEL_TIERS = _counter(
    "propintel_model_tiers",
    (Label("wanted", ("auto", "default", "flex", "priority", "none")), Label("served", (*TIERS, "other", "none"))),
    "Answers of the model by service tier: the one of OPENAI_SERVICE_TIER (or none), and the one that the reply names.",
)
MODEL_CALL_SECONDS = _histogram(
    "propintel_model_call_seconds",
    (MODEL,),
    (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0),
    "Seconds of one call of the model with its wait for a key; calls that ended for want of capacity are not counted.",
)
RECIPE_PAGES = _counter(
    "propintel_recipe_pages",
    (Label("outcome", ("settled", "asked", "audited", "not_applied", "none")),),
    "Pages of properties by what a recipe did: settled (no model was needed), asked (a model was wanted for the rest), "
    "audited (a model was asked for all, as a check), not_applied (the recipe is suspended, or the page lacks what it "
    "expects), or none (no recipe is known of such pages yet).",
    begins=True,
)
RECIPE_SAVED_CALLS = _counter(
    "propintel_recipe_saved_calls", (), "Pages of which a model would have been asked if it were not for a recipe."
)
RECIPE_SAVED_TOKENS = _counter(
    "propintel_recipe_saved_tokens",
    (),
    "Prompt tokens that these calls would have had, about: as many as the questions that were asked.",
)
MODEL_BATCH_REQUESTS = _counter(
    "propintel_model_batch_requests",
    (Label("outcome", ("answered", "failed", "returned", "lost")),),
    "Requests that came back from batches of the model: answered, failed for good, returned to be sent again, or lost "
    "with a batch that no key sees any more.",
)
WATCH_REFRESHES = _counter(
    "propintel_watch_refreshes",
    (Label("outcome", ("done", "failed", "cancelled")),),
    "Refreshes of watches that are over: done (a page was read, or is as it was), failed or cancelled.",
    begins=True,
)
WATCH_CHARGES = _counter(
    "propintel_watch_charges",
    (Label("what", tuple(Charge)), Label("outcome", ("charged", "refused"))),
    "Requests for pages and calls of models (page or model_call) that jobs of watches wanted: charged to the day's "
    "budget, or refused by it.",
    begins=True,
)
BATCHES_COMPLETED = _counter("propintel_batches_completed", (), "Batches whose jobs are all over.")
CALLBACKS = _counter(
    "propintel_callbacks",
    (_DELIVERIES,),
    "Attempts to tell a receiver that its batch is complete: delivered or failed.",
)
ALERT_NOTIFICATIONS = _counter(
    "propintel_alert_notifications",
    (Label("outcome", (*_DELIVERIES.words, "given_up")),),
    "Attempts to tell the webhook of alerts: delivered, failed, or given_up with the last one.",
)
CHANGE_DELIVERIES = _counter(
    "propintel_change_deliveries", (_DELIVERIES,), "Attempts to tell the webhook of a change: delivered or failed."
)
HTTP_REQUESTS = _counter(
    "propintel_http_requests",
    (_METHOD, _ROUTE, Label("status", others="status codes")),
    "Requests to the web door; route is the template, or unmatched.",
)
HTTP_REQUEST_SECONDS = _histogram(
    "propintel_http_request_seconds",
    (_METHOD, _ROUTE),
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
    "Seconds from a request to the end of its answer.",
)

#: all of them, as the reader of the fleet's totals shows them
COUNTED = tuple(_specs)
