"""The routes that create, list, and end watches."""

from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient

from app.services.runtime.stores import Stores
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record

Bearer = Callable[..., dict[str, str]]
ROOT = "/api/v1/watches"
URL = "https://site.example/house/1"
ADDRESS = "12 MAIN ST, SPRINGFIELD, IL 62701"


def put(client: TestClient, headers: dict[str, str], *targets: str, **more: Any) -> Any:
    return client.post(ROOT, headers=headers, json={"targets": list(targets), **more})


def test_a_watch_is_created_listed_and_removed(make_client: Callable[..., TestClient], bearer: Bearer) -> None:
    client = make_client(watch_interval_days=14, watch_daily_pages=50)
    made = put(client, bearer(role="operator"), URL, "12 Main Street, Springfield IL 62701").json()["data"]
    assert made["new"] == 2
    assert [(one["target"], one["interval_days"]) for one in made["watches"]] == [(URL, 14), (ADDRESS, 14)]
    assert put(client, bearer(), URL, interval_days=1).json()["data"]["new"] == 0
    first = client.get(ROOT, headers=bearer(role="reader"), params={"limit": 1}).json()["data"]
    assert first["counts"]["waiting"] == 2
    assert first["budget"]["pages"] == {"used": 0, "limit": 50}
    rest = client.get(ROOT, headers=bearer(), params={"cursor": first["next_cursor"]}).json()["data"]
    listed = {one["target"]: one for one in first["watches"] + rest["watches"]}
    assert set(listed) == {URL, ADDRESS}
    place = f"{ROOT}/{listed[URL]['id']}"
    shown = client.get(place, headers=bearer()).json()["data"]
    assert (shown["interval_days"], "operator" in shown["created_by"]) == (1, True)
    assert [client.delete(place, headers=bearer()).status_code for _ in range(2)] == [200, 404]


def test_a_home_that_is_watched_by_another_name_is_named(
    make_client: Callable[..., TestClient], bearer: Bearer, stores: Stores
) -> None:
    home = save_record(stores.properties, page_record(URL, {"ListPrice": 1}, stores.database.clock.now()))
    client = make_client()
    (watch,) = put(client, bearer(), URL).json()["data"]["watches"]
    for name in (home, home[:8]):
        again = put(client, bearer(), name).json()["data"]
        assert (again["new"], [one["id"] for one in again["watches"]]) == (0, [watch["id"]])
        assert again["already_watched"] == [{"target": home, "watch": watch["id"]}]
    unknown = put(client, bearer(), "0123abcd")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "unknown_id")


def test_an_invalid_watch_is_refused_with_the_reason(make_client: Callable[..., TestClient], bearer: Bearer) -> None:
    client = make_client(watch_max_watches=1)
    unknown = put(client, bearer(), "0" * 32)
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")
    assert "no property" in unknown.json()["error"]["message"]
    assert put(client, bearer(), URL, interval_days=0).status_code == 422
    assert put(client, bearer(), URL, interval_days=366).status_code == 422
    assert put(client, bearer(), "nowhere").status_code == 422
    many = put(client, bearer(), URL, ADDRESS)
    assert (many.status_code, many.json()["error"]["code"]) == (409, "too_many_watches")
    assert "WATCH_MAX_WATCHES" in many.json()["error"]["message"]
