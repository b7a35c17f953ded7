"""Spans have the right names and parents, and show no secrets. Without a collector, no exporter is loaded."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator

import pytest
from structlog.contextvars import get_contextvars

from app.errors.targets import InvalidTargetError
from app.logs import configure_logging
from app.redaction import protect
from app.tracing import configure_tracing, current_span, shutdown_tracing, span
from tests.plugins.otlp_receiver import OtlpReceiver
from tests.plugins.ports import free_port

_KEY = "sk-proj-" + "A1b2C3d4" * 6
_JOB = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End the exporter of each test, so that it does not log during the next one."""
    monkeypatch.setattr("app.tracing._GIVE_UP_SECONDS", 60.0)
    yield
    shutdown_tracing()


def _traced(otlp: OtlpReceiver, **options: float | str) -> None:
    configure_tracing(otlp.url, **{"service_name": "a-service", **options})  # type: ignore[arg-type]


def test_a_span_is_a_child_of_the_one_around_it_and_a_trace_has_its_jobs_id(otlp: OtlpReceiver) -> None:
    _traced(otlp, headers="X-Api-Key=se%2Ccret, tenant = blue")
    for _ in range(2):
        with span("job", {}, trace_id=_JOB), span("fetch", {"server.address": "h"}), span("inner", {"n": 1}):
            current_span().set({"late": True, "absent": None})
    shutdown_tracing()
    jobs, fetches, inner = otlp.named("job"), otlp.named("fetch"), otlp.named("inner")
    assert {one.trace_id for one in otlp.spans} == {_JOB}
    assert [one.parent for one in jobs] == ["", ""]
    assert [one.parent for one in fetches] == [one.span_id for one in jobs]
    assert [one.parent for one in inner] == [one.span_id for one in fetches]
    assert inner[0].attributes == {"n": 1, "late": True}
    assert len({one.span_id for one in otlp.spans}) == 6
    assert {one.service for one in otlp.spans} == {"a-service"}
    assert (otlp.headers[0]["x-api-key"], otlp.headers[0]["tenant"]) == ("se,cret", "blue")


@pytest.mark.parametrize("odd", ["", "no-hex" * 5 + "xx", "0" * 32, "12", None])
def test_a_job_id_that_is_no_trace_id_starts_a_new_trace(otlp: OtlpReceiver, odd: str | None) -> None:
    _traced(otlp)
    with span("job", {}, trace_id=odd):
        pass
    shutdown_tracing()
    assert int(otlp.named("job")[0].trace_id, 16) > 0


def test_an_error_is_recorded_without_secret_and_query(otlp: OtlpReceiver) -> None:
    protect(["odd.password/here"])
    _traced(otlp)
    error = RuntimeError("above https://h/p?token=3")
    error.__cause__ = ValueError(f"{_KEY} odd.password/here https://h/p?token=2")
    with pytest.raises(RuntimeError), span("job", {"said": f"{_KEY} https://me:pw@h/p?token=1"}):
        raise error
    shutdown_tracing()
    (job,) = otlp.spans
    assert job.failed
    assert job.attributes["error.type"] == "RuntimeError"
    ((name, details),) = job.events
    assert (name, details["exception.type"]) == ("exception", "RuntimeError")
    assert "test_an_error_is_recorded" in details["exception.stacktrace"]
    assert job.attributes["said"] == "[redacted] https://h/p?[redacted]"
    everything = b"".join(otlp.bodies)
    for secret in (_KEY, "odd.password/here", "token=", "me:pw"):
        assert secret.encode() not in everything


def test_our_errors_are_named_by_their_code_and_expected_ones_are_not_failures(otlp: OtlpReceiver) -> None:
    _traced(otlp)
    with pytest.raises(InvalidTargetError), span("bad", {}):
        raise InvalidTargetError("x", "y")
    with pytest.raises(KeyError), span("fine", {}, expected=(KeyError,)):
        raise KeyError("x")
    shutdown_tracing()
    assert otlp.named("bad")[0].attributes["error.type"] == "invalid_target"
    assert not otlp.named("fine")[0].failed


@pytest.mark.parametrize(("status", "failed"), [(200, False), (399, False), (400, True), (503, True)])
def test_an_http_status_of_400_or_more_fails_a_span(otlp: OtlpReceiver, status: int, failed: bool) -> None:
    _traced(otlp)
    with span("model.attempt", {}) as attempt:
        attempt.answered(status)
    shutdown_tracing()
    assert (otlp.spans[0].attributes["http.response.status_code"], otlp.spans[0].failed) == (status, failed)


def test_log_lines_name_the_span(otlp: OtlpReceiver) -> None:
    _traced(otlp)
    with span("job", {}, trace_id=_JOB):
        outside = get_contextvars()["span_id"]
        with span("fetch", {}):
            assert get_contextvars()["trace_id"] == _JOB
            assert get_contextvars()["span_id"] != outside
        assert get_contextvars()["span_id"] == outside
    assert "trace_id" not in get_contextvars()
    shutdown_tracing()


def test_sampled_jobs_are_traced_whole(otlp: OtlpReceiver) -> None:
    ids = [uuid.uuid4().hex for _ in range(400)]
    for _ in range(2):
        _traced(otlp, ratio=0.25)
        for one in ids:
            with span("job", {}, trace_id=one), span("fetch", {}):
                pass
        shutdown_tracing()
    jobs = [one.trace_id for one in otlp.named("job")]
    assert 60 <= len(set(jobs)) <= 140
    assert sorted(jobs) == sorted(2 * list(set(jobs)))
    assert sorted(jobs) == sorted(one.trace_id for one in otlp.named("fetch"))


def test_an_unreachable_collector_is_logged_once_and_blocks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(log_format="json")
    configure_tracing(f"http://127.0.0.1:{free_port()}", service_name="x")
    for _ in range(3000):
        with span("job", {}):
            pass
    shutdown_tracing()
    configure_logging(log_format="json")
    logged = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    warned = [line for line in logged if line["level"] != "info"]
    assert [line["logger"] for line in warned] == ["app.otlp"] * len(warned)
    assert len(warned) <= 1


def test_a_recovered_collector_is_logged(otlp: OtlpReceiver, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(log_format="json")
    otlp.status = 400
    _traced(otlp)
    with span("lost", {}):
        pass
    deadline = time.monotonic() + 20
    while not otlp.headers and time.monotonic() < deadline:
        time.sleep(0.02)
    otlp.status = 200
    with span("taken", {}):
        pass
    shutdown_tracing()
    logged = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert len([line for line in logged if line.startswith("Traces cannot be delivered")]) == 1
    assert "Traces are delivered again; spans lost: 1" in logged
    assert [one.name for one in otlp.spans] == ["taken"]


def test_no_exporter_is_loaded_without_a_collector_or_sampled_traces() -> None:
    script = """
import sys, tasks.base, app.services.runtime.resources, app.tracing as t
for endpoint, options in ((None, {}), ("http://127.0.0.1:9", {"ratio": 0.0})):
    t.configure_tracing(endpoint, service_name="x", **options)
    with t.span("job", {}, trace_id="12") as s:
        s.set({"a": 1})
        s.answered(500)
        t.current_span().set({})
    assert not sys.modules.keys() & {"app.otlp", "opentelemetry.exporter.otlp.proto.http"}
"""
    subprocess.run([sys.executable, "-c", script], check=True)
