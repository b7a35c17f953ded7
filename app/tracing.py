"""Trace jobs, fetches, and model calls. Send the spans to an OpenTelemetry collector, if one is configured.

`open_resources` calls `configure_tracing`, after a fork. Closing the resources calls `shutdown_tracing`. If no
collector is configured, `span` costs almost nothing, and the SDK is not imported. A job's trace id is its job id (both
have 128 bits), so all attempts of the job belong to one trace. Spans are redacted, and URLs are shown without their
query. An unavailable collector does not delay the work.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from structlog.contextvars import bind_contextvars, reset_contextvars

from app.redaction import redact_urls

if TYPE_CHECKING:
    from app.otlp import Exporting

log = logging.getLogger(__name__)

Attributes = Mapping[str, str | int | float | bool | None]

#: How long an ending process waits for the last spans to be sent.
_FLUSH_SECONDS = 3.0
_GIVE_UP_SECONDS = 1.0
#: Maximum length of a text in a span, because texts of models and sites may be long.
_LONGEST_TEXT = 4096

_exporting: Exporting | None = None
_current: ContextVar[Span | None] = ContextVar("current_span", default=None)


class Span:
    """A span that is the current span during its `with` block.

    It records exceptions that leave the block, redacted, except those of the `expected` classes. If `exporting` is
    None, tracing is off, and the span does nothing.
    """

    def __init__(
        self,
        exporting: Exporting | None = None,
        name: str = "",
        attributes: Attributes | None = None,
        trace_id: int | None = None,
        expected: tuple[type[BaseException], ...] = (),
    ) -> None:
        self._exporting = exporting
        self._name = name
        self._attributes = attributes or {}
        self._trace_id = trace_id
        self._expected = expected
        self._token: Token[Span | None] | None = None
        self._log_tokens: Mapping[str, Token[Any]] = {}
        self.otel: Any = None

    def __enter__(self) -> Self:
        if self._exporting is None:
            return self
        parent = _current.get() if self._trace_id is None else None
        self.otel = self._exporting.start(self._name, parent.otel if parent else None, self._trace_id)
        self.set(self._attributes)
        self._token = _current.set(self)
        ids = self.otel.get_span_context()
        self._log_tokens = bind_contextvars(trace_id=f"{ids.trace_id:032x}", span_id=f"{ids.span_id:016x}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._exporting is None:
            return
        reset_contextvars(**self._log_tokens)
        if self._token is not None:
            _current.reset(self._token)
        if isinstance(error, Exception) and not isinstance(error, self._expected):
            self.failed(error)
        self.otel.end()

    def set(self, attributes: Attributes) -> None:
        for name, value in attributes.items() if self._exporting is not None else ():
            if value is not None:
                self.otel.set_attribute(name, _shown(value) if isinstance(value, str) else value)

    def failed(self, error: BaseException) -> None:
        """Record an error as the span's failure. Use it for errors that do not leave the `with` block."""
        if self._exporting is None:
            return
        kind, message = type(error).__qualname__, _shown(str(error))
        trace = redact_urls("".join(traceback.format_exception(error)))[-_LONGEST_TEXT:]
        self.set({"error.type": str(getattr(error, "code", None) or kind)})
        self.otel.add_event(
            "exception", {"exception.type": kind, "exception.message": message, "exception.stacktrace": trace}
        )
        self._exporting.mark_failed(self.otel, message)

    def answered(self, status: int) -> None:
        """Record an HTTP status. 4xx and 5xx mark the span as failed."""
        self.set({"http.response.status_code": status})
        if status >= 400 and self._exporting is not None:
            self.set({"error.type": str(status)})
            self._exporting.mark_failed(self.otel, f"HTTP {status}")


_NONE = Span()


def span(
    name: str, attributes: Attributes, *, trace_id: str | None = None, expected: tuple[type[BaseException], ...] = ()
) -> Span:
    """Return a span for a `with` block. It is a child of the current span.

    If `trace_id` (32 hex digits) is given, the span is instead a root of that trace, or of a new trace if the id is
    invalid. Exceptions of the `expected` classes are not recorded as errors.
    """
    if _exporting is None:
        return _NONE
    return Span(_exporting, name, attributes, _parsed(trace_id) if trace_id else None, expected)


def current_span() -> Span:
    """Return the current span, or a span that does nothing."""
    return _current.get() or _NONE


def configure_tracing(endpoint: str | None, *, headers: str = "", service_name: str, ratio: float = 1.0) -> None:
    """Start to send spans to `endpoint`, the base URL of an OTLP receiver over HTTP, in this process.

    If `endpoint` is None or `ratio` is 0, tracing stays off. `headers` is `name=value,...` with percent-encoded values.
    `ratio` is the share of traces that are sent. Call this in each process, after it was forked. A second call replaces
    the configuration.
    """
    global _exporting  # noqa: PLW0603 (one per process by design)
    shutdown_tracing()
    if endpoint is None or ratio == 0:
        return
    from app.otlp import Exporting  # noqa: PLC0415 (0.3 s and 15 MB, only with tracing)

    _exporting = Exporting(endpoint, headers, service_name, ratio)
    log.info("Traces are sent to %s", redact_urls(endpoint))


def shutdown_tracing() -> None:
    """Send the remaining spans and stop tracing. This takes a few seconds at most. A second call does nothing."""
    global _exporting
    exporting, _exporting = _exporting, None
    if exporting is None:
        return
    closing = threading.Thread(target=exporting.close, name="last-spans", daemon=True)
    closing.start()
    closing.join(_FLUSH_SECONDS)
    if closing.is_alive():
        exporting.give_up()
        closing.join(_GIVE_UP_SECONDS)


def _parsed(trace_id: str) -> int:
    """Return the id as a number, or 0 if it is invalid. No trace has the id 0."""
    try:
        return int(trace_id, 16) if len(trace_id) == 32 else 0
    except ValueError:
        return 0


def _shown(text: str) -> str:
    return redact_urls(text)[:_LONGEST_TEXT]
