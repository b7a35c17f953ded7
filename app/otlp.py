"""Create and export spans with the OpenTelemetry SDK, for `app.tracing`. Importing this module loads the SDK.

The SDK itself reads further standard environment variables, such as `OTEL_RESOURCE_ATTRIBUTES`,
`OTEL_EXPORTER_OTLP_CERTIFICATE`, and limits for batches and attributes.
"""

import logging
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any
from urllib.parse import unquote

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import Span, Status, StatusCode

log = logging.getLogger(__name__)

#: Maximum number of spans (about 1 kB each) waiting to be sent. Further spans are dropped.
_QUEUE = 2048
_EXPORT_SECONDS = 5.0
_DELAY_MS = 1000
#: SDK loggers to silence, because they log every failed batch. `_LoggedOnce` logs only the first one.
_SDK_LOGGERS = ("opentelemetry.exporter", "opentelemetry.sdk", "opentelemetry.attributes")
#: 2**64 divided by the golden ratio. Multiplying by it (Fibonacci hashing) spreads UUIDs evenly, although some of their
#: bits are constant.
_SPREAD = 0x9E3779B97F4A7C15

_next_trace_id: ContextVar[int] = ContextVar("next_trace_id", default=0)


class _JobIds(RandomIdGenerator):
    def generate_trace_id(self) -> int:
        return _next_trace_id.get() or super().generate_trace_id()


class _Share(Sampler):
    """Samples a share of all traces. The trace id decides, so that all attempts of a job are traced, or none."""

    def __init__(self, ratio: float) -> None:
        self._bound = round(ratio * 2**64)

    def should_sample(self, parent_context: Context | None, trace_id: int, *_: Any, **more: Any) -> SamplingResult:  # noqa: ARG002 (the SDK's)
        drawn = ((trace_id ^ trace_id >> 64) * _SPREAD) % 2**64
        return SamplingResult(
            Decision.RECORD_AND_SAMPLE if drawn < self._bound else Decision.DROP, more.get("attributes")
        )

    def get_description(self) -> str:
        return f"ShareOfJobs{{{self._bound / 2**64}}}"


class _LoggedOnce(SpanExporter):
    """Logs when the collector becomes unreachable, and when it answers again."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            result = self._inner.export(spans)
        except Exception:  # noqa: BLE001 (an unexpected answer of the collector must not affect the work)
            result = SpanExportResult.FAILURE
        if result is SpanExportResult.SUCCESS:
            if self._lost:
                log.info("Traces are delivered again; spans lost: %d", self._lost)
            self._lost = 0
        else:
            if not self._lost:
                log.warning("Traces cannot be delivered, and spans are lost (OTEL_EXPORTER_OTLP_ENDPOINT)")
            self._lost += len(spans)
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()


class Exporting:
    """Creates spans and sends them in batches in the background."""

    def __init__(self, endpoint: str, headers: str, service_name: str, ratio: float) -> None:
        for name in _SDK_LOGGERS:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._exporter = OTLPSpanExporter(
            endpoint=f"{endpoint.rstrip('/')}/v1/traces", headers=_parsed(headers), timeout=_EXPORT_SECONDS
        )
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": service_name}),
            sampler=ParentBased(_Share(ratio)),
            id_generator=_JobIds(),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(_LoggedOnce(self._exporter), max_queue_size=_QUEUE, schedule_delay_millis=_DELAY_MS)
        )
        self._tracer = self._provider.get_tracer("property-intelligence")

    def start(self, name: str, parent: Span | None, trace_id: int | None) -> Span:
        """Start a child span of `parent`. If `parent` is None, start a trace with the id `trace_id`, or with a random
        id if it is None.
        """
        token = _next_trace_id.set(trace_id or 0)
        try:
            return self._tracer.start_span(name, trace.set_span_in_context(parent) if parent else Context())
        finally:
            _next_trace_id.reset(token)

    def mark_failed(self, span: Span, reason: str) -> None:
        span.set_status(Status(StatusCode.ERROR, reason))

    def close(self) -> None:
        """Send the waiting spans and stop. This may take 30 s if the collector hangs."""
        self._provider.shutdown()

    def give_up(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


def _parsed(headers: str) -> dict[str, str]:
    """Parse `name=value,...` with percent-encoded values, as OTLP specifies. Names become lowercase, as in HTTP/2."""
    pairs: list[Any] = [part.partition("=") for part in headers.split(",") if "=" in part]
    return {name.strip().lower(): unquote(value.strip()) for name, _, value in pairs}
