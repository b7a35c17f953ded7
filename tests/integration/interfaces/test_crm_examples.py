"""The CRM examples copy a real change feed to a CSV file and to a REST API that fails half the time."""

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.property.storage.properties.repository import PropertyStore
from app.property.storage.watches.changes import ChangeStore
from app.property.storage.watches.models import Change
from app.services.runtime.stores import Stores
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record
from tests.plugins.webhook_receiver import Receiver

from .conftest import Environment, Token

pytestmark = pytest.mark.usefixtures("broker")
ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "crm.md").read_text(encoding="utf-8")
T0 = datetime(2026, 1, 1, tzinfo=UTC)
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(web: str, environment: Environment, token: Token, home: Path) -> Run:
    """Return a function that runs a command from the guide with this server's address."""

    def run_example(program: str, **swaps: str) -> subprocess.CompletedProcess[str]:
        (command,) = re.findall(rf"^python (examples/{program}.*)$", GUIDE, re.M)
        arguments = command.replace("http://localhost:8000", web).split()
        arguments = [swaps.get(argument, argument) for argument in arguments]
        tokens = {"PROPINTEL_TOKEN": token("reader"), "CRM_TOKEN": "crm-secret"}
        return subprocess.run(
            [sys.executable, str(ROOT / arguments[0]), *arguments[1:]],
            env={**environment, **tokens}, cwd=home, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    return run_example


def save(properties: PropertyStore, number: int, price: int, days: int, **values: object) -> None:
    url, at = f"https://homes.example/{number}", T0 + timedelta(days=days)
    facts = {"StreetNumber": str(number), "StreetName": "Elm Street", "ListPrice": price, "X_Currency": "USD", **values}
    sha = f"{number * 1_000_000 + days:064d}"
    save_record(properties, page_record(url, facts, at, sha, quote="=it says\n{}"), edition="e")


def cut_prices(stores: Stores, day: int, homes: int = 3) -> list[Change]:
    """Lower each home's price, and return all published changes."""
    for number in range(1, homes + 1):
        save(stores.properties, number, 600_000 - 10_000 * day, day)
    return ChangeStore(stores.database).since(limit=1000).changes


def test_each_change_is_written_to_the_csv_file_once(run: Run, stores: Stores, home: Path) -> None:
    cut_prices(stores, 0)
    published = cut_prices(stores, 1)
    assert run("changes_to_csv.py").stderr == "3 changes\n"
    file, cursor = home / "changes.csv", home / "changes.csv.cursor"
    before = cursor.read_text()
    published = cut_prices(stores, 2)
    assert run("changes_to_csv.py").stderr == "3 changes\n"
    with file.open(newline="", encoding="utf-8") as rows:
        found = list(csv.DictReader(rows))
    assert [row["id"] for row in found] == [change.id for change in published]
    first = {name: found[0][name] for name in ("field", "old", "new", "currency", "quote", "new_source")}
    assert first == {
        "field": "ListPrice", "old": "600000", "new": "590000", "currency": "USD", "quote": "'=it says 590000",
        "new_source": "https://homes.example/1",
    }  # fmt: skip
    # Simulate a crash: the file ends with half a row, and the cursor is the previous run's.
    whole = file.read_bytes()
    file.write_bytes(whole[: whole.rfind(b"\n", 0, -1) + 20])
    cursor.write_text(before)
    assert run("changes_to_csv.py").stderr == "1 change\n"
    assert file.read_bytes() == whole


def test_each_change_reaches_a_rest_api_that_fails_half_the_time(
    run: Run, stores: Stores, home: Path, make_receiver: Callable[..., Receiver]
) -> None:
    crm = make_receiver(statuses=[200, 503, 200, 500, 429, 422, 200])
    (home / "fields.json").write_text('{"ListPrice": "asking_price"}')
    for day in range(3):
        published = cut_prices(stores, day)
    save(stores.properties, 1, 580_000, 3, StandardStatus="Active")
    save(stores.properties, 1, 580_000, 4, StandardStatus="Pending")
    # the CRM has no field for two of the changes
    assert len(ChangeStore(stores.database).since(limit=1000).changes) == 8
    ran = run("changes_to_rest.py", **{"https://crm.example/api/properties": f"{crm.origin}/api/properties"})
    assert ran.stderr == "6 changes\n"
    ends = [request for request in crm.requests if request.status in (200, 422)]
    assert [request.headers["idempotency-key"] for request in ends] == [change.id for change in published]
    assert [json.loads(request.body) for request in ends] == [{"asking_price": change.new} for change in published]
    assert {request.path for request in ends} == {f"PATCH /api/properties/{change.property_id}" for change in published}
    assert {request.headers["authorization"] for request in crm.requests} == {"Bearer crm-secret"}
    assert len(crm.requests) == 9
    (refused,) = (home / "changes_to_rest.refused.jsonl").read_text().splitlines()
    assert (json.loads(refused)["status"], json.loads(refused)["change"]["id"]) == (422, published[2].id)
    assert run("changes_to_rest.py", **{"https://crm.example/api/properties": crm.origin}).stderr == "0 changes\n"
    assert len(crm.requests) == 9
