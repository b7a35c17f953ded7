"""Invalid targets of a list are left out and listed, if asked: in the terminal, over HTTP, and on the page."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from app.access.page_sessions import PageSessions
from app.access.tokens import Caller, Role
from app.clock import SystemClock
from app.redis.embedded_valkey import EmbeddedValkey
from app.services.runtime.stores import Stores
from app.settings import Settings
from web import create_app

from .conftest import SECRET, Propintel, Token

GOOD = ("https://homes.example/1", "12 Main St, Springfield, IL 62701")
LIST = f'target\n{GOOD[0]}\nnonsense\n"{GOOD[1]}"\nftp://files.example/2\n'
ROWS = [(3, "nonsense"), (5, "ftp://files.example/2")]


@pytest.fixture
def targets_csv(home: Path) -> str:
    (home / "targets.csv").write_text(LIST)
    return "targets.csv"


@pytest.fixture
def client(web: str, broker: EmbeddedValkey, token: Token) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {token('operator')}"}
    with httpx2.Client(timeout=120, base_url=web, headers=headers) as opened:
        yield opened


def _rows(skipped: list[dict[str, Any]]) -> list[tuple[int, str]]:
    assert all(row["reason"] for row in skipped)
    return [(row["row"], row["text"]) for row in skipped]


def test_without_the_option_nothing_is_enqueued_and_the_error_names_it(
    called: Propintel, stores: Stores, broker: EmbeddedValkey, targets_csv: str
) -> None:
    ran = called("enqueue", "--file", targets_csv)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert all(text in " ".join(ran.stderr.split()) for text in ("line 3", "line 5", "--skip-invalid"))
    assert stores.jobs.page().items == []


def test_with_the_option_valid_rows_are_enqueued_and_the_others_listed(
    called: Propintel, stores: Stores, broker: EmbeddedValkey, targets_csv: str
) -> None:
    ran = called("enqueue", "--file", targets_csv, "--skip-invalid", "--json")
    answer = json.loads(ran.stdout)
    assert (ran.returncode, _rows(answer["skipped"])) == (1, ROWS)
    assert "2 invalid targets skipped" in ran.stderr
    assert len(answer["jobs"]) == len(stores.jobs.page().items) == 2
    again = called("enqueue", "--file", targets_csv, "--skip-invalid", "--format", "table")
    assert "0 enqueued, 2 duplicates" in again.stdout
    assert all(text in again.stdout for text in ("nonsense", "ftp://files.example/2"))


def test_an_estimate_leaves_out_the_same_rows(called: Propintel, stores: Stores, targets_csv: str) -> None:
    ran = called("enqueue", "--file", targets_csv, "--skip-invalid", "--estimate", "--json")
    answer = json.loads(ran.stdout)
    assert (ran.returncode, answer["targets"], _rows(answer["skipped"])) == (1, 2, ROWS)
    assert stores.jobs.page().items == []


@pytest.mark.usefixtures("broker")
@pytest.mark.parametrize(
    ("name", "text", "rows"),
    [
        ("a.txt", f"nonsense\n# note\n{GOOD[0]}\n", [(1, "nonsense")]),
        ("a.csv", "street,city,state,zip\n12 Main St,Springfield,IL,62701\n,,IL,\n", [(3, ",,IL,")]),
        ("a.jsonl", f'{{"url": "{GOOD[0]}"}}\n{{"price": 1}}\n{{broken\n', [(2, '{"price": 1}'), (3, "{broken")]),
    ],
)
def test_every_format_tells_row_and_text(
    called: Propintel, home: Path, name: str, text: str, rows: list[tuple[int, str]]
) -> None:
    (home / name).write_text(text)
    ran = called("enqueue", "--file", name, "--skip-invalid", "--json")
    assert (len(json.loads(ran.stdout)["jobs"]), _rows(json.loads(ran.stdout)["skipped"])) == (1, rows)
    assert f"{len(rows)} invalid target{'s' if len(rows) > 1 else ''} skipped" in ran.stderr


def test_a_list_without_invalid_rows_and_one_without_valid_rows(
    called: Propintel, stores: Stores, broker: EmbeddedValkey, home: Path
) -> None:
    (home / "good.txt").write_text("\n".join(GOOD))
    ran = called("enqueue", "--file", "good.txt", "--skip-invalid", "--json")
    assert (ran.returncode, json.loads(ran.stdout)["skipped"], ran.stderr) == (0, [], "")
    assert called("enqueue", "nonsense", GOOD[0], "--skip-invalid").returncode == 1
    before = len(stores.batches.page().items)
    (home / "bad.txt").write_text("nonsense\nftp://files.example/2\n")
    ran = called("enqueue", "--file", "bad.txt", "--skip-invalid")
    assert (ran.returncode, "line 2" in ran.stderr) == (2, True)
    assert called("enqueue", "nonsense", "--skip-invalid").returncode == 2
    assert len(stores.batches.page().items) == before


def test_the_api_lists_skipped_targets_in_repeated_answers_too(client: httpx2.Client) -> None:
    body = {"targets": ["nonsense", *GOOD], "skip_invalid": True}
    first, second = (client.post("/api/v1/jobs", json=body, headers={"Idempotency-Key": "one"}) for _ in range(2))
    assert (first.status_code, second.headers["idempotency-replayed"]) == (202, "true")
    assert first.json() == second.json()
    assert _rows(first.json()["data"]["skipped"]) == [(1, "nonsense")]
    assert len(first.json()["data"]["jobs"]) == 2
    estimated = client.post("/api/v1/estimates", json=body).json()["data"]
    assert (estimated["targets"], _rows(estimated["skipped"])) == (2, [(1, "nonsense")])


def test_the_api_refuses_all_without_the_member_or_without_a_valid_target(client: httpx2.Client) -> None:
    for body in ({"targets": ["nonsense", *GOOD]}, {"targets": ["nonsense"], "skip_invalid": True}):
        for path in ("jobs", "estimates"):
            assert client.post(f"/api/v1/{path}", json=body).status_code == 422
    assert client.get("/api/v1/jobs").json()["data"]["jobs"] == []


def test_the_page_lists_skipped_lines_and_enqueues_the_rest(home: Path, stores: Stores, broker: EmbeddedValkey) -> None:
    settings = Settings.of(propintel_home=home / "state", jwt_secret=SECRET)
    app = create_app(lambda: settings)
    with closing(PageSessions(settings, SystemClock())) as sessions:
        cookie, _ = sessions.open(Caller("issuer", "tester", Role.OPERATOR))
        session = sessions.find(cookie)
    assert session is not None
    form = {"csrf": session.csrf, "text": LIST}
    with TestClient(app, "http://127.0.0.1:8000", cookies={"propintel": cookie}, follow_redirects=False) as client:
        refused = client.post("/enqueue/estimate", data=form)
        assert (refused.status_code, 'name="skip_invalid"' in refused.text) == (422, True)
        shown = client.post("/enqueue/estimate", data={**form, "skip_invalid": "true"})
        assert shown.status_code == 200
        assert "2 invalid lines left out" in shown.text
        assert "Line 3: nonsense" in shown.text
        (targets,) = re.findall(r'<textarea name="targets" hidden>\n?(.*?)</textarea>', shown.text, re.S)
        (key,) = re.findall(r'name="key" value="(\w+)"', shown.text)
        sent = client.post("/enqueue", data={"csrf": session.csrf, "targets": targets, "key": key})
    assert sent.status_code == 303
    assert len(stores.jobs.page().items) == 2
