"""`propintel keys disable|enable|probe` and the admin API have the same effects and share an audit log."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from app.keypool.keys import fingerprint

from .conftest import Environment, Propintel, Token

A, B = "sk-proj-aaaaaaaaaaaaaaaaaaaa1111", "sk-proj-bbbbbbbbbbbbbbbbbbbb2222"
MASK_A, ID_A = "sk-proj-aaa...1111", fingerprint(A)
OPENAI = "/api/v1/admin/openai"
Ask = Callable[..., httpx2.Response]


@pytest.fixture
def environment(environment: Environment) -> Environment:
    return {**environment, "OPENAI_API_KEYS": f"{A},{B}"}


@pytest.fixture
def ask(web: str, token: Token) -> Ask:
    """Return a function that sends a request to the admin API for keys, with a token of the given `role`."""

    def send(method: str, path: str, *, role: str = "manager", **more: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token(role)}"}
        return httpx2.request(method, f"{web}{OPENAI}{path}", headers=headers, timeout=300, **more)

    return send


@pytest.mark.usefixtures("broker")
def test_actions_of_one_interface_are_visible_and_undone_in_the_other(ask: Ask, called: Propintel) -> None:
    done = ask("POST", f"/keys/{ID_A}/disable", json={"reason": "leaked"}).json()["data"]
    assert (done["key"], done["mask"], done["outcome"], done["state"]) == (ID_A, MASK_A, "done", "disabled")
    shown = json.loads(called("keys", "list", "--format", "json").stdout)
    assert (shown["healthy_keys"], shown["keys"][MASK_A]["state"], shown["keys"][MASK_A]["id"]) == (1, "disabled", ID_A)
    title, *lines = called("keys", "list", "--format", "table").stdout.splitlines()
    assert "1 of 2 keys healthy, 1 disabled" in title
    assert f"{MASK_A} disabled 0 0 0 0" in [" ".join(line.split()) for line in lines]
    ran = called("keys", "enable", MASK_A, "--reason", "false alarm", "--format", "table")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == f"OpenAI key {MASK_A} is enabled, in its previous state (state: closed)."
    assert f"Key action: enable {MASK_A}" in ran.stderr
    assert ask("GET", "/stats").json()["data"]["keys"][MASK_A]["state"] == "closed"
    found = ask("GET", "/actions").json()["data"]
    actions = [(entry["action"], entry["reason"], entry["key"], entry["outcome"]) for entry in found["actions"]]
    assert actions == [("enable", "false alarm", ID_A, "done"), ("disable", "leaked", ID_A, "done")]
    assert found["actions"][1]["who"] == "tester (manager)"
    assert "@" in found["actions"][0]["who"]


@pytest.mark.usefixtures("broker")
def test_the_audit_log_has_pages_and_a_filter_by_key(ask: Ask) -> None:
    for action in ("disable", "enable", "probe"):
        assert ask("POST", f"/keys/{ID_A[:8]}/{action}").status_code == 200
    assert ask("POST", f"/keys/{fingerprint(B)}/disable", json={}).status_code == 200
    first = ask("GET", f"/actions?key={ID_A}&limit=2").json()["data"]
    rest = ask("GET", f"/actions?key={ID_A}&limit=2&cursor={first['next_cursor']}").json()["data"]
    assert [entry["action"] for page in (first, rest) for entry in page["actions"]] == ["probe", "enable", "disable"]
    assert rest["next_cursor"] is None
    assert len(ask("GET", "/actions").json()["data"]["actions"]) == 4


@pytest.mark.usefixtures("broker")
def test_impossible_actions_are_refused_with_a_reason(ask: Ask, called: Propintel) -> None:
    unknown = ask("POST", "/keys/0000000000000000/disable")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "key_not_found")
    assert MASK_A in unknown.json()["error"]["message"]
    for path, body in (
        (f"/keys/{ID_A}/delete", None),
        (f"/keys/{A}/disable", None),
        (f"/keys/{ID_A}/disable", {"reason": "x" * 501}),
        (f"/keys/{ID_A}/disable", {"why": "x"}),
    ):
        refused = ask("POST", path, json=body)
        assert (refused.status_code, A in refused.text) == (422, False), refused.text
    ran = called("keys", "disable", "sk-proj-ccc...3333")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert MASK_A in ran.stderr
    assert called("keys", "disable", MASK_A, "--reason", "x" * 501).returncode == 2
    assert ask("GET", "/actions").json()["data"]["actions"] == []


def test_without_redis_both_interfaces_report_the_problem(ask: Ask, called: Propintel) -> None:
    refused = ask("POST", f"/keys/{ID_A}/disable")
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "key_store_unavailable")
    assert "retry-after" in refused.headers
    ran = called("keys", "disable", MASK_A)
    assert ran.returncode == 2
    assert "propintel up" in ran.stderr
