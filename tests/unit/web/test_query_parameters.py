"""A query parameter that a route does not know, or gets twice, is refused with the names near it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from app.property.storage.properties.rebuild import STATUS
from app.services.runtime.stores import Stores
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record
from tests.security.test_merging_by_strangers import AT
from web import create_app

Get = Callable[..., Any]


@pytest.fixture
def get(client: TestClient, bearer: Callable[..., dict[str, str]]) -> Get:
    return lambda path, method="GET": client.request(method, path, headers=bearer("manager"))


def _routes() -> list[tuple[str, str]]:
    routes = [route for route in iter_route_contexts(create_app(lambda: None).routes) if route.path]  # type: ignore[arg-type, return-value]
    api = [route for route in routes if str(route.path).startswith("/api/v1/")]
    return sorted((method, str(route.path)) for route in api for method in route.methods or ())


def test_there_are_routes_to_check() -> None:
    assert len(_routes()) > 30


@pytest.mark.parametrize(("method", "path"), _routes())
def test_every_route_refuses_unknown_parameters(get: Get, method: str, path: str) -> None:
    answer = get(re.sub(r"{\w+}", "a" * 32, path) + "?nonsense=1", method)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid_request"
    assert answer.json()["error"]["message"].startswith("query.nonsense: is not known here.")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("jobs?stat=failed", "Did you mean state"),
        ("jobs?State=failed", "Did you mean state"),
        ("jobs?%73tates=failed", "Did you mean state"),
        ("jobs?states[]=failed", "Did you mean state"),
        ("jobs?batch_id=x", "Did you mean batch"),
        ("jobs?status=failed", "is not known here"),
        ("jobs?offset=5", "Known are batch, counts, cursor, limit, state"),
        ("jobs?utm_source=x", "query.utm_source"),
        ("jobs?=x", "is not known here"),
        ("jobs?x" + "x" * 3000 + "=1", "is not known here"),
        ("properties?changed=2026-01-01T00:00:00Z", "Did you mean changed_since"),
        ("properties?city=Springfield", "Known are changed_since, conflicts, cursor, limit, q, status"),
        ("me?limit=1", "takes no query parameters"),
        ("jobs?limit=1&limit=2", "query.limit: is given 2 times. Give it once"),
        ("jobs?limit=1&limit=1&x=1", "query.limit: is given 2 times"),
        ("properties?status=Active&status=Closed", "query.status: is given 2 times"),
    ],
)
def test_the_answer_names_the_parameters_near_it(get: Get, query: str, words: str) -> None:
    answer = get(f"/api/v1/{query}")
    assert answer.status_code == 422
    assert words in answer.json()["error"]["message"]
    assert len(answer.json()["error"]["message"]) < 500


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("properties?status=Activ", "Did you mean Active?"),
        ("properties?status=inactive", "is not one of Active, Closed, Coming Soon, Expired, Pending, Withdrawn"),
        ("properties?status=", "is not one of Active"),
        ("properties?status=%00", "is not one of Active"),
        ("jobs?state=runing", "Did you mean running?"),
        ("jobs?state=", "is not one of queued, running"),
        ("watches?status=put", "is not one of waiting"),
    ],
)
def test_an_unknown_value_of_a_filter_is_refused_with_the_list(get: Get, query: str, words: str) -> None:
    answer = get(f"/api/v1/{query}")
    assert answer.status_code == 422
    assert words in answer.json()["error"]["message"]


def test_a_filter_answers_with_matching_homes_only_in_any_spelling(get: Get, stores: Stores) -> None:
    statuses = {"active": "Active", "soon": "Coming Soon", "pending": "Pending", "none": None}
    for n, (name, status) in enumerate(statuses.items()):
        values = {"StreetNumber": str(n + 1), "StreetName": "Elm St", "City": "Springfield", "PostalCode": "62701"}
        values |= {STATUS: status} if status else {}
        save_record(stores.properties, page_record(f"https://{name}.example/", values, AT, str(n) * 64))

    def found(query: str) -> list[str]:
        answer = get(f"/api/v1/properties?{query}")
        assert answer.status_code == 200, answer.text
        urls = [home["sources"][0]["url"] for home in answer.json()["data"]["properties"]]
        return sorted(url.removeprefix("https://").removesuffix(".example/") for url in urls)

    assert found("limit=10") == ["active", "none", "pending", "soon"]
    for status in ("Active", "active", "ACTIVE", "for+sale"):
        assert found(f"status={status}") == ["active"]
    for status in ("Coming+Soon", "coming-soon", "coming_soon", "ComingSoon"):
        assert found(f"status={status}") == ["soon"]
    for status in ("Pending", "active+under+contract", "ActiveUnderContract", "active-under-contract"):
        assert found(f"status={status}") == ["pending"]
    assert found("status=Closed") == []
    assert found("q=elm+soon.example") == ["soon"]
    assert found("conflicts=true") == []


def test_states_and_statuses_are_read_in_any_spelling(get: Get) -> None:
    for query in ("jobs?state=FAILED", "jobs?state=Done", "watches?status=put-off", "watches?status=Under+Way"):
        assert get(f"/api/v1/{query}").status_code == 200
