"""The routes that split and merge properties, undo such decisions, and explain a property's identity."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from app.services.runtime.stores import Stores, open_stores
from app.settings import Settings
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record

Bearer = Callable[..., dict[str, str]]
ROOT = "/api/v1/properties"
A, B = "https://a.example/1", "https://b.example/1"


@pytest.fixture
def home(stores: Stores) -> str:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    values = {"UnparsedAddress": "12 Fictional Ave", "PostalCode": "00000", "YearBuilt": 1987}
    for url in (A, B):
        home = save_record(stores.properties, page_record(url, values, at, url, page_url=url))
    return home


def test_split_undo_and_join(client: TestClient, bearer: Bearer, stores: Stores, home: str) -> None:
    body = {"sources": [B], "reason": "the house behind"}
    split = client.post(f"{ROOT}/{home}/split", headers=bearer(role="operator"), json=body).json()["data"]
    assert (split["pages"], split["reason"]) == ([B], "the house behind")
    assert "operator" in split["who"]
    again = client.post(f"{ROOT}/{home}/split", headers=bearer(), json=body)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "identity_decision")
    undo = f"{ROOT}/{home}/decisions/{split['id']}/undo"
    assert client.post(undo, headers=bearer()).json()["data"]["undone_at"]
    assert client.post(undo, headers=bearer()).status_code == 409
    shown = client.get(f"{ROOT}/{home}", headers=bearer()).json()["data"]
    assert shown["replaces"] == [split["other"]]
    assert shown["as_of"].keys() == shown["record"].keys()
    parted = client.post(f"{ROOT}/{home}/split", headers=bearer(), json=body).json()["data"]["other"]
    joined = client.post(f"{ROOT}/{home}/join", headers=bearer(), json={"other": parted}).json()["data"]
    assert (joined["kind"], joined["other"]) == ("join", parted)
    made = client.get(f"{ROOT}/{home}/decisions", headers=bearer()).json()["data"]["decisions"]
    assert [(one["kind"], one["undone_at"] is None) for one in made] == [
        ("join", True), ("split", True), ("split", False),
    ]  # fmt: skip


def test_an_open_decision_is_listed_until_it_is_made(client: TestClient, bearer: Bearer, stores: Stores) -> None:
    at, county = datetime(2026, 1, 1, tzinfo=UTC), {"ParcelNumber": "0012-0034", "CountyOrParish": "Example"}
    street = {"UnparsedAddress": "12 Fictional Ave", "PostalCode": "00000"}
    for url, values in ((A, street), (B, county), ("https://c.example/1", street | county)):
        save_record(stores.properties, page_record(url, values, at, url, page_url=url))
    listed = client.get("/api/v1/reviews", headers=bearer(role="reader")).json()["data"]
    (review,) = listed["reviews"]
    assert (review["kind"], listed["next_cursor"]) == ("review", None)
    undo = f"{ROOT}/{review['property']}/decisions/{review['id']}/undo"
    assert client.post(undo, headers=bearer(role="operator")).json()["data"]["undone_at"]
    assert client.get("/api/v1/reviews", headers=bearer()).json()["data"]["reviews"] == []
    wrong = client.get("/api/v1/reviews?cursor=nonsense", headers=bearer())
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "invalid_cursor")


@pytest.mark.parametrize(("days", "new"), [(3650.0, 0), (0.5, 1)])
def test_a_setting_decides_how_long_a_property_is_fresh(
    make_settings: Callable[..., Settings], home: str, days: float, new: int
) -> None:
    with open_stores(make_settings(property_fresh_days=days, job_retention_days=3650)) as opened:
        assert len(opened.jobs.enqueue([A]).new) == new
