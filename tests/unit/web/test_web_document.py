"""The OpenAPI document has complete examples, and operation names that suit generated clients."""

from datetime import datetime

import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel, Field

from web.document import DocumentedApp
from web.envelope import answers


class Inner(BaseModel):
    name: str = Field(examples=["a name"])
    at: datetime
    left: int | None


class Outer(BaseModel):
    inner: list[Inner]
    other: Inner | None
    optional: int = 3


class Textual(BaseModel):
    text: str


def _app(model: type[BaseModel]) -> DocumentedApp:
    app = DocumentedApp(title="x", version="1")

    @app.get("/x", responses=answers(model, 404))
    def read_x() -> None: ...

    return app


def test_an_example_is_composed_from_the_fields_of_a_model() -> None:
    document = _app(Outer).openapi()
    example = document["paths"]["/x"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
    inner = {"name": "a name", "at": example["data"]["other"]["at"], "left": None}
    assert example == {"success": True, "data": {"inner": [inner], "other": inner}}
    assert datetime.fromisoformat(inner["at"]).tzinfo is not None


def test_text_without_an_example_is_a_defect() -> None:
    with pytest.raises(LookupError, match="GET /x"):
        _app(Textual).openapi()


def test_operation_names_are_valid_function_names(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    names = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(set(names)) == len(names)
    assert {"enqueue_jobs", "get_job", "list_properties", "list_keys", "get_metrics"} <= set(names)
    assert [name for name in names if not name.isidentifier() or "_" not in name] == []
