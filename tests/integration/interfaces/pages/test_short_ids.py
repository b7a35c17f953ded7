"""Pages find a property, job, or batch by the first characters of its ID, as the terminal shows them."""

from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, select

from app.property.storage.properties.tables import Property
from app.services.runtime.stores import Stores
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record

FIRST, SECOND = f"abcd1234{'0' * 24}", f"abcd9999{'0' * 24}"


@pytest.fixture
def properties(stores: Stores) -> None:
    """Store a property under two IDs that begin alike."""
    values = {"StreetNumber": "12", "StreetName": "Elm St", "City": "Anytown", "PostalCode": "00000"}
    saved = save_record(stores.properties, page_record("https://homes.example/12", values, datetime.now(UTC)))
    with stores.database.writing() as connection:
        row = connection.execute(select(Property.__table__).where(Property.id == saved)).one()._mapping
        connection.execute(insert(Property), [{**row, "id": chosen} for chosen in (FIRST, SECOND)])


def test_a_property_page_accepts_the_first_characters(reader_client: TestClient, properties: None) -> None:
    for typed in (FIRST, "abcd1234", "abcd1", "ABCD1234"):
        shown = reader_client.get(f"/properties/{typed}")
        assert (shown.status_code, "12 Elm St" in shown.text) == (200, True), typed


def test_an_ambiguous_id_is_a_conflict_that_lists_the_ids(reader_client: TestClient, properties: None) -> None:
    answer = reader_client.get("/properties/abcd")
    assert (answer.status_code, FIRST in answer.text, SECOND in answer.text) == (409, True, True)
    assert "Give more characters" in answer.text


@pytest.mark.parametrize("typed", ["abc", "ffff0000", "abcd_", "Abcdx", "a%25", FIRST + "0"])
def test_other_ids_are_not_found_and_the_page_gives_no_advice_for_a_terminal(
    reader_client: TestClient, properties: None, typed: str
) -> None:
    answer = reader_client.get(f"/properties/{typed}")
    assert answer.status_code in (404, 422)
    assert "propintel" not in answer.text.partition("<main")[2].partition("</main>")[0]


def test_pages_of_jobs_and_batches_accept_them_too(reader_client: TestClient, stores: Stores) -> None:
    enqueued = stores.jobs.enqueue(["https://homes.example/77"])
    job, batch = enqueued.jobs[0].id[:8], enqueued.batch[:8]
    for path in (f"/jobs/{job}", f"/batches/{batch}", f"/jobs?batch={batch}"):
        assert reader_client.get(path).status_code == 200, path
    assert "homes.example/77" in reader_client.get(f"/jobs?batch={batch}").text
    assert reader_client.get("/jobs?batch=ffff0000").status_code == 200


def test_a_short_id_needs_a_session_like_any_other(reader_client: TestClient, properties: None) -> None:
    reader_client.cookies.clear()
    assert [reader_client.get(f"/properties/{typed}").status_code for typed in ("abcd1234", "abcd", "ffff")] == [
        303
    ] * 3
