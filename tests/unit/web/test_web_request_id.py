"""Each request has an id, which is in the response and in the request's log lines."""

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.redaction import protect

_OWN = re.compile(r"[0-9a-f]{32}")


def test_a_valid_id_is_adopted_and_any_other_replaced(client: TestClient) -> None:
    """A client's id is written to the log, so it must be short and contain neither special characters nor a secret."""
    for sent in ("abc-123", "0af7651916cd43dd8448eb211c80319c", "a.b:c_d", "x" * 64):
        assert client.get("/healthz", headers={"X-Request-ID": sent}).headers["x-request-id"] == sent
    protect(["odd.password.here"])
    refused = ["", "x" * 65, "two words", "a\tb", "<script>", "grün", "sk-proj-" + "A1b2" * 8, "odd.password.here"]
    headers = [{"X-Request-ID": sent.encode()} for sent in refused] + [{}]
    made = [client.get("/healthz", headers=one).headers["x-request-id"] for one in headers]
    assert all(map(_OWN.fullmatch, made))
    assert len(set(made)) == len(made)


def test_refusals_and_defects_have_the_id_too(make_client: Callable[..., TestClient]) -> None:
    client = make_client()

    def broken() -> None:
        raise RuntimeError("a defect")

    client.app.add_api_route("/broken", broken)  # type: ignore[attr-defined]
    for path, status in (("/api/v1/jobs", 401), ("/nowhere", 404), ("/broken", 500)):
        answer = client.get(path, headers={"X-Request-ID": "mine"})
        assert (answer.status_code, answer.headers["x-request-id"]) == (status, "mine")


def test_log_lines_of_a_request_have_its_id_in_any_thread(
    make_client: Callable[..., TestClient], capsys: pytest.CaptureFixture[str]
) -> None:
    """A route that is not a coroutine runs in another thread."""
    client = make_client()

    def logging_route() -> dict[str, Any]:
        logging.getLogger("app.x").info("in a route")
        return {}

    client.app.add_api_route("/logging", logging_route)  # type: ignore[attr-defined]
    capsys.readouterr()
    client.get("/logging", headers={"X-Request-ID": "mine"})
    (line,) = [json.loads(message) for message in capsys.readouterr().err.splitlines() if "in a route" in message]
    assert line["request_id"] == "mine"
