"""A request needs a valid token with a role that the route accepts."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

STATS = "/api/v1/admin/openai/stats"
Sign = Callable[..., str]
Bearer = Callable[..., dict[str, str]]


def test_the_statistics_have_the_specified_keys_and_types(client: TestClient, bearer: Bearer) -> None:
    body = client.get(STATS, headers=bearer()).json()
    assert set(body) == {"success", "data"}
    data = body["data"]
    assert (data["total_keys"], data["healthy_keys"], data["rotation_strategy"]) == (2, 2, "round_robin")
    assert list(data["keys"]) == ["sk-proj-aaa...1111", "sk-proj-bbb...2222"]
    specified = {"requests": 0, "successes": 0, "failures": 0, "circuit_open": False, "rate_limited": False}
    for figures in data["keys"].values():
        assert {name: figures[name] for name in specified} == specified
        assert figures["last_used"] is None


@pytest.mark.parametrize("role", ["operator", "viewer", "Manager", "", None, ["manager"], {"manager": True}])
def test_another_role_is_forbidden(client: TestClient, bearer: Bearer, role: object) -> None:
    answer = client.get(STATS, headers=bearer(role))
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "forbidden"
    assert "insufficient_scope" in answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer garbage", "Bearer a.b.c", "Bearer " + "x" * 5000],
)
def test_no_token_and_garbage_are_refused(client: TestClient, header: str | None) -> None:
    answer = client.get(STATS, headers={} if header is None else {"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="property-intelligence"')
    assert answer.json()["success"] is False
    assert answer.json()["error"]["code"] == "unauthenticated"


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": datetime.now(UTC) - timedelta(seconds=1)}, "expired"), ({"exp": None}, "'exp'"),
        ({"iss": "somebody-else"}, "issuer"), ({"iss": None}, "'iss'"), ({"aud": "another-service"}, "audience"),
        ({"aud": None}, "'aud'"), ({"nbf": datetime.now(UTC) + timedelta(days=1)}, "malformed"),
        ({"key": "another secret that is long enough...."}, "wrongly signed"),
        ({"algorithm": "HS512"}, "wrongly signed"),
    ],
)  # fmt: skip
def test_an_invalid_token_is_refused_with_the_reason(
    client: TestClient, sign: Sign, changes: dict[str, Any], reason: str
) -> None:
    answer = client.get(STATS, headers={"Authorization": f"Bearer {sign(**changes)}"})
    assert answer.status_code == 401
    assert reason in answer.json()["error"]["message"]
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("head", "claims"),
    [
        ({"alg": ["HS256"]}, {}), ({"alg": None}, {}), ({"alg": "HS256", "kid": 7}, {}),
        ({"alg": "HS256", "crit": [{}]}, {}), ({"alg": "HS256"}, {"exp": "soon"}), ({"alg": "HS256"}, {"exp": 1e400}),
        ({"alg": "HS256"}, {"exp": [4_000_000_000]}), ({"alg": "HS256"}, {"nbf": {}}), ({"alg": "HS256"}, {"aud": 5}),
        ({"alg": "HS256"}, {"iss": ["property-intelligence"]}), ({"alg": "HS256"}, {"sub": 7}),
        ({"alg": "HS256"}, "[" * 20_000),
    ],
)  # fmt: skip
def test_a_signed_token_with_malformed_content_is_refused(client: TestClient, head: Any, claims: Any) -> None:
    usual = {"role": "manager", "iss": "property-intelligence", "aud": "property-intelligence", "exp": 4_000_000_000}
    body = claims if isinstance(claims, str) else json.dumps({**usual, **claims})
    parts = [base64.urlsafe_b64encode(part.encode()).rstrip(b"=") for part in (json.dumps(head), body)]
    digest = hmac.digest(b"0123456789abcdef0123456789abcdef", b".".join(parts), "sha256")
    token = b".".join([*parts, base64.urlsafe_b64encode(digest).rstrip(b"=")]).decode()
    assert client.get(STATS, headers={"Authorization": f"Bearer {token}"}).status_code == 401


#: Operations for management only (`MANAGING`), and for operators too (`OPERATING`). Readers may call all others.
MANAGING = {
    "get_key_report", "list_alerts", "list_keys", "list_key_actions", "act_on_key", "purge_data", "delete_recipe",
}  # fmt: skip
OPERATING = {
    "enqueue_jobs", "estimate_jobs", "cancel_job", "retry_job", "cancel_batch", "add_watches", "remove_watch",
    "split_property", "join_properties", "undo_decision",
}  # fmt: skip


def test_each_operation_needs_a_token_with_one_of_its_roles(client: TestClient, bearer: Bearer) -> None:
    """The invalid body shows that the token and its role are checked before the body is parsed."""
    operations = {
        operation["operationId"]: (method, path, operation["security"])
        for path, methods in client.get("/openapi.json").json()["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/api/")
    }
    assert set(operations) > MANAGING | OPERATING
    for name, (method, path, security) in operations.items():
        assert security == [{"HTTPBearer": []}]
        assert client.request(method, path, content=b"{not json").status_code == 401, name
        allowed = ["exec", "manager"] + ["operator"] * (name not in MANAGING)
        allowed += ["reader"] * (name not in MANAGING | OPERATING)
        for role in ("exec", "manager", "operator", "reader", "viewer"):
            answer = client.request(method, path, content=b"{not json", headers=bearer(role))
            assert (answer.status_code != 403) is (role in allowed), (name, role, answer.text)
            if role == "reader" and role not in allowed:
                assert f" {', '.join(allowed)}." in answer.json()["error"]["message"]
