"""Errors of fetching a page."""

from app.errors import PropertyIntelligenceError


class FetchError(PropertyIntelligenceError, code="fetch_failed", facts="url reason"):
    """The base class of all errors of fetching a page."""

    sentence = "{url} could not be fetched: {reason}."


class BlockedAddressError(FetchError, code="blocked_address"):
    """The SSRF guard rejected an internal address (RFC 6890 special ranges, metadata services)."""

    sentence = "{url} leads to {reason}, which this service does not fetch."
    remedy = (
        "If it is your own intranet or a test site, add its range to FETCH_ALLOWED_PRIVATE_NETWORKS "
        "and request its own URL: pages lead only to their own scheme, host, and port there."
    )


class BlockedPortError(BlockedAddressError, code="blocked_port"):
    """The URL's port is not used for web pages, but usually for a system service, such as a database."""

    remedy = "Pages are fetched on ports 80, 443 and above 1023, except those of well-known services."


class NameNotResolvedError(FetchError, code="name_not_resolved"):
    sentence = "The host name of {url} could not be resolved ({reason})."
    remedy = "Check its spelling and this machine's DNS."
    transient = True


class ConnectionFailedError(FetchError, code="connection_failed"):
    sentence = "No connection to {url} ({reason})."
    remedy = "Queued jobs are retried automatically; repeat a command. If it persists, check that the site is up."
    transient = True


class FetchTimeoutError(FetchError, code="fetch_timeout"):
    sentence = "{url} did not answer in time ({reason})."
    remedy = (
        "Queued jobs are retried automatically; repeat a command. "
        "If it persists, the site is too slow or blocks this service."
    )
    transient = True


class HttpStatusError(FetchError, code="http_status", facts="url status"):
    """The site answered with an error status. 404 and 410 mean that the page is gone."""

    sentence = "{url} answered HTTP {status}."
    remedy = "Check the address in a browser. 401, 403 and 451 mean that the site refuses this service."


class TransientHttpStatusError(HttpStatusError, code="http_status_transient", facts="url status retry_after_seconds"):
    """The status is temporary (408, 425, 429, 5xx). `retry_after_seconds` is None if the site sent no `Retry-After`."""

    remedy = "Queued jobs are retried automatically; repeat a command."
    transient = True


class PageTooLargeError(FetchError, code="page_too_large", facts="url limit_bytes where"):
    sentence = "{url} is larger than {limit_bytes} bytes {where}."
    remedy = "Property pages are smaller. Check that the address is not a download."


class TooManyRedirectsError(FetchError, code="too_many_redirects", facts="url limit"):
    sentence = "{url} redirected more than {limit} times."
    remedy = "Use the address of the page itself."


class UnsupportedContentError(FetchError, code="unsupported_content", facts="url content_type"):
    sentence = "{url} is {content_type}, not a page that can be read."
    remedy = "HTML, XHTML, XML, JSON and plain text are read."


class EmptyPageError(FetchError, code="empty_page", facts="url"):
    sentence = "{url} has an empty body."
    remedy = "Check the address in a browser; the page may need a browser to be rendered."


class BrowserUnavailableError(FetchError, code="browser_unavailable", facts="url program reason"):
    """A page must be rendered, but the browser does not start."""

    sentence = "{url} needs a browser, and {program} did not start ({reason})."
    remedy = "See docs/browser-pages.md for the usual causes. Without FETCH_BROWSER_PATH, no page is rendered."
    transient = True


class BrowserFailedError(FetchError, code="browser_failed"):
    """The browser exited while it rendered the page, or could not render it."""

    sentence = "{url} could not be rendered: {reason}."
    remedy = (
        "Queued jobs are retried automatically; repeat a command. "
        "If it persists, the page may need more than FETCH_BROWSER_MEMORY_BYTES."
    )
    transient = True


class RobotsDisallowedError(FetchError, code="robots_disallowed", facts="url user_agent"):
    sentence = "robots.txt of the site does not allow {url} for {user_agent}."
    remedy = "Ask the site for permission or take the data from another source."


class PageUnderWayError(FetchError, code="page_under_way", facts="url page_url retry_after_seconds"):
    """Another job is reading the same page, under the same URL or a different URL."""

    sentence = "{url} is the page {page_url}, which another job is reading."
    remedy = "The job continues with the result of the other one."
    transient = True


class HostBusyError(FetchError, code="host_busy", facts="url retry_after_seconds held_seconds"):
    """The host's rate limit or its robots.txt delays the next request for longer than the job may wait.

    `retry_after_seconds` is the time until the next request is allowed. `held_seconds` is the part of this time that is
    due to a 429 or 503 from the site.
    """

    sentence = "{url} must wait at least {retry_after_seconds:.0f} s more before the next request to the site."
    remedy = (
        "Queued jobs are retried automatically; repeat a command. "
        "FETCH_MIN_DELAY_SECONDS or the site's robots.txt sets the pace."
    )
    transient = True
