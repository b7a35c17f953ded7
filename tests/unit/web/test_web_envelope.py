"""Every error response has the same envelope, with a code, a message, and the right status."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.errors import PropertyIntelligenceError
from app.errors.storage import DatabaseLockedError
from app.settings import Settings
from web import create_app
from web.errors import status_of
from web.limits import MAX_BODY_BYTES, MAX_TARGETS, MAX_URL_BYTES

Bearer = Callable[..., dict[str, str]]


def _error(answer: Any, status: int, code: str) -> str:
    assert answer.status_code == status
    body = answer.json()
    assert set(body) == {"success", "error"}
    assert body["success"] is False
    assert set(body["error"]) == {"code", "message"}
    assert body["error"]["code"] == code
    assert answer.headers["cache-control"] == "no-store"
    return str(body["error"]["message"])


def test_an_unknown_path_is_404(client: TestClient, bearer: Bearer) -> None:
    _error(client.get("/nothing/here"), 404, "not_found")
    _error(client.get("/api/v1/nothing", headers=bearer()), 404, "not_found")
    _error(client.get("/api/v1/jobs/", headers=bearer()), 404, "not_found")


def test_a_wrong_method_is_405_and_names_the_right_ones(client: TestClient, bearer: Bearer) -> None:
    for path, methods in (("admin/openai/stats", "GET"), ("jobs", "GET, POST"), ("jobs/x", "DELETE, GET")):
        answer = client.put(f"/api/v1/{path}", headers=bearer())
        assert methods in _error(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == methods


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "targets"),
        ({"targets": []}, "targets"),
        ({"targets": "http://a.example/"}, "targets"),
        ({"targets": [""]}, "targets.0"),
        ({"targets": [1]}, "targets.0"),
        ({"targets": ["http://a.example/"], "priority": 10}, "priority"),
        ({"targets": ["http://a.example/"], "priority": -1}, "priority"),
        ({"targets": ["http://a.example/"], "callback": "http://b.example/"}, "callback"),
        ({"targets": ["http://a.example/"], "callback_url": 7}, "callback_url"),
        ({"targets": ["http://a.example/"] * (MAX_TARGETS + 1)}, "targets"),
        ({"targets": ["http://a.example/"], "economy": "yes"}, "economy"),
        ({"targets": ["http://a.example/"], "economy": 1}, "economy"),
    ],
)
def test_an_invalid_body_names_the_field(client: TestClient, bearer: Bearer, body: dict[str, Any], named: str) -> None:
    assert named in _error(client.post("/api/v1/jobs", json=body, headers=bearer()), 422, "invalid_request")


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=99999999999999999999", "state=lost", "batch=%00"])
def test_an_invalid_query_names_the_parameter(client: TestClient, bearer: Bearer, query: str) -> None:
    message = _error(client.get(f"/api/v1/jobs?{query}", headers=bearer()), 422, "invalid_request")
    assert query.partition("=")[0] in message


@pytest.mark.parametrize("path", ["jobs", "batches", "properties"])
@pytest.mark.parametrize("cursor", ["%00", "a b", "0", "eyJhIjoxfQ"])
def test_an_invalid_cursor_is_refused_with_the_remedy(
    client: TestClient, bearer: Bearer, path: str, cursor: str
) -> None:
    answer = client.get(f"/api/v1/{path}?cursor={cursor}", headers=bearer())
    assert "next_cursor" in _error(answer, 422, "invalid_cursor")


def test_a_body_at_the_limit_is_read_and_a_byte_more_is_refused(client: TestClient, bearer: Bearer) -> None:
    """A chunked request has no Content-Length, so the server can limit it only by counting."""

    def chunks() -> Iterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 65_536 + 1):
            yield b" " * 65_536

    headers = {**bearer(), "Content-Type": "application/json"}
    assert client.post("/api/v1/jobs", content=b" " * MAX_BODY_BYTES, headers=headers).status_code == 422
    for content in (b" " * (MAX_BODY_BYTES + 1), chunks()):
        _error(client.post("/api/v1/jobs", content=content, headers=headers), 413, "content_too_large")


def test_a_defect_is_500_without_details(make_settings: Callable[..., Settings], bearer: Bearer) -> None:
    app = create_app(make_settings)

    @app.get("/defect")
    def defect() -> None:
        raise ZeroDivisionError("a secret detail")

    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/defect")
    assert "secret" not in _error(answer, 500, "internal_error")


def test_an_unreachable_database_is_503(make_client: Callable[..., TestClient], bearer: Bearer) -> None:
    """Each request tries to open the database again, so the server recovers without a restart."""
    client = make_client(database_url="sqlite:////proc/nowhere/x.sqlite3")
    answer = client.get("/api/v1/jobs", headers=bearer())
    assert answer.status_code == 503
    assert answer.json()["success"] is False
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_a_transient_error_has_retry_after() -> None:
    assert status_of(DatabaseLockedError("db", "busy")) == 503
    assert status_of(PropertyIntelligenceError("x")) == 500


def test_the_documentation_is_served_without_a_token(client: TestClient) -> None:
    assert client.get("/docs").status_code == 200
    paths = client.get("/openapi.json").json()["paths"]
    assert "callback_url" not in str(paths)


def test_the_document_lists_the_answers_of_middleware_for_every_route(client: TestClient) -> None:
    operations = [
        (method, path, described["responses"])
        for path, methods in client.get("/openapi.json").json()["paths"].items()
        for method, described in methods.items()
    ]
    assert len(operations) >= 15
    for method, path, responses in operations:
        too_long = client.request(method, path, params={"q": "x" * MAX_URL_BYTES})
        too_large = client.request(method, path, headers={"Content-Length": str(MAX_BODY_BYTES + 1)})
        assert (too_long.status_code, too_large.status_code) == (414, 413), (method, path)
        assert {"414", "413"} <= set(responses), (method, path)
        if "429" in responses:
            assert {"Retry-After", "RateLimit", "RateLimit-Policy"} <= set(responses["429"]["headers"]), (method, path)
