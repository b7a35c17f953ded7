"""The purge route only counts by default, deletes on request, and is for management only."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.errors.targets import InvalidHostError
from app.property.storage.privacy.scope import PurgeKind
from app.services.privacy.purging import purge
from app.services.runtime.stores import Stores
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record

Bearer = Callable[..., dict[str, str]]
PURGE, URL = "/api/v1/admin/purge", "https://homes.example/h/48213"


@pytest.fixture
def home(stores: Stores) -> str:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return save_record(stores.properties, page_record(URL, {"ListAgentFullName": "A. Agent"}, at, page_url=URL))


@pytest.mark.parametrize("named", [{"url": f"{URL}?utm_source=x"}, {"host": "homes.example"}, {"property": ""}])
def test_a_purge_counts_first_and_deletes_on_request(
    client: TestClient, bearer: Bearer, stores: Stores, home: str, named: dict[str, str]
) -> None:
    named = {kind: name or home for kind, name in named.items()}
    counted = client.post(PURGE, headers=bearer(), json=named).json()["data"]
    assert (counted["dry_run"], counted["removed"]["properties"], counted["wiped"]) == (True, 1, False)
    assert stores.properties.get(home)["record"]
    done = client.post(PURGE, headers=bearer(), json={**named, "dry_run": False}).json()["data"]
    assert (done["removed"], done["dry_run"]) == (counted["removed"], False)
    assert client.get(f"/api/v1/properties/{home}", headers=bearer()).status_code == 404
    again = client.post(PURGE, headers=bearer(), json={**named, "dry_run": False})
    assert again.status_code == 200
    assert again.json()["data"]["removed"] == {}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_request"), ({"url": URL, "host": "homes.example"}, "invalid_request"),
        ({"url": URL, "dry_run": "no"}, "invalid_request"), ({"url": "12 Oak St"}, "invalid_target"),
        ({"host": "https://homes.example/"}, "invalid_host"), ({"host": ""}, "invalid_request"),
        ({"host": "co.uk"}, "invalid_host"), ({"property": "x"}, "invalid_request"),
        ({"person": ""}, "invalid_request"), ({"persons": "Jane Doe"}, "invalid_request"),
    ],
)  # fmt: skip
def test_an_ambiguous_purge_is_refused(client: TestClient, bearer: Bearer, body: dict[str, Any], code: str) -> None:
    answer = client.post(PURGE, headers=bearer(), json={"dry_run": False, **body})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)


def test_a_host_is_named_in_any_spelling_but_never_one_of_several_owners(stores: Stores, home: str) -> None:
    def count(name: str) -> int:
        result = purge(stores.settings, stores.database, PurgeKind.HOST, name, who="alice", dry_run=True)
        return result.removed.get("source_records", 0)

    assert [count(name) for name in ("Homes.Example", "homes.example.", " homes.example ")] == [1, 1, 1]
    assert {count(name) for name in ("127.0.0.1", "[::1]", "localhost", "intranet", "straße.example")} == {0}
    several = ["", ".", "com", "co.uk", "github.io"]
    for name in [*several, "homes.example/h", "homes.example:80", "a@homes.example", "*.example", "a b"]:
        with pytest.raises(InvalidHostError):
            count(name)
