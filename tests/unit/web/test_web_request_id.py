"""Each request has an id that its client and its log lines share."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.redaction import protect

_OWN = re.compile(r"[0-9a-f]{32}")


@pytest.mark.parametrize("sent", ["abc-123", "0af7651916cd43dd8448eb211c80319c", "a.b:c_d", "x" * 64])
def test_a_valid_id_is_adopted(client: TestClient, sent: str) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize(
    "sent",
    ["", "x" * 65, "two words", "a\tb", "<script>", "grün".encode(), "sk-proj-" + "A1b2" * 8, "odd.password.here"],
)
def test_an_invalid_id_is_replaced(client: TestClient, sent: str | bytes) -> None:
    """An adopted id reaches the log, so it may be neither too long nor contain other characters or a secret."""
    protect(["odd.password.here"])
    answered = client.get("/healthz", headers={"X-Request-ID": sent}).headers["x-request-id"]  # type: ignore[dict-item]
    assert _OWN.fullmatch(answered)


def test_each_request_gets_an_id_of_its_own(client: TestClient) -> None:
    assert len({client.get("/healthz").headers["x-request-id"] for _ in range(3)}) == 3


def test_refusals_and_defects_have_the_id_too(make_client: Callable[..., TestClient]) -> None:
    """A defect is answered outside all middleware."""
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
    """A route that is not a coroutine runs in a thread."""
    client = make_client()

    def logging_route() -> dict[str, Any]:
        logging.getLogger("app.x").info("in a route")
        return {}

    client.app.add_api_route("/logging", logging_route)  # type: ignore[attr-defined]
    capsys.readouterr()
    client.get("/logging", headers={"X-Request-ID": "mine"})
    (line,) = [json.loads(message) for message in capsys.readouterr().err.splitlines() if "in a route" in message]
    assert line["request_id"] == "mine"
