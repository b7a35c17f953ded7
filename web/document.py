"""Add an example of every request and every successful answer to the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI

_BY_TYPE: Mapping[str, Any] = {
    "integer": 1,
    "number": 0.5,
    "boolean": False,
    "date": "2026-05-04",
    "date-time": "2026-05-04T06:12:09+00:00",
}


class DocumentedApp(FastAPI):
    """A FastAPI app whose OpenAPI document has examples, composed from the examples of the fields.

    A field without its own example gets a default for its type. Text fields have no default, so they need an example.
    """

    def openapi(self) -> dict[str, Any]:
        """Raises `LookupError` if a text field has no example."""
        if self.openapi_schema is not None:
            return self.openapi_schema
        document = super().openapi()  # also stored as `self.openapi_schema`, so change it in place
        _add_examples(document, _Composer(document["components"]["schemas"]))
        return document


class _Composer:
    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self._schemas = schemas

    def example(self, schema: Mapping[str, Any]) -> Any:
        """Return the schema's own example, else compose one. Raises `LookupError` for a text without an example."""
        match schema:
            case {"examples": [example, *_]} | {"const": example} | {"enum": [example, *_]}:
                found = example
            case {"$ref": name}:
                found = self.example(self._schemas[name.rpartition("/")[2]])
            case {"oneOf": [something, *_]} | {"anyOf": [{"$ref": _} | {"examples": _} as something, *_]}:
                found = self.example(something)
            case {"anyOf": _}:
                found = None
            case {"properties": parts}:
                needed = schema.get("required", ())
                found = {name: self.example(one) for name, one in parts.items() if name in needed or "examples" in one}
            case {"type": "array", "items": item}:
                found = [self.example(item)]
            case {"type": "object", "propertyNames": name, "additionalProperties": value}:
                found = {self.example(name): self.example(value)}
            case {"format": ("date-time" | "date") as form}:
                found = _BY_TYPE[form]
            case _:
                found = _BY_TYPE[schema["type"]]
        return found


def _add_examples(document: Mapping[str, Any], composer: _Composer) -> None:
    failure = document["components"]["schemas"]["Failure"]
    failure["examples"] = [composer.example(failure)]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            try:
                _describe(operation, composer)
            except LookupError as exc:
                raise LookupError(f"{method.upper()} {path}: {exc} has no example") from exc


def _describe(operation: Mapping[str, Any], composer: _Composer) -> None:
    for parameter in operation.get("parameters", ()):
        if parameter["required"] or "examples" in parameter["schema"]:
            parameter["example"] = composer.example(parameter["schema"])
    answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    for described in (operation.get("requestBody", {}), *answers):
        for media in described.get("content", {}).values():
            if "example" not in media:
                media["example"] = composer.example(media["schema"])
