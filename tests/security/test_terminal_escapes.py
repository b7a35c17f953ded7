"""No text of a page controls the terminal that shows it, or reverses the text that follows."""

import contextlib
import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from app.access.tokens import Role, issue_token
from app.clock import SystemClock
from app.property.storage.watches.changes import ChangeStore
from app.services.delivery.deliver import change_event, follow_changes
from app.services.runtime.stores import open_stores
from app.settings import Settings
from benchmarks.saving import save_record
from cli.main import main
from tests.plugins.page_records import page_record
from web import create_app

#: Text that clears the screen, sets the window title, changes the color, and reverses the text direction.
HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\x7f\x85\u202egnp.exe\u2066\u200f\u061c\u206a"
#: Matches the characters that no output may contain.
STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f]")
T0 = datetime(2026, 1, 1, tzinfo=UTC)
Run = Callable[..., str]


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings(
        changes_confirming_looks=0,
        changes_fields="ListPrice,PublicRemarks",
        changes_webhook_url="https://hooks.example/in",
    )


@pytest.fixture
def property_id(settings: Settings) -> str:
    with open_stores(settings) as stores:
        follow_changes(settings, stores.database)
        for day, price in enumerate((500_000, 480_000)):
            values = {
                "UnparsedAddress": f"1 Elm {HOSTILE}", "StreetNumber": "1", "StreetName": f"Elm Street {HOSTILE}",
                "City": "Springfield", "PostalCode": "62701", "PublicRemarks": f"{HOSTILE}{day}", "ListPrice": price,
                "Heating": [HOSTILE], "ListOfficeName": HOSTILE, "X_Permits": [{"description": HOSTILE}],
                "X_AccessNotes": HOSTILE,
            }  # fmt: skip
            record = page_record("https://homes.example/1", values, T0 + timedelta(days=day), f"{day:064d}")
            found = save_record(stores.properties, record, edition="e")
    return found


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> str:
        monkeypatch.setenv("PROPINTEL_HOME", str(settings.state.propintel_home))
        monkeypatch.setattr(sys, "argv", ["propintel", *arguments])
        capsys.readouterr()
        with contextlib.suppress(SystemExit):
            main()
        shown = capsys.readouterr()
        return shown.out + shown.err

    return call


@pytest.mark.parametrize(
    "command",
    [
        "properties list --format table",
        "properties show PROPERTY --format json",
        "properties show PROPERTY --format table",
        "properties show PROPERTY --all --format table",
        "properties show PROPERTY --explain --format json",
        "properties show PROPERTY --explain --format table",
        "properties show PROPERTY --explain ListPrice Heating --format table",
        "changes --format json",
        "changes --format table",
        "properties export --format csv",
        "properties export --format jsonl",
        "properties export --format geojson",
    ],
)
def test_no_command_prints_what_a_terminal_obeys(run: Run, property_id: str, command: str) -> None:
    shown = run(*command.replace("PROPERTY", property_id).split())
    assert any(word in shown for word in ("Springfield", "ListPrice", "Asking price"))
    assert STEERING.findall(shown) == []


def test_json_output_is_unchanged(run: Run, property_id: str) -> None:
    line = next(line for line in run("properties", "export", "--format", "jsonl").splitlines() if line.startswith("{"))
    assert json.loads(line)["record"]["PublicRemarks"] == f"{HOSTILE}1"
    shown = json.loads(run("properties", "show", property_id, "--format", "json"))
    assert shown["record"]["Heating"] == [HOSTILE]


def test_the_api_returns_nothing_that_a_terminal_obeys(settings: Settings, property_id: str) -> None:
    token = issue_token(settings, Role.READER, timedelta(minutes=1), clock=SystemClock(), subject="tester")
    with TestClient(create_app(lambda: settings)) as client:
        answer = client.get(f"/api/v1/properties/{property_id}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert STEERING.findall(answer.text) == []
    assert answer.json()["data"]["record"]["PublicRemarks"] == f"{HOSTILE}1"


@pytest.mark.usefixtures("property_id")
def test_a_webhook_sends_nothing_that_a_terminal_obeys(settings: Settings) -> None:
    with open_stores(settings) as stores:
        changes = ChangeStore(stores.database).since().changes
    bodies = [change_event(change).body() for change in changes]
    assert STEERING.findall("".join(bodies)) == []
    assert f"{HOSTILE}1" in [json.loads(body)["data"]["new"] for body in bodies]
