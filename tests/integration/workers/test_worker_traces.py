"""A collector receives a job's trace, with its fetches and model calls, even after retries and crashes."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.keypool.keys import mask
from tests.plugins.otlp_receiver import OtlpReceiver, ReceivedSpan
from tests.plugins.simulator_fixtures import KEYS

pytestmark = pytest.mark.worker
TARGET = "/listings/oak-hollow-lane"
QUERY = "?session=hunter2-and-more"


@pytest.fixture
def traced_fleet(make_fleet: Any, otlp: OtlpReceiver) -> Callable[..., Any]:
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


def test_one_trace_with_the_jobs_id_covers_fetch_and_model_call(
    traced_fleet: Any, openai_simulator: Any, property_site: str, otlp: OtlpReceiver
) -> None:
    """The first key is refused, so the model call has two attempts."""
    simulator = openai_simulator(
        [{"key": KEYS[0], "behavior": "dead"}, {"key": KEYS[1], "rpm": 1000, "tpm": 1_000_000}]
    )
    fleet = traced_fleet(simulator, OTEL_SERVICE_NAME="homes")
    fleet.start_worker(concurrency=1)
    (job_id,) = fleet.send(property_site + TARGET + QUERY)
    (job,) = fleet.wait_for_state([job_id], "done")
    fleet.until(lambda: otlp.named("job", job_id))

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

    (failed_id,) = fleet.send(f"{property_site}/no-such-page{QUERY}")
    fleet.wait_for_state([failed_id], "failed")
    fleet.until(lambda: otlp.named("job", failed_id))
    failed, fetch = _only(otlp.named("job", failed_id)), _only(otlp.named("fetch", failed_id))
    assert (failed.failed, fetch.failed) == (True, True)
    assert failed.attributes["propintel.outcome"] == "failed"
    code = fleet.job(failed_id).error["code"]
    assert failed.attributes["propintel.reason"] == fetch.attributes["error.type"] == code
    assert [name for name, _ in fetch.events] == ["exception"]

    everything = b"".join(otlp.bodies)
    for secret in (*simulator.keys, "hunter2", "collector-password"):
        assert secret.encode() not in everything
    assert otlp.headers[0]["api-key"] == "collector-password"
    assert "collector-password" not in fleet.log("worker")
    lines = [json.loads(line) for line in fleet.log("worker").splitlines() if line.startswith("{")]
    used = [line for line in lines if line["event"].startswith("Using OpenAI key")]
    assert {line["trace_id"] for line in used} == {job_id}
    assert {line["span_id"] for line in used} <= {span.span_id for span in otlp.spans}


def test_a_job_continues_its_trace_after_its_worker_was_killed(
    traced_fleet: Any, openai_simulator: Any, property_site: str, otlp: OtlpReceiver
) -> None:
    """The trace contains the first process's fetch and the second process's run, which reads the checkpoint."""
    simulator = openai_simulator([{"key": KEYS[0], "behavior": "hang"}])
    fleet = traced_fleet(simulator, JOB_LEASE_SECONDS="2")
    first = fleet.start_worker(pool="solo", concurrency=1)
    (job_id,) = fleet.send(property_site + TARGET)
    fleet.until(lambda: simulator.stats()["totals"]["requests"] and otlp.named("fetch", job_id), 40)
    first.process.kill()
    first.process.wait(120)
    fleet.supervisor.stop_child(first)
    assert not otlp.named("job", job_id)
    simulator.set_key(KEYS[0], behavior="ok")
    fleet.start_worker(pool="solo", concurrency=1)
    fleet.start_beat()
    fleet.wait_for_state([job_id], "done", seconds=60)

    def done() -> list[ReceivedSpan]:
        return [span for span in otlp.named("job", job_id) if span.attributes["propintel.outcome"] == "done"]

    fleet.until(done)
    run = _only(done())
    lost, *_, again = otlp.named("fetch", job_id)
    assert run.attributes["propintel.attempt"] >= 2  # a busy machine may let another lease expire
    assert again.parent == run.span_id
    assert lost.parent not in ("", *(span.span_id for span in otlp.named("job", job_id)))
    assert [span.attributes["propintel.from_checkpoint"] for span in (lost, again)] == [False, True]


def test_the_scrape_command_is_traced(traced_fleet: Any, openai_simulator: Any, property_site: str, otlp: Any) -> None:
    """The command sends its last spans before it ends."""
    ran = traced_fleet(openai_simulator()).propintel("scrape", property_site + TARGET)
    assert ran.returncode == 0, ran.stderr
    run = _only(otlp.named("job"))
    assert {span.trace_id for span in otlp.spans} == {run.attributes["propintel.job.id"]}
    assert {span.name for span in otlp.spans} == {"job", "fetch", "extract", "model", "model.attempt", "store"}
