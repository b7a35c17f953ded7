"""A real OTLP receiver on loopback that decodes and records what an OpenTelemetry SDK sends over HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.serving import BackgroundServer


@dataclass(frozen=True)
class ReceivedSpan:
    """A span with ids in hex. A root span has an empty `parent`. `events` are pairs of name and attributes."""

    name: str
    trace_id: str
    span_id: str
    parent: str
    failed: bool
    attributes: dict[str, Any]
    events: tuple[tuple[str, dict[str, Any]], ...]
    service: str
    status_message: str


@dataclass
class OtlpReceiver:
    """Answers each export with `status` and records its headers. Bodies and spans are recorded only with 200."""

    status: int = 200
    url: str = ""
    spans: list[ReceivedSpan] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def named(self, name: str, trace_id: str | None = None) -> list[ReceivedSpan]:
        return [span for span in list(self.spans) if span.name == name and trace_id in (None, span.trace_id)]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        status = self.status if path == "/v1/traces" else 404
        if status == 200:
            self.bodies.append(body)
            self.spans.extend(_spans(ExportTraceServiceRequest.FromString(body)))
        self.headers.append(headers)
        return status


def _spans(request: ExportTraceServiceRequest) -> Iterator[ReceivedSpan]:
    for resource in request.resource_spans:
        service = _attributes(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield ReceivedSpan(
                    name=span.name,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    failed=span.status.code == 2,
                    attributes=_attributes(span.attributes),
                    events=tuple((event.name, _attributes(event.attributes)) for event in span.events),
                    service=service,
                    status_message=span.status.message,
                )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs if isinstance(pair, KeyValue)}


def _value(value: AnyValue) -> Any:
    return getattr(value, value.WhichOneof("value") or "string_value")


@pytest.fixture
def otlp() -> Iterator[OtlpReceiver]:
    receiver = OtlpReceiver()

    async def answer(request: Request) -> Response:
        status = receiver.take(request.url.path, dict(request.headers), await request.body())
        return Response(status_code=status)

    with BackgroundServer(Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])) as server:
        receiver.url = server.address
        yield receiver
