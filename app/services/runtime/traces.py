"""Start OpenTelemetry tracing as configured. A process calls `start_tracing` after its fork."""

from __future__ import annotations

from app.settings import Settings
from app.tracing import configure_tracing


def start_tracing(settings: Settings) -> None:
    """Trace this process if OTEL_EXPORTER_OTLP_ENDPOINT is set. The caller calls `shutdown_tracing` at the end."""
    headers = settings.traces.exporter_otlp_headers
    configure_tracing(
        settings.traces.exporter_otlp_endpoint,
        headers=headers.get_secret_value() if headers else "",
        service_name=settings.traces.service_name,
        ratio=settings.traces.traces_sampler_arg,
    )
