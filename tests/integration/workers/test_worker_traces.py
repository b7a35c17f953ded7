"""A collector receives a job's trace, with its fetches and model calls, also over retries and crashes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from app.keypool.keys import mask
from cli.services import Services
from tests.plugins.otlp_receiver import OtlpReceiver, ReceivedSpan
from tests.plugins.ports import free_port
from tests.plugins.simulator_fixtures import KEYS
from tests.plugins.waiting import wait_until

pytestmark = pytest.mark.worker
TARGET = "/listings/oak-hollow-lane"
QUERY = "?session=hunter2-and-more"


TracedFleet = Callable[..., Any]


@pytest.fixture
def traced_fleet(make_fleet: Callable[..., Any], otlp: OtlpReceiver) -> TracedFleet:
    """Return `make(simulator, VARIABLE=value, ...)`, which returns a fleet that sends its traces to `otlp`."""

    def make(simulator: Any, **variables: str) -> Any:
        given = {"OPENAI_API_KEYS": ",".join(simulator.keys), "OPENAI_BASE_URL": simulator.base_url}
        collector = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": otlp.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=collector-password",
        }
        return make_fleet(**given, **{**collector, **variables})

    return make


def _only(spans: list[ReceivedSpan]) -> ReceivedSpan:
    assert len(spans) == 1
    return spans[0]


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_one_trace_with_the_jobs_id_covers_fetch_and_model_call(
    pool: str, traced_fleet: TracedFleet, openai_simulator: Callable[..., Any], property_site: str, otlp: OtlpReceiver
) -> None:
    """The first key is refused, so the model call has two attempts."""
    simulator = openai_simulator(
        [{"key": KEYS[0], "behavior": "dead"}, {"key": KEYS[1], "rpm": 1000, "tpm": 1_000_000}]
    )
    fleet = traced_fleet(simulator, OTEL_SERVICE_NAME="homes")
    fleet.start_worker(pool=pool, concurrency=1)
    (job_id,) = fleet.send(property_site + TARGET + QUERY)
    (job,) = fleet.wait_for_state([job_id], "done")
    wait_until(lambda: otlp.named("job", job_id), 20)

    run = _only(otlp.named("job", job_id))
    found = {name: otlp.named(name, job_id) for name in ("fetch", "extract", "model", "store")}
    # the page declares a canonical URL, which is fetched and compared
    assert {name: len(spans) for name, spans in found.items()} == {"fetch": 2, "extract": 2, "model": 1, "store": 1}
    assert run.parent == ""
    assert {span.parent for spans in found.values() for span in spans} == {run.span_id}
    children = {name: spans[0] for name, spans in found.items()}
    assert {span.trace_id for span in otlp.spans} == {job_id}
    assert {span.service for span in otlp.spans} == {"homes"}
    assert run.attributes == {
        "propintel.job.id": job_id,
        "propintel.batch.id": job.batch_id,
        "propintel.attempt": 1,
        "propintel.outcome": "done",
        "server.address": "127.0.0.1",
    }
    assert children["fetch"].attributes["propintel.from_checkpoint"] is False
    assert children["fetch"].attributes["http.response.body.size"] > 1000
    assert children["extract"].attributes["propintel.page.kind"] == "listing"
    assert children["extract"].attributes["propintel.values"] > 5

    model = children["model"]
    assert model.attributes["gen_ai.operation.name"] == "chat"
    assert model.attributes["gen_ai.request.model"] == fleet.settings.openai.model
    assert model.attributes["gen_ai.usage.input_tokens"] > 0
    assert model.attributes["gen_ai.usage.output_tokens"] > 0
    assert model.attributes["propintel.openai.attempts"] == 2
    assert not model.failed
    attempts = otlp.named("model.attempt", job_id)
    assert {attempt.parent for attempt in attempts} == {model.span_id}
    seen = {attempt.attributes["propintel.openai.key"]: attempt for attempt in attempts}
    assert seen.keys() == {mask(key) for key in simulator.keys[:2]}
    assert seen[mask(simulator.keys[0])].failed
    assert seen[mask(simulator.keys[0])].attributes["http.response.status_code"] == 401
    assert not seen[mask(simulator.keys[1])].failed
    assert seen[mask(simulator.keys[1])].attributes["gen_ai.usage.cache_read.input_tokens"] == 0
    assert model.attributes["propintel.openai.key"] == mask(simulator.keys[1])

    everything = b"".join(otlp.bodies)
    for secret in (*simulator.keys, "hunter2", "collector-password"):
        assert secret.encode() not in everything
    assert otlp.headers[0]["api-key"] == "collector-password"
    assert "collector-password" not in fleet.log("worker")
    lines = [json.loads(line) for line in fleet.log("worker").splitlines() if line.startswith("{")]
    used = [line for line in lines if line["event"].startswith("Using OpenAI key")]
    assert {line["trace_id"] for line in used} == {job_id}
    assert {line["span_id"] for line in used} <= {span.span_id for span in otlp.spans}


@pytest.fixture
def slow_model() -> Iterator[tuple[str, list[str]]]:
    """Start a model server that never answers; yield its base URL and the requested paths."""
    asked: list[str] = []
    never = Event()

    class _Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            never.wait(100)

        def log_message(self, *_: object) -> None:
            """Write nothing to stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", asked
    never.set()
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_job_continues_its_trace_after_its_worker_was_killed(
    traced_fleet: TracedFleet,
    openai_simulator: Callable[..., Any],
    property_site: str,
    otlp: OtlpReceiver,
    slow_model: tuple[str, list[str]],
) -> None:
    """The trace contains the first process's fetch and the second process's run, which reads the checkpoint."""
    base_url, asked = slow_model
    fleet = traced_fleet(openai_simulator(), JOB_LEASE_SECONDS="2")
    working = fleet.services
    fleet.services = Services(fleet.home, {**fleet.env, "OPENAI_BASE_URL": base_url}, cwd=fleet.home, logs=fleet.home)
    first = fleet.start_worker(pool="solo", concurrency=1)
    (job_id,) = fleet.send(property_site + TARGET)
    wait_until(lambda: bool(asked), 40, lambda: fleet.log("worker"))
    wait_until(lambda: otlp.named("fetch", job_id), 20)
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait(120)
    fleet.supervisor.stop_child(first)
    assert not otlp.named("job", job_id)
    fleet.services = working
    fleet.start_worker(pool="solo", concurrency=1)
    fleet.start_beat()
    fleet.wait_for_state([job_id], "done", seconds=60)
    wait_until(lambda: otlp.named("job", job_id), 20)
    run = _only(otlp.named("job", job_id))
    lost, again = otlp.named("fetch", job_id)
    assert run.attributes["propintel.attempt"] == 2
    assert again.parent == run.span_id
    assert lost.parent not in ("", run.span_id)
    assert (lost.attributes["propintel.from_checkpoint"], again.attributes["propintel.from_checkpoint"]) == (
        False,
        True,
    )


def test_the_trace_of_a_failed_job_has_the_reason_but_not_the_url(
    traced_fleet: TracedFleet, openai_simulator: Callable[..., Any], property_site: str, otlp: OtlpReceiver
) -> None:
    fleet = traced_fleet(openai_simulator())
    fleet.start_worker(pool="solo", concurrency=1)
    (job_id,) = fleet.send(f"{property_site}/no-such-page{QUERY}")
    fleet.wait_for_state([job_id], "failed")
    wait_until(lambda: otlp.named("job", job_id), 20)
    run, fetch = _only(otlp.named("job", job_id)), _only(otlp.named("fetch", job_id))
    assert (run.failed, fetch.failed) == (True, True)
    assert run.attributes["propintel.outcome"] == "failed"
    assert run.attributes["propintel.reason"] == fetch.attributes["error.type"] == fleet.job(job_id).error["code"]
    assert [name for name, _ in fetch.events] == ["exception"]
    assert b"hunter2" not in b"".join(otlp.bodies)


def test_an_unavailable_collector_affects_no_job_and_is_logged_once(
    traced_fleet: TracedFleet, openai_simulator: Callable[..., Any], property_site: str
) -> None:
    fleet = traced_fleet(openai_simulator(), OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}")
    worker = fleet.start_worker(pool="prefork", concurrency=1)
    fleet.wait_for_state(fleet.send(*(f"{property_site}/homes/{n}" for n in range(1, 6))), "done")
    fleet.supervisor.stop_child(worker)
    lines = [json.loads(line) for line in fleet.log("worker").splitlines() if line.startswith("{")]
    about = [line for line in lines if "Traces cannot be delivered" in line["event"]]
    assert len(about) <= 1
    assert not [line for line in lines if line["logger"].startswith(("opentelemetry", "urllib3", "requests"))]


def test_the_scrape_command_is_traced(
    traced_fleet: TracedFleet, openai_simulator: Callable[..., Any], property_site: str, otlp: OtlpReceiver
) -> None:
    """The command sends its last spans before it ends."""
    fleet = traced_fleet(openai_simulator())
    argv = [
        sys.executable,
        "-c",
        "from cli.main import main; raise SystemExit(main())",
        "scrape",
        property_site + TARGET,
    ]
    ran = subprocess.run(argv, env=fleet.env, cwd=fleet.home, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    run = _only(otlp.named("job"))
    assert {span.trace_id for span in otlp.spans} == {run.attributes["propintel.job.id"]}
    assert {span.name for span in otlp.spans} == {"job", "fetch", "extract", "model", "model.attempt", "store"}
