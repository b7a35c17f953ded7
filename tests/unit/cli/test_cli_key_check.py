"""`propintel keys check` interprets the API's answers about a key."""

from typing import Any

import httpx2
import pytest

from app.keypool.keys import make_keys
from cli.keys import check_keys

SECRET = "sk-proj-aaaaaaaaaaaaaaaaaaaa1111"


def _check(
    answer: httpx2.Response | Exception, base_url: str = "https://api.example/v1/"
) -> tuple[dict[str, Any], httpx2.Request]:
    seen: list[httpx2.Request] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    keys = make_keys([SECRET])
    results = check_keys(keys, base_url, transport=httpx2.MockTransport(respond))
    return results[keys[0].mask], seen[0]


def test_the_check_lists_the_models() -> None:
    _, request = _check(httpx2.Response(200, json={"data": []}))
    assert (request.method, str(request.url)) == ("GET", "https://api.example/v1/models")
    assert request.headers["authorization"] == f"Bearer {SECRET}"


MEANINGS = {
    200: "valid", 401: "invalid", 403: "no access", 429: "valid", 500: "unknown", 404: "unknown", 302: "unknown",
}  # fmt: skip


@pytest.mark.parametrize(("status", "meaning"), MEANINGS.items())
def test_each_status_has_its_meaning(status: int, meaning: str) -> None:
    body = {"error": {"code": "some_code", "message": f"Incorrect API key provided: {SECRET}"}}
    result, _ = _check(httpx2.Response(status, json=body, headers={"Location": "https://elsewhere.example/"}))
    assert (result["status"], result["http_status"]) == (meaning, status)
    assert SECRET not in str(result)


def test_an_answer_that_is_not_the_api_s_is_reported() -> None:
    for body in (b"<html>", b"[]", b'{"error": "x"}', b'{"error": {"code": {"a": 1}}}', b"\xff"):
        result, _ = _check(httpx2.Response(401, content=body))
        assert result == {"status": "invalid", "http_status": 401, "detail": ""}


def test_a_failed_request_shows_the_address_without_its_password() -> None:
    """Printed text may be copied into tickets, so only the error's class is shown, never its message."""
    trouble = httpx2.ProxyError("http://user:hunter2@proxy.example:3128 refused")
    result, _ = _check(trouble, "https://someone:hunter2@api.example/v1")
    detail = "https://api.example/v1/models does not answer (ProxyError)"
    assert result == {"status": "unknown", "http_status": None, "detail": detail}
