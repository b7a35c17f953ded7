"""The one tree of errors.

Every error carries its facts in `args` (so that it survives pickling through a result backend), says what is wrong and
what to do about it in `__str__`, and has a `code`: a stable word that job rows, logs and HTTP bodies use.
Errors of other libraries are translated where they enter, with `raise ... from exc`.
"""

from __future__ import annotations

from typing import Any, ClassVar


class PropertyIntelligenceError(Exception):
    """Base of all our errors. A subclass declares its facts, its sentence and the remedy; it adds no logic."""

    code: ClassVar[str] = "error"
    fact_names: ClassVar[tuple[str, ...]] = ("problem",)
    sentence: ClassVar[str] = "{problem}"
    remedy: ClassVar[str] = ""
    #: True where the same request may succeed later, so that a task may come back to it
    transient: ClassVar[bool] = False

    def __init__(self, *facts: object) -> None:
        if len(facts) != len(self.fact_names):
            names = ", ".join(self.fact_names)
            raise TypeError(f"{type(self).__name__} takes exactly these facts: {names}")
        super().__init__(*facts)

    @property
    def facts(self) -> dict[str, Any]:
        """The facts by name."""
        return dict(zip(self.fact_names, self.args, strict=True))

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}".strip().format(**self.facts)


# --- configuration: exit code 2 -------------------------------------------------------------------------------------


class ConfigurationError(PropertyIntelligenceError):
    """A setting that cannot be used. `remedy_` says what to set it to; a secret's value is never among the facts."""

    code = "configuration"
    fact_names: ClassVar[tuple[str, ...]] = ("variable", "problem", "remedy")
    sentence = "{variable}: {problem}."
    remedy = "{remedy}."


class NoKeysError(PropertyIntelligenceError):
    """The operation needs an OpenAI key and there is none."""

    code = "no_keys"
    fact_names: ClassVar[tuple[str, ...]] = ()
    sentence = "No OpenAI key is configured."
    remedy = "Set OPENAI_API_KEYS (comma-separated), OPENAI_API_KEY_1..n, OPENAI_API_KEY or OPENAI_API_KEYS_FILE."


class UnknownKeyError(PropertyIntelligenceError):
    """No OpenAI key has that mask or id. `known` lists masks with their ids."""

    code = "key_not_found"
    fact_names: ClassVar[tuple[str, ...]] = ("name", "known")
    sentence = "There is no OpenAI key {name}."
    remedy = "Name one by its mask or id: {known}."


class AmbiguousKeyError(PropertyIntelligenceError):
    """Several ids begin so."""

    code = "key_ambiguous"
    fact_names: ClassVar[tuple[str, ...]] = ("name", "found")
    sentence = "The ids of several OpenAI keys begin with {name}."
    remedy = "Name one of them: {found}."


class KeyStoreUnavailableError(PropertyIntelligenceError):
    """The Redis that the fleet shares its keys through cannot be told."""

    code = "key_store_unavailable"
    fact_names: ClassVar[tuple[str, ...]] = ("reason",)
    sentence = "The fleet's key pool cannot be told: its Redis gives no answer ({reason})."
    remedy = "Check REDIS_URL, or start `propintel up`; then see `propintel keys` for what holds, and try again."
    transient = True


class NoAnswerError(PropertyIntelligenceError):
    """Something that was asked neither answers nor refuses: a service that is stopped, a lock, a disk that hangs."""

    code = "no_answer"
    fact_names: ClassVar[tuple[str, ...]] = ("what", "seconds")
    sentence = "{what} gave no answer within {seconds:g} s."
    remedy = "See whether its process is stopped or its machine overloaded."
    transient = True


class BrokerUnavailableError(PropertyIntelligenceError):
    code = "broker_unavailable"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "reason")
    sentence = "No broker answers at {url} ({reason})."
    remedy = "Run `propintel up` in this directory, or set REDIS_URL to a Redis or Valkey that runs."
    transient = True


# --- the HTTP door ---------------------------------------------------------------------------------------------------


class InvalidTokenError(PropertyIntelligenceError):
    """The request has no token, or one that does not hold. `reason` never quotes the token."""

    code = "unauthenticated"
    fact_names: ClassVar[tuple[str, ...]] = ("reason",)
    sentence = "No valid token: {reason}."
    remedy = "Send `Authorization: Bearer TOKEN`; `propintel token --role manager` makes one."


class RoleNotAllowedError(PropertyIntelligenceError):
    """The token holds, but its role may not do this."""

    code = "forbidden"
    fact_names: ClassVar[tuple[str, ...]] = ("role", "allowed")
    sentence = "The role {role!r} may not do this."
    remedy = "It needs one of these: {allowed}."


class ForgedRequestError(PropertyIntelligenceError):
    """A form that was not sent from a page of this session: another site's, or one from before the last sign-in."""

    code = "forged_request"
    fact_names: ClassVar[tuple[str, ...]] = ()
    sentence = "This form does not belong to your session, so nothing was done."
    remedy = "Load the page again and repeat what you did."


class IdentityProviderError(PropertyIntelligenceError):
    """The keys that tokens are checked against cannot be had, so no token can be judged."""

    code = "identity_provider_unavailable"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "reason")
    sentence = "No signing keys from {url} ({reason})."
    remedy = "Check JWT_JWKS_URL and that the identity provider answers."
    transient = True


class TooManyRequestsError(PropertyIntelligenceError):
    """More came in a minute than may, by the `policy` of this name: "caller" or "stranger"."""

    code = "rate_limited"
    fact_names: ClassVar[tuple[str, ...]] = ("policy", "what", "limit", "retry_after_seconds")
    sentence = "More than {limit} {what} a minute."
    remedy = "Come back in {retry_after_seconds:.0f} s."
    transient = True


class QuotaExceededError(PropertyIntelligenceError):
    """A batch would make more new jobs than its caller has left today; none was made."""

    code = "quota_exceeded"
    fact_names: ClassVar[tuple[str, ...]] = ("wanted", "left", "quota", "resets_at", "retry_after_seconds")
    sentence = "This would make {wanted} new jobs, and {left} of {quota} are left today; none was made."
    remedy = "Send fewer targets, or wait until {resets_at}; API_DAILY_TARGETS_PER_CALLER is the quota."


class InvalidWatchError(PropertyIntelligenceError):
    """What cannot be watched, or not so."""

    code = "invalid_watch"
    fact_names: ClassVar[tuple[str, ...]] = ("what", "problem")
    sentence = "{what} cannot be watched: {problem}."


class TooManyWatchesError(PropertyIntelligenceError):
    """There would be more watches than are allowed; none was made."""

    code = "too_many_watches"
    fact_names: ClassVar[tuple[str, ...]] = ("there", "wanted", "most")
    sentence = "There are {there} watches, and {wanted} more would be above the limit of {most}; none was made."
    remedy = "Remove some with `propintel watch remove`, or raise WATCH_MAX_WATCHES."


class WatchBudgetSpentError(PropertyIntelligenceError):
    """What all watches together may ask on one UTC day is used up: the job goes on when the next one begins."""

    code = "watch_budget"
    fact_names: ClassVar[tuple[str, ...]] = ("what", "limit", "variable", "resets_at", "retry_after_seconds")
    sentence = "Watches have used up today's budget of {limit} {what}; the job goes on at {resets_at}."
    remedy = "Raise {variable}, or watch less."
    transient = True


class IdempotencyKeyReusedError(PropertyIntelligenceError):
    code = "idempotency_key_reused"
    fact_names: ClassVar[tuple[str, ...]] = ()
    sentence = "This Idempotency-Key came with another request within the last 24 hours."
    remedy = "Send the same body again, or choose a new key for a new request."


class RequestUnderWayError(PropertyIntelligenceError):
    """The first request with the same Idempotency-Key is not answered yet."""

    code = "request_under_way"
    fact_names: ClassVar[tuple[str, ...]] = ("retry_after_seconds",)
    sentence = "The first request with this Idempotency-Key is still under way."
    remedy = "Ask again with the same key; in {retry_after_seconds:.0f} s at the latest there is an answer."
    transient = True


class InvalidCursorError(PropertyIntelligenceError):
    code = "invalid_cursor"
    fact_names: ClassVar[tuple[str, ...]] = ("list",)
    sentence = "The cursor is none that a list of {list} gave."
    remedy = "Send `next_cursor` of the page before as it came, or no cursor for the first page."


class RedisUnreachableError(BrokerUnavailableError):
    """The Redis or Valkey that REDIS_URL names."""

    code = "redis_unreachable"
    remedy = "Check REDIS_URL and that the server runs; without REDIS_URL `propintel up` starts one of its own."


class EmbeddedValkeyError(BrokerUnavailableError):
    """The Valkey that this service starts for itself did not come up."""

    code = "embedded_valkey"
    sentence = "The embedded Valkey at {url} did not start ({reason})."
    remedy = "Check the disk space of PROPINTEL_HOME and valkey/valkey.log there, or set REDIS_URL to another server."


# --- targets and fetching --------------------------------------------------------------------------------------------


class InvalidTargetError(PropertyIntelligenceError):
    """What was asked for is neither a URL that can be fetched nor an address."""

    code = "invalid_target"
    fact_names: ClassVar[tuple[str, ...]] = ("target", "problem")
    sentence = "Target {target!r}: {problem}."
    remedy = (
        "Give an absolute http:// or https:// URL, or an address with house number, street, town or ZIP code, and "
        "state: 12 Main St, Springfield, IL 62701."
    )


class InvalidHostError(PropertyIntelligenceError):
    """What was named is not the host of a site."""

    code = "invalid_host"
    fact_names: ClassVar[tuple[str, ...]] = ("host", "problem")
    sentence = "Host {host!r}: {problem}."
    remedy = "Name the host of one site, like www.example.com; those below it are meant as well."


class InvalidPersonError(PropertyIntelligenceError):
    """What was given is no person's name that could be looked for. The name is not among the facts."""

    code = "invalid_person"
    sentence = "This is no name of a person: {problem}."
    remedy = "Write it out, as in `Jane Doe`, `Doe, Jane` or `Jane Q. Doe`."


class PersonPurgedMeanwhileError(PropertyIntelligenceError):
    """What a page says was about to be stored with the name of somebody who was purged since it was fetched."""

    code = "person_purged"
    fact_names: ClassVar[tuple[str, ...]] = ()
    sentence = "Somebody whom the page names was purged while it was read, and nothing of it is stored."
    remedy = "It is read again without the name."
    transient = True


class IdentityDecisionError(PropertyIntelligenceError):
    """What somebody said of which pages are one property does not fit what is stored."""

    code = "identity_decision"
    fact_names: ClassVar[tuple[str, ...]] = ("property", "problem")
    sentence = "Property {property}: {problem}."
    remedy = "`propintel show PROPERTY --explain` shows its sources, `propintel decisions PROPERTY` what was decided."


class PurgedMeanwhileError(PropertyIntelligenceError):
    """A page was purged while it was read."""

    code = "purged"
    fact_names: ClassVar[tuple[str, ...]] = ()
    sentence = "The page was purged while it was read, and nothing of it is stored."
    remedy = "Ask for it again if it is wanted after all."


class InvalidTargetListError(PropertyIntelligenceError):
    """A list of targets with lines that are none. `problem` names them, a line each."""

    code = "invalid_target_list"
    sentence = "{problem}"
    remedy = "Nothing was enqueued."


class FetchError(PropertyIntelligenceError):
    """Base of what can go wrong while a page is fetched."""

    code = "fetch_failed"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "reason")
    sentence = "{url} could not be fetched: {reason}."


class BlockedAddressError(FetchError):
    """The SSRF guard refused an address inside the network (RFC 6890 special ranges, metadata services, bad ports)."""

    code = "blocked_address"
    sentence = "{url} leads to {reason}, which this service does not fetch."
    remedy = "If it is your own intranet or a test site, add its range to FETCH_ALLOWED_PRIVATE_NETWORKS."


class BlockedPortError(BlockedAddressError):
    """A port of a data store, an orchestrator or a system service, where no page is."""

    code = "blocked_port"
    remedy = "Pages are fetched on ports 80, 443 and above 1023, except those of well-known services."


class NameNotResolvedError(FetchError):
    code = "name_not_resolved"
    sentence = "The host name of {url} could not be resolved ({reason})."
    remedy = "Check its spelling and this machine's DNS."
    transient = True


class ConnectionFailedError(FetchError):
    code = "connection_failed"
    sentence = "No connection to {url} ({reason})."
    remedy = "Queued jobs try again by themselves, repeat a command; if it stays so, check that the site is up."
    transient = True


class FetchTimeoutError(FetchError):
    code = "fetch_timeout"
    sentence = "{url} did not answer in time ({reason})."
    remedy = (
        "Queued jobs try again by themselves, repeat a command; "
        "if it stays so, the site is too slow or holds the connection."
    )
    transient = True


class HttpStatusError(FetchError):
    """The site answered with an error status. 404 and 410 mean that the page is gone."""

    code = "http_status"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "status")
    sentence = "{url} answered HTTP {status}."
    remedy = "Check the address in a browser; 401, 403 and 451 mean that the site refuses this service."


class TransientHttpStatusError(HttpStatusError):
    """A status that says "later" (408, 425, 429, 5xx). `retry_after_seconds` is None if the site named no time."""

    code = "http_status_transient"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "status", "retry_after_seconds")
    remedy = "Queued jobs try again by themselves, repeat a command."
    transient = True


class PageTooLargeError(FetchError):
    code = "page_too_large"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "limit_bytes", "where")
    sentence = "{url} is larger than {limit_bytes} bytes {where}."
    remedy = "A property page is smaller; check that the address is not a download."


class TooManyRedirectsError(FetchError):
    code = "too_many_redirects"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "limit")
    sentence = "{url} redirected more than {limit} times."
    remedy = "Give the address of the page itself."


class UnsupportedContentError(FetchError):
    code = "unsupported_content"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "content_type")
    sentence = "{url} is {content_type}, not a page that can be read."
    remedy = "HTML, XHTML, XML, JSON and plain text are read."


class EmptyPageError(FetchError):
    code = "empty_page"
    fact_names: ClassVar[tuple[str, ...]] = ("url",)
    sentence = "{url} has an empty body."
    remedy = "Check the address in a browser; the page may need one to be built."


class BrowserUnavailableError(FetchError):
    """A page that has to be drawn, and a browser that does not come up."""

    code = "browser_unavailable"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "program", "reason")
    sentence = "{url} needs a browser, and {program} did not start ({reason})."
    remedy = "See docs/browser-pages.md for the usual causes; without FETCH_BROWSER_PATH no page is drawn."
    transient = True


class BrowserFailedError(FetchError):
    """The browser ended while it drew the page, or could not draw it."""

    code = "browser_failed"
    sentence = "{url} could not be drawn: {reason}."
    remedy = (
        "Queued jobs try again by themselves, repeat a command; "
        "if it stays so, the page may take more than FETCH_BROWSER_MEMORY_BYTES."
    )
    transient = True


class RobotsDisallowedError(FetchError):
    code = "robots_disallowed"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "user_agent")
    sentence = "robots.txt of the site does not allow {url} for {user_agent}."
    remedy = "Ask the site for permission or take the data from another source."


class PageUnderWayError(FetchError):
    """Another job reads this very page now, by this URL or another one."""

    code = "page_under_way"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "page_url", "retry_after_seconds")
    sentence = "{url} is the page {page_url}, which another job reads just now."
    remedy = "The job comes back for what that one finds."
    transient = True


class HostBusyError(FetchError):
    """The pace that a host is owed leaves no turn soon enough. `retry_after_seconds` is when the next one may come; for
    `held_seconds` of it the site asked to be left alone, by an answer 429 or 503."""

    code = "host_busy"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "retry_after_seconds", "held_seconds")
    sentence = "{url} must wait at least {retry_after_seconds:.0f} s more for its turn at the site."
    remedy = (
        "Queued jobs try again by themselves, repeat a command; "
        "the pace is FETCH_MIN_DELAY_SECONDS or what the site's robots.txt asks."
    )
    transient = True


# --- pages and models ------------------------------------------------------------------------------------------------


class PageError(PropertyIntelligenceError):
    """The page was fetched but holds no property."""

    code = "page_unusable"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "reason")
    sentence = "{url} holds no property: {reason}."


class PageBlockedError(PageError):
    code = "page_blocked"
    sentence = "{url} shows a block or login page instead of a property ({reason})."
    remedy = "It is not worked around; take the data from another source."


class PageGoneError(PageError):
    code = "page_gone"
    sentence = "{url} says that the property is no longer there ({reason})."
    remedy = "Remove it from your list."


class SearchPageError(PageError):
    code = "search_page"
    sentence = "{url} lists several properties ({reason})."
    remedy = "Enqueue a search by its own address (docs/search-pages.md), or the pages it links to."


class PageNamesPersonError(PropertyIntelligenceError):
    """A page whose URL names somebody who was purged: it cannot be kept without the name."""

    code = "page_names_person"
    fact_names: ClassVar[tuple[str, ...]] = ()
    sentence = "The page's URL names a person who was purged, and nothing of it is stored."
    remedy = "Take the data from another page."


class NoPropertyDataError(PageError):
    code = "no_property_data"
    sentence = "{url} has no property data that could be read ({reason})."
    remedy = "See `propintel extract --explain`; the page may need a browser or a model."


class NoSourceError(PropertyIntelligenceError):
    """No page about an address was found. `tried` tells of each source what came of it."""

    code = "no_source"
    fact_names: ClassVar[tuple[str, ...]] = ("address", "tried")
    sentence = "No page about {address} could be read. Tried: {tried}."
    remedy = (
        "Check the address; add the county's sources or domains to search to sources.toml (docs/sources.md), "
        "or scrape the URL of a page about it."
    )


class ModelError(PropertyIntelligenceError):
    """The model's answer could not be used. What was read without it is stored all the same."""

    code = "model_failed"
    fact_names: ClassVar[tuple[str, ...]] = ("model", "reason")
    sentence = "The model {model} gave no usable answer: {reason}."
    remedy = "The values read from the page itself are kept; scrape again with --refresh once this is mended."


class BadAnswerError(ModelError):
    """The model answered, which is paid for, and the answer is no good."""

    code = "model_answer_bad"
    remedy = (
        "What was read is kept. The same question is not paid for again within an hour: "
        "scrape with --refresh after that, or set another OPENAI_MODEL."
    )


class ModelRefusedError(BadAnswerError):
    code = "model_refused"
    sentence = "The model {model} refused to answer: {reason}."


class ModelAnswerInvalidError(BadAnswerError):
    code = "model_answer_invalid"
    sentence = "The model {model} answered something that is not the asked JSON: {reason}."


class ModelAnswerCutError(BadAnswerError):
    """What stood before the cut is kept, where it was whole."""

    code = "model_answer_cut"
    sentence = "The answer of the model {model} was cut off at the token limit: {reason}."


class ModelUnreachableError(ModelError):
    """No key got an answer: the API is down, slow or out of reach."""

    code = "model_unreachable"
    sentence = "The model {model} could not be reached: {reason}."
    remedy = (
        "Queued jobs try again by themselves, repeat a command; "
        "if it stays so, check OPENAI_BASE_URL and the API's status page."
    )
    transient = True


# --- webhooks --------------------------------------------------------------------------------------------------------


class InvalidCallbackError(PropertyIntelligenceError):
    """What is to be told is no URL that a webhook can be sent to."""

    code = "invalid_callback"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "problem")
    sentence = "Callback URL {url!r}: {problem}."
    remedy = "Give an absolute http:// or https:// URL without user name, on port 80, 443 or above 1023."


class WebhookError(PropertyIntelligenceError):
    """The receiver did not take a webhook. `reason` names it by its origin: the rest of its URL may be a secret."""

    code = "webhook_failed"
    fact_names: ClassVar[tuple[str, ...]] = ("reason",)
    sentence = "The webhook was not delivered: {reason}."
    transient = True


class WebhookRefusedError(WebhookError):
    """Nothing would change with another attempt: a place where no webhook goes, or one that wants no more."""

    code = "webhook_refused"
    remedy = "A receiver in your own network needs its range in FETCH_ALLOWED_PRIVATE_NETWORKS."
    transient = False


# --- jobs ------------------------------------------------------------------------------------------------------------


class CapacityError(PropertyIntelligenceError):
    """No key has room now. `retry_after_seconds` is the pool's own estimate."""

    code = "no_capacity"
    fact_names: ClassVar[tuple[str, ...]] = ("retry_after_seconds",)
    sentence = "No OpenAI key has room for {retry_after_seconds:.1f} s."
    remedy = "The job waits by itself; add keys of another project or ask for more quota if this lasts."
    transient = True


class DeadlineExceededError(PropertyIntelligenceError):
    code = "deadline_exceeded"
    fact_names: ClassVar[tuple[str, ...]] = ("waited_seconds", "deadline_seconds")
    sentence = "The job waited {waited_seconds:.0f} s for capacity, more than its {deadline_seconds:.0f} s."
    remedy = "Add keys of another project, ask for more quota, or raise SCRAPE_DEADLINE_SECONDS; then retry the job."


class JobTimeoutError(PropertyIntelligenceError):
    """One run of a job took longer than a task may."""

    code = "job_timeout"
    fact_names: ClassVar[tuple[str, ...]] = ("limit_seconds",)
    sentence = "The job ran longer than {limit_seconds:.0f} s and was stopped."
    remedy = "It tries again by itself; if it stays so, the site or the model answers too slowly."
    transient = True


class OutOfTimeError(PropertyIntelligenceError):
    """A run of a job ends before it begins what it may not finish. What it has done stays."""

    code = "out_of_time"
    fact_names: ClassVar[tuple[str, ...]] = ("retry_after_seconds",)
    sentence = "The job has more pages than one run has time for."
    remedy = "It goes on by itself, from where it was; no page is fetched and nothing paid for twice."
    transient = True


class OutOfResourcesError(PropertyIntelligenceError):
    """The worker's machine has no memory, threads or file handles left for this run."""

    code = "out_of_resources"
    fact_names: ClassVar[tuple[str, ...]] = ("type", "text")
    sentence = "The worker's machine ran out of resources ({type}: {text})."
    remedy = "It tries again by itself; if it stays so, run fewer processes or threads there."
    transient = True


class WorkerDiedError(PropertyIntelligenceError):
    """The process that ran the job ended without a word (killed, out of memory, crashed), more than once."""

    code = "worker_died"
    fact_names: ClassVar[tuple[str, ...]] = ("attempts",)
    sentence = "The job was given up: after {attempts} attempts its worker had died again."
    remedy = "See the worker's log (memory limit, crash); then run `propintel jobs JOB --retry`."


class LeaseLostError(PropertyIntelligenceError):
    """Another process works on it by now, or it is gone: whoever held it must not touch it any more."""

    code = "lease_lost"
    fact_names: ClassVar[tuple[str, ...]] = ("id",)
    sentence = "The lease of {id} is another process's by now."
    transient = True


class NotFoundError(PropertyIntelligenceError):
    code = "not_found"
    fact_names: ClassVar[tuple[str, ...]] = ("kind", "id")
    sentence = "There is no {kind} {id}."
    remedy = "`propintel jobs` lists what there is."


class UnexpectedError(PropertyIntelligenceError):
    """A defect of ours or of a library: the type and text of the original, never its traceback or arguments."""

    code = "unexpected"
    fact_names: ClassVar[tuple[str, ...]] = ("type", "text")
    sentence = "Unexpected {type}: {text}."
    remedy = "This is a defect; please report it with the log of this job."


# --- storage ---------------------------------------------------------------------------------------------------------


class StoreError(PropertyIntelligenceError):
    code = "store_failed"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "reason")
    sentence = "The database {url} failed: {reason}."
    remedy = "Check DATABASE_URL and the database's log."


class DatabaseUnavailableError(StoreError):
    code = "database_unavailable"
    sentence = "The database {url} does not answer: {reason}."
    transient = True


class DatabaseFileError(DatabaseUnavailableError):
    """A SQLite file that cannot be opened, read or written."""

    code = "database_file"
    sentence = "The database file {url} cannot be used: {reason}."
    remedy = "Check the owner and rights of its folder: PROPINTEL_HOME, unless DATABASE_URL names another."


class NotADatabaseError(DatabaseFileError):
    code = "not_a_database"
    remedy = "Name another file in DATABASE_URL; this one was not touched."
    transient = False


class DatabaseLockedError(StoreError):
    code = "database_locked"
    sentence = "The database {url} is locked by another process ({reason})."
    remedy = "Queued jobs try again by themselves, repeat a command; for many workers set DATABASE_URL to a PostgreSQL."
    transient = True


class DiskFullError(StoreError):
    code = "disk_full"
    sentence = "There is no room left for the database {url} ({reason})."
    remedy = "Free disk space; nothing was half-written, and queued jobs go on by themselves."
    transient = True


class DatabaseOutdatedError(StoreError):
    code = "database_outdated"
    sentence = "The database {url} is at schema {reason}, not at this version's."
    remedy = "Run `propintel db upgrade`."
