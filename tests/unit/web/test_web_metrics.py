"""`/metrics` is only for allowed clients, and omits unknown metrics while Redis is down."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from fastapi.testclient import TestClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from app.property.storage.keys.history import KeyHistoryStore
from app.property.storage.keys.usage import CountedKey
from app.services.reports.metrics.instruments import ALL, REGISTRY
from app.services.runtime.stores import Stores
from app.settings import Settings
from web import create_app

TOKEN = "a-token-of-28-characters-abc"
Client = Callable[..., TestClient]


@pytest.fixture
def caller(make_settings: Callable[..., Settings], patient: None) -> Iterator[Client]:
    """Yield `caller("10.0.0.7", **settings)`, which starts a server and returns a client with that address."""
    with ExitStack() as opened:

        def make(host: str = "127.0.0.1", **changes: object) -> TestClient:
            settings = make_settings(**changes)
            client = TestClient(
                create_app(lambda: settings), "http://localhost", client=(host, 50_000), raise_server_exceptions=False
            )
            return opened.enter_context(client)

        yield make


def test_without_a_token_only_this_machine_reads_the_metrics(caller: Client) -> None:
    """For requests through a local proxy, the server has already replaced the proxy's address with the caller's.

    A request with proxy headers may come from another machine, and its headers cannot be trusted.
    """
    for host in ("127.0.0.1", "127.9.9.9", "::1"):
        answer = caller(host).get("/metrics")
        assert answer.status_code == 200, host
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    refused = {host: {} for host in ("10.0.0.7", "8.8.8.8", "::ffff:8.8.8.8", "fe80::1", "testclient", "")}
    proxied = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")
    for host, headers in [*refused.items(), *(("127.0.0.1", {header: "127.0.0.1"}) for header in proxied)]:
        answer = caller(host).get("/metrics", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden"), (host, headers)
        assert "Set METRICS_TOKEN" in answer.json()["error"]["message"]


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.7"])
def test_with_a_token_every_caller_must_send_it(
    caller: Client, host: str, bearer: Callable[..., dict[str, str]]
) -> None:
    client = caller(host, metrics_token=TOKEN)
    wrong = ["", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer", "Bearer ü"]
    for headers in [{}, bearer("exec"), *({"Authorization": header.encode("latin-1")} for header in wrong)]:
        answer = client.get("/metrics", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        assert TOKEN not in answer.text
    right = {"Authorization": f"Bearer {TOKEN}"}
    assert client.get("/metrics", headers=right).status_code == 200
    assert client.get("/api/v1/jobs", headers=right).status_code == 401


def test_without_redis_other_metrics_are_shown_and_unknown_ones_are_absent(caller: Client, stores: Stores) -> None:
    """If a counter were shown as 0 while Redis is unreachable, it would look like a reset."""
    found = {family.name: family for family in parse_text(caller().get("/metrics").text)}
    up = {sample.labels["source"]: sample.value for sample in found["propintel_scrape_source_up"].samples}
    assert up == {"redis": 0, "database": 1, "broker": 0}
    states = {sample.labels["state"]: sample.value for sample in found["propintel_jobs"].samples}
    assert states == dict.fromkeys(("queued", "running", "deferred"), 0)
    assert [s.value for s in found["propintel_openai_keys_configured"].samples] == [2]
    assert [s.value for s in found["propintel_openai_pool_shared"].samples] == [0]
    for spec in ALL:
        if spec.kind != "gauge":
            assert found[spec.name].samples == []


def test_openmetrics_is_sent_on_request(caller: Client) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    answer = caller().get("/metrics", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert {family.name for family in parse_openmetrics(answer.text)} == {spec.name for spec in ALL}


def test_the_openapi_document_lists_the_metrics(caller: Client) -> None:
    described = caller().get("/openapi.json").json()["paths"]["/metrics"]["get"]
    assert {"200", "401", "403"} <= set(described["responses"])
    assert "text/plain; version=0.0.4; charset=utf-8" in described["responses"]["200"]["content"]
    assert described["security"] == [{"MetricsToken": []}, {}], "the token must be optional on this machine"


def _requests(method: str, route: str, status: int) -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("propintel_http_requests_total", labels) or 0.0


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/healthz", ("GET", "/healthz", 200)),
        ("GET", "/api/v1/jobs/0123?x=1", ("GET", "/api/v1/jobs/{job_id}", 422)),
        ("POST", "/healthz", ("POST", "/healthz", 405)),
        ("GET", "/nothing/here", ("GET", "unmatched", 404)),
        ("BREW", "/nothing/here", ("other", "unmatched", 404)),
    ],
)
def test_a_request_is_counted_under_its_route_s_template(
    client: TestClient, bearer: Callable[..., dict[str, str]], method: str, path: str, expected: tuple[str, str, int]
) -> None:
    """If paths were counted, a caller could create any number of time series."""
    before = _requests(*expected)
    answer = client.request(method, path, headers=bearer())
    assert (answer.status_code, _requests(*expected)) == (expected[2], before + 1)
    assert not [
        s for f in REGISTRY.collect() for s in f.samples if "0123" in str(s.labels) or "nothing" in str(s.labels)
    ]


def test_a_removed_key_has_no_age(caller: Client) -> None:
    """Otherwise, the alert on old keys would continue after the key was replaced."""
    client = caller()
    context = client.app.state.context  # type: ignore[attr-defined]
    history = KeyHistoryStore(context.stores.database)
    one, other = (key.key_id for key in context.keys.keys)
    for present in ((one, other), (other,)):
        keys = [CountedKey(key_id, key_id, key_id, True, {}) for key_id in present]
        history.record_counters(lambda keys=keys: keys)  # type: ignore[misc]
    text = client.get("/metrics").text
    assert text.count("\npropintel_openai_key_first_seen_timestamp_seconds{") == 1
