"""The web server and the commands, run as real processes, log in the configured format and without secrets."""

import json
from typing import Any

import httpx2

from .conftest import WEB, Environment, Propintel, Serving, until_true

_KEY = "sk-proj-" + "A1b2C3d4" * 6


def _json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_the_http_server_logs_json_with_request_ids_in_access_lines(environment: Environment, serving: Serving) -> None:
    """An OpenAI key in the query is redacted too. uvicorn's own log handlers would not redact it."""
    with serving(*WEB, environment=environment) as server:
        httpx2.get(f"{server.url}/healthz?key={_KEY}", headers={"X-Request-ID": "mine"}, timeout=120)
        until_true(lambda: "/healthz" in server.log.read_text(), "the access line")
    output = server.log.read_text()
    (access,) = [line for line in _json_lines(output) if "/healthz" in line["event"]]
    assert (access["logger"], access["request_id"]) == ("uvicorn.access", "mine")
    assert _KEY not in output
    assert [line for line in output.splitlines() if not line.startswith("{")] == output.splitlines()[:2]


_PROBE = f"""
import sys
from celery.signals import beat_init
from worker import app as celery

def leak() -> None:
    sys.stderr.writelines(["written past the log: ", "".join({list(_KEY)!r}), "\\n"])

beat_init.connect(lambda **_: leak(), weak=False)
"""


def test_an_unknown_option_is_quoted_without_its_secret(called: Propintel) -> None:
    ran = called("jobs", "list", f"--key={_KEY}")
    assert ran.returncode == 2
    assert "No such option" in ran.stderr
    wrong = called("token", "--role", _KEY, "--subject", "tester")
    assert "[redacted]" in wrong.stderr
    assert _KEY not in ran.stderr + wrong.stderr


def test_commands_log_text_unless_json_is_requested(called: Propintel) -> None:
    """`--verbose` prints the log before the one-line error message."""
    target = "http://127.0.0.1:9/x"
    text = called("--verbose", "scrape", target)
    assert not _json_lines(text.stderr)
    asked = called("--verbose", "scrape", target, LOG_FORMAT="json")
    assert asked.returncode == 1
    lines = _json_lines(asked.stderr)
    assert lines
    assert len({line["job"] for line in lines if "job" in line}) <= 1
    assert asked.stderr.splitlines()[-1].startswith("propintel: ")
