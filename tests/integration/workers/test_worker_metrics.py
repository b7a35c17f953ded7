"""`/metrics` of a web process shows exact counts of other processes, which agree with the simulator's counts."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.keypool.keys import make_keys
from app.property.record import DERIVED_FIELDS
from app.services.reports.metrics.shared_counts import INTERVAL_SECONDS
from cli.services import listens
from tests.plugins.metric_labels import undeclared
from tests.plugins.ports import free_port
from tests.plugins.simulator_fixtures import KEYS

pytestmark = pytest.mark.worker
TOKEN = "0123456789abcdef0123456789abcdef"


def scraped(url: str) -> str:
    answer = httpx2.get(f"{url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=300)
    assert answer.status_code == 200
    return answer.text


def samples_of(url: str) -> dict[str, dict[tuple[str, ...], float]]:
    found: dict[str, dict[tuple[str, ...], float]] = {}
    families = list(text_string_to_metric_families(scraped(url)))
    assert undeclared(families) == []
    for family in families:
        for sample in family.samples:
            values = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[values] = sample.value
    return found


def _sum(values: Mapping[Any, float]) -> float:
    return sum(values.values())


def test_metrics_agree_with_the_jobs_table_and_the_provider(
    make_fleet: Any, openai_simulator: Any, property_site: str
) -> None:
    """The counts of two children, a dead key, and a failed page remain after the worker has ended."""
    simulator = openai_simulator(
        [
            {"key": KEYS[0], "rpm": 60_000, "tpm": 100_000_000},
            {"key": KEYS[1], "rpm": 60_000, "tpm": 100_000_000},
            {"key": KEYS[2], "rpm": 60_000, "tpm": 100_000_000, "behavior": "dead"},
        ]
    )
    fleet = make_fleet(
        METRICS_TOKEN=TOKEN,
        JWT_SECRET=TOKEN,
        OPENAI_API_KEYS=",".join(KEYS[:3]),
        OPENAI_BASE_URL=simulator.base_url,
        BUDGET_DAILY_MODEL_CALLS="1000",
        FETCH_CONCURRENCY_PER_HOST="8",
        FETCH_MIN_DELAY_SECONDS="0",
    )
    port = free_port()
    fleet.services.web(fleet.supervisor, port)
    fleet.until(lambda: listens(port))
    web = f"http://127.0.0.1:{port}"
    queued = fleet.send(*(f"{property_site}/homes/{n}" for n in range(1, 13)), f"{property_site}/nowhere")
    before = samples_of(web)
    assert before["propintel_jobs"][("queued",)] == _sum(before["propintel_queue_messages"]) == 13
    assert len(before["propintel_queue_messages"]) == 7
    assert before["propintel_openai_keys_configured"] == {(): 3}

    worker = fleet.start_worker(pool="prefork", concurrency=2)
    fleet.wait_for_state(queued, "done", "failed")
    fleet.supervisor.stop_child(worker)  # the children report their last counts before they end

    counts = fleet.stores.jobs.counts()
    assert (counts["done"], counts["failed"]) == (12, 1)
    errors = Counter(fleet.job(job_id).error["code"] for job_id in queued if fleet.job(job_id).state == "failed")
    seen: dict[str, dict[tuple[str, ...], float]] = {}

    def agrees() -> bool:
        """Figures from the database are cached for 10 seconds, so this is repeated until it returns True."""
        seen.clear()
        seen.update(samples_of(web))
        return seen["propintel_jobs"] == dict.fromkeys([("queued",), ("running",), ("deferred",)], 0)

    fleet.until(agrees, 2 * INTERVAL_SECONDS + 5)
    assert seen["propintel_jobs_finished_total"] == {("", "done"): 12, **{(e, "failed"): n for e, n in errors.items()}}
    # on a busy machine, a job may be deferred once before it ends
    ended = {state: n for state, n in seen["propintel_job_seconds_count"].items() if state != ("deferred",)}
    assert ended == {("done",): 12, ("failed",): 1}
    assert seen["propintel_pages_total"][("fetched",)] == 12
    busy = seen["propintel_pages_total"].get(("host_busy",), 0)  # the site was busy, so these visits were deferred
    assert seen["propintel_fetch_seconds_count"] == {(): 13 + busy}
    stored = [fleet.stores.properties.get(fleet.job(job_id).property_id) for job_id in queued[:12]]
    read = [e for shown in stored for field, e in shown["evidence"].items() if field not in DERIVED_FIELDS]
    methods = Counter(e["method"] for e in read)
    methods["model"] = methods.pop("llm")
    fields = {labels: count for labels, count in seen["propintel_fields_total"].items() if count}
    assert fields == {(method,): count for method, count in methods.items()}
    assert _sum(seen["propintel_queue_messages"]) == 0
    assert seen["propintel_oldest_queued_job_age_seconds"] == {(): 0}
    assert seen["propintel_http_requests_total"][("GET", "/metrics", "200")] >= 1
    assert seen["propintel_scrape_source_up"] == {("redis",): 1, ("database",): 1, ("broker",): 1}

    totals = simulator.stats()["totals"]
    requests = seen["propintel_openai_requests_total"]
    assert _sum(requests) == totals["requests"]
    masks = dict(zip(KEYS, (key.mask for key in make_keys(KEYS[:3])), strict=False))
    for key in KEYS[:3]:
        of_key = _sum({labels: count for labels, count in requests.items() if labels[0] == masks[key]})
        assert of_key == simulator.stats_of(key)["requests"]
    assert _sum({labels: n for labels, n in requests.items() if labels[2] == "success"}) == totals["ok"]
    assert _sum({labels: n for labels, n in requests.items() if labels[2] == "invalid_key"}) == totals["unauthorized"]
    answers = {labels: count for labels, count in seen["propintel_model_answers_total"].items() if count}
    assert answers == {("asked",): totals["ok"]}
    assert seen["propintel_model_call_seconds_count"] == {("gpt-4.1-mini",): totals["ok"]}
    assert seen["propintel_budget_left"] == {("day", "calls"): 1000 - seen["propintel_spent_today"][("calls",)]}
    states = {labels[0]: labels[2] for labels in seen["propintel_openai_key_state"]}
    assert states == {masks[KEYS[0]]: "closed", masks[KEYS[1]]: "closed", masks[KEYS[2]]: "dead"}
    assert seen["propintel_openai_keys_healthy"] == {(): 2}
    text = scraped(web)
    assert all(key not in text and key[11:-4] not in text for key in KEYS), "the metrics contain a key"
    assert not [key.key_id for key in make_keys(KEYS[:3]) if key.key_id in text]
