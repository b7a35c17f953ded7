"""Each example request of the OpenAPI document succeeds, and each response matches its schema."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator

from app.errors.pages import PageGoneError
from app.keypool.keys import fingerprint
from app.property.recipes.recipe import Anchor, new_recipe
from app.property.record import SourceKind
from app.property.storage.properties.recipes import StoredRecipes
from app.property.storage.watches.repository import Watches
from app.services.reports import identity_decisions
from app.services.runtime.stores import Stores
from benchmarks.saving import save_record
from tests.plugins.job_ends import finish
from tests.plugins.page_records import page_record

from .conftest import Environment, Token

HOME, REAR = "https://www.example.com/homes/123-main-st", "https://www.example.com/homes/123-main-st-rear"
KEY = "sk-proj-aaaaaaaaaaaaaaaaaaaa1111"
#: Path parameters whose examples are replaced with ids of stored rows.
IDS = ("property_id", "decision_id", "job_id", "batch_id", "watch_id", "recipe_id", "key")


@pytest.fixture
def environment(environment: Environment) -> Environment:
    return {**environment, "OPENAI_API_KEYS": KEY, "API_RATE_LIMIT_PER_MINUTE": "0"}


@dataclass
class Api:
    """A client, the OpenAPI document, and ids of stored rows by operation id. `rows[""]` has the default ids."""

    document: dict[str, Any]
    client: httpx2.Client
    rows: dict[str, dict[str, str]] = field(default_factory=dict)

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield method, path, operation

    def problems_of(self, schema: Mapping[str, Any], value: Any) -> list[str]:
        validator = Draft202012Validator({**schema, "components": self.document["components"]})
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


@pytest.fixture
def api(web: str, token: Token, stores: Stores, broker: object) -> Iterator[Api]:
    headers = {"Authorization": f"Bearer {token('manager')}"}
    with httpx2.Client(base_url=web, headers=headers, timeout=60) as client:
        yield Api(client.get("/openapi.json").json(), client, _seed(stores))


def _seed(stores: Stores) -> dict[str, dict[str, str]]:
    database, jobs = stores.database, stores.jobs

    def store(number: int, *urls: str) -> str:
        values = {"UnparsedAddress": f"{number} Fictional Ave", "PostalCode": "00000"}
        for year, url in enumerate(urls, 1987):
            record = page_record(
                url, {**values, "YearBuilt": year}, datetime(2026, 1, 1, tzinfo=UTC), url.rjust(64, "0")[-64:],
                page_url=url, source_kind=SourceKind.PORTAL,
            )  # fmt: skip
            found = save_record(stores.properties, record)
        return found

    first, second, third = store(1, HOME, REAR), store(2, f"{HOME}/2"), store(3, f"{HOME}/3", f"{HOME}/4")
    fourth = store(4, f"{HOME}/5")
    decision = identity_decisions.split(database, third, [f"{HOME}/4"], who="tester")
    done, failed, queued, of_batch = (jobs.enqueue([f"https://jobs.example/{n}"]).new[0] for n in range(4))
    for job_id in (done, failed):
        jobs.claim(job_id, "worker", 30)
    finish(jobs, done, "worker", first, wanted_model=["Roof"], model_note="no key")
    jobs.fail(failed, PageGoneError("https://jobs.example/1", "sold"))
    watched = Watches(database).add([second], who="tester")
    anchors = {"YearBuilt": (Anchor("label", "Year built", "cell"),)}
    recipe = replace(new_recipe("www.example.com", frozenset({1, 2})), fields=anchors)
    StoredRecipes(database).put(recipe)
    return {
        "": {
            "property_id": first, "job_id": done, "batch_id": jobs.get(done).batch_id, "recipe_id": recipe.id,
            "watch_id": watched.watches[0].id, "key": fingerprint(KEY),
        },
        "cancel_job": {"job_id": queued},
        "retry_job": {"job_id": failed},
        "cancel_batch": {"batch_id": jobs.get(of_batch).batch_id},
        "join_properties": {"property_id": second, "other": fourth},
        "undo_decision": {"property_id": third, "decision_id": decision.id},
    }  # fmt: skip


def _requested(api: Api, method: str, path: str, operation: Mapping[str, Any]) -> httpx2.Response:
    rows = {**api.rows[""], **api.rows.get(operation["operationId"], {})}
    headers, body = dict[str, str](), None
    if "requestBody" in operation:
        body = operation["requestBody"]["content"]["application/json"]["example"]
        if "other" in body:
            body = {**body, "other": rows["other"]}
        text = json.dumps(body)
        body = text.replace(_example_id(api), rows["property_id"])
        headers["Content-Type"] = "application/json"
    for parameter in operation.get("parameters", ()):
        name, value = parameter["name"], str(parameter.get("example", ""))
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", rows[name] if name in IDS else value)
        elif parameter["in"] == "header" and value:
            headers[name] = value
    return api.client.request(method, path, headers=headers, content=body)


def _example_id(api: Api) -> str:
    (property_id, *_) = api.document["paths"]["/api/v1/properties/{property_id}"]["get"]["parameters"]
    return str(property_id["example"])


def test_every_example_request_succeeds_with_the_described_answer(api: Api) -> None:
    problems = {}
    for method, path, operation in api.operations():
        answer = _requested(api, method, path, operation)
        described = operation["responses"].get(str(answer.status_code))
        if not answer.is_success or described is None:
            problems[operation["operationId"]] = [answer.text]
            continue
        media_type, content = answer.headers["content-type"], described["content"]
        value = answer.json() if media_type == "application/json" else answer.text
        found = api.problems_of((content.get(media_type) or content[media_type.partition(";")[0]])["schema"], value)
        if found:
            problems[operation["operationId"]] = found
    assert problems == {}


def test_every_operation_has_valid_examples(api: Api) -> None:
    missing, problems = [], {}
    for _method, _path, operation in api.operations():
        name = operation["operationId"]
        described = [(f"{name} {p['name']}", p) for p in operation.get("parameters", ()) if p["required"]]
        answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        assert answers, name
        for part in [operation.get("requestBody", {}), *answers]:
            described += [(f"{name} {kind}", media) for kind, media in part.get("content", {}).items()]
        missing += [place for place, part in described if "example" not in part]
        problems |= {
            place: found
            for place, part in described
            if "example" in part and (found := api.problems_of(part["schema"], part["example"]))
        }
    failure = api.document["components"]["schemas"]["Failure"]
    assert (missing, problems) == ([], {})
    assert api.problems_of(failure, failure["examples"][0]) == []
