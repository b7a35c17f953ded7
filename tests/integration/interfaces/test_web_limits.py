"""Web servers that use the same Valkey share idempotency keys, quotas, and rate limits."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from app.access.rate_limits import FAILURES_PER_MINUTE, RateLimits
from app.access.tokens import Role, issue_token
from app.clock import ManualClock, SystemClock
from app.errors.requests import TooManyRequestsError
from app.redis.embedded_valkey import EmbeddedValkey
from app.settings import Settings
from tests.plugins.hanging_server import HangingServer
from tests.plugins.waiting import wait_until
from web import create_app

from .conftest import SECRET

pytestmark = pytest.mark.usefixtures("patient")
ME, JOBS = "/api/v1/me", "/api/v1/jobs"
TARGETS = {"targets": ["http://homes.example/1", "http://homes.example/2"]}
Open = Callable[..., TestClient]


@pytest.fixture
def open_client(home: Path, broker: EmbeddedValkey) -> Iterator[Open]:
    """Return a function that opens a client of a new application. All applications share a database and Valkey."""
    with ExitStack() as opened:

        def make(**changes: Any) -> TestClient:
            settings = Settings.of(propintel_home=home / "state", jwt_secret=SECRET, **changes)
            return opened.enter_context(TestClient(create_app(lambda: settings), raise_server_exceptions=False))

        yield make


def by(subject: str, role: Role = Role.OPERATOR, **headers: str) -> dict[str, str]:
    settings = Settings.of(jwt_secret=SECRET)
    token = issue_token(settings, role, timedelta(minutes=5), clock=SystemClock(), subject=subject)
    return {"Authorization": f"Bearer {token}", **{name.replace("_", "-"): value for name, value in headers.items()}}


# --- idempotency keys


def test_a_repeated_request_gets_the_first_answer_and_enqueues_nothing(
    open_client: Open, broker: EmbeddedValkey
) -> None:
    client_a, client_b = open_client(), open_client()
    first = client_a.post(JOBS, json=TARGETS, headers=by("a", Idempotency_Key="k-1"))
    again = client_b.post(JOBS, json={**TARGETS, "priority": 5}, headers=by("a", Idempotency_Key='"k-1"'))
    assert (first.status_code, again.status_code, again.content) == (202, 202, first.content)
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    assert len(client_a.get("/api/v1/batches", headers=by("a")).json()["data"]["batches"]) == 1
    broker.stop()
    assert client_a.post(JOBS, json=TARGETS, headers=by("a", Idempotency_Key="k-1")).content == first.content


def test_a_reused_key_is_422_except_for_another_caller(open_client: Open) -> None:
    client = open_client()
    client.post(JOBS, json=TARGETS, headers=by("a", Idempotency_Key="k-1"))
    changed = client.post(JOBS, json={**TARGETS, "priority": 1}, headers=by("a", Idempotency_Key="k-1"))
    assert (changed.status_code, changed.json()["error"]["code"]) == (422, "idempotency_key_reused")
    assert "idempotency-replayed" not in client.post(JOBS, json=TARGETS, headers=by("b", Idempotency_Key="k-1")).headers


def test_an_invalid_key_is_422_with_an_explanation(open_client: Open) -> None:
    client = open_client()
    for key in (b"", b'""', b"two words", b"x" * 256, b"\x7f", "schlüssel".encode()):
        answer = client.post(JOBS, json=TARGETS, headers={**by("a"), "Idempotency-Key": key})
        assert (answer.status_code, "Idempotency-Key" in answer.text, "UUID" in answer.text) == (422, True, True), key


def test_concurrent_requests_with_the_same_key_create_one_batch(open_client: Open) -> None:
    """One request creates jobs. The others get the same response or 409."""
    clients, found = [open_client() for _ in range(3)], []
    ready = threading.Barrier(12)

    def ask(client: TestClient) -> None:
        ready.wait()
        found.append(client.post(JOBS, json=TARGETS, headers=by("a", Idempotency_Key="k")))

    threads = [threading.Thread(target=ask, args=(clients[n % 3],)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = [answer for answer in found if answer.status_code == 202]
    assert {answer.status_code for answer in found} <= {202, 409}
    assert len({answer.content for answer in taken}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in taken) == 1
    assert all(int(answer.headers["retry-after"]) > 0 for answer in found if answer.status_code == 409)
    assert len(clients[0].get("/api/v1/batches", headers=by("a")).json()["data"]["batches"]) == 1


# --- quotas


def test_a_quota_is_shared_by_all_processes_and_shown_to_its_caller(open_client: Open) -> None:
    client_a, client_b = (open_client(api_daily_targets_per_caller=3) for _ in range(2))
    assert client_a.post(JOBS, json=TARGETS, headers=by("a")).status_code == 202
    assert client_b.post(JOBS, json=TARGETS, headers=by("a")).json()["data"]["duplicates"] == 2
    more = {"targets": ["http://homes.example/3", "http://homes.example/4"]}
    refused = client_b.post(JOBS, json=more, headers=by("a"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "quota_exceeded")
    assert "1 of 3 are left" in refused.json()["error"]["message"]
    assert 0 < int(refused.headers["retry-after"]) <= 86_400
    assert refused.headers["ratelimit"].startswith('"caller";r=')
    quota = client_b.get(ME, headers=by("a")).json()["data"]["daily_targets"]
    assert (quota["limit"], quota["used"], quota["left"]) == (3, 2, 1)
    assert client_b.post(JOBS, json=more, headers=by("b")).status_code == 202


def test_a_caller_sees_its_rights(open_client: Open) -> None:
    client = open_client()
    rights = {role: client.get(ME, headers=by("a", role)).json()["data"]["may"] for role in Role}
    assert rights[Role.EXEC] == rights[Role.MANAGER] == ["manage", "operate", "read"]
    assert (rights[Role.OPERATOR], rights[Role.READER]) == (["operate", "read"], ["read"])


# --- rate limits


def test_only_the_caller_over_the_rate_limit_waits(open_client: Open) -> None:
    """Requests to all applications count together.

    Response headers report the remaining requests, in error responses too.
    """
    client_a, client_b = (open_client(api_rate_limit_per_minute=5) for _ in range(2))
    answers = [client.get(path, headers=by("a")) for client in (client_a, client_b) for path in (ME, f"{JOBS}/none")]
    assert [answer.headers["ratelimit"].split(";")[:2] for answer in answers] == [
        ['"caller"', f"r={left}"] for left in (4, 3, 2, 1)
    ]
    assert answers[1].headers["ratelimit-policy"] == '"caller";q=5;w=60'
    assert client_a.get(ME, headers=by("a")).json()["data"]["rate_limit"]["remaining"] == 0
    refused = client_b.post(JOBS, content=b"not even read", headers=by("a"))
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-policy"] == '"caller";q=5;w=60'
    assert refused.headers["ratelimit"] == f'"caller";r=0;t={refused.headers["retry-after"]}'
    assert client_b.get(ME, headers=by("b")).status_code == 200


def test_failed_sign_ins_do_not_lock_out_others_at_the_address(open_client: Open) -> None:
    client = open_client()
    wrong = {"Authorization": "Bearer nonsense"}
    statuses = [client.get(ME, headers=wrong).status_code for _ in range(FAILURES_PER_MINUTE + 2)]
    assert statuses == [401] * FAILURES_PER_MINUTE + [429, 429]
    refused = client.get(ME, headers=wrong).headers
    assert (refused["ratelimit-policy"], refused["ratelimit"]) == ('"stranger";q=60;w=60', '"stranger";r=0;t=60')
    assert refused["retry-after"] == "60"
    assert client.get(ME, headers=by("a")).status_code == 200


def test_zero_means_no_limit(open_client: Open) -> None:
    client = open_client(api_rate_limit_per_minute=0, api_daily_targets_per_caller=1)
    refused = client.post(JOBS, json=TARGETS, headers=by("a")).headers
    assert ("ratelimit" in refused, "retry-after" in refused) == (False, True)
    answer = client.get(ME, headers=by("a"))
    assert answer.json()["data"]["rate_limit"] is None
    assert "ratelimit" not in answer.headers


def test_without_redis_all_requests_are_allowed_and_logged_once(
    home: Path, broker: EmbeddedValkey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clock = ManualClock()
    settings = Settings.of(propintel_home=home / "state", api_rate_limit_per_minute=2)
    limits = RateLimits(settings, clock)
    assert limits.count_request("a") is not None
    broker.stop()
    for _ in range(10):
        assert limits.count_request("a") is None
        limits.count_failure("192.0.2.1")
        clock.advance(1)
    broker.start()
    clock.advance(5)
    assert limits.count_request("a") is not None
    messages = [record.message for record in caplog.records if record.name == "app.access.rate_limits"]
    assert ["neither counted" in messages[0], "counted again" in messages[1], len(messages)] == [True, True, 2]
    limits.close()


def test_a_hanging_redis_is_asked_once_in_five_seconds(home: Path, hanging_server: HangingServer) -> None:
    """The first request waits for Redis until its time limit. For the next five seconds, requests do not use Redis."""
    clock = ManualClock()
    settings = Settings.of(propintel_home=home / "state", redis_url=SecretStr(hanging_server.url))
    limits = RateLimits(settings, clock)
    for _ in range(10):
        assert limits.count_request("a") is None
        limits.count_failure("192.0.2.1")
        clock.advance(0.49)
    wait_until(lambda: hanging_server.taken, 10)
    assert hanging_server.taken == 1
    clock.advance(0.1)
    assert limits.count_request("a") is None
    wait_until(lambda: hanging_server.taken > 1, 10)
    assert hanging_server.taken == 2
    limits.close()


def test_addresses_of_one_ipv6_customer_count_together(home: Path, broker: EmbeddedValkey) -> None:
    limits = RateLimits(Settings.of(propintel_home=home / "state"), ManualClock())
    for n in range(FAILURES_PER_MINUTE):
        limits.count_failure(f"2001:db8::{n:x}")
        limits.count_failure("192.0.2.1")
    with pytest.raises(TooManyRequestsError):
        limits.count_failure("2001:db8::ffff")
    with pytest.raises(TooManyRequestsError):
        limits.count_failure("192.0.2.1")
    limits.count_failure("2001:db8:0:1::1")
    limits.count_failure("192.0.2.2")
    limits.close()
