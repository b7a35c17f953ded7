"""Check strict JSON schemas as OpenAI does, and build empty values for them.

Every object must list all of its properties as required and set additionalProperties to false
(https://platform.openai.com/docs/guides/structured-outputs#supported-schemas, 2025-11).
"""

from collections.abc import Mapping
from typing import Any

from simulators.openai.protocol import ApiError, bad_request


def _refuse(name: str, path: tuple[str, ...], problem: str) -> ApiError:
    where = "(" + ", ".join(f"'{part}'" for part in path) + ("," if len(path) == 1 else "") + ")"
    message = f"Invalid schema for response_format '{name}': In context={where}, {problem}"
    return bad_request(message, param="response_format")


def check_strict(name: str, schema: Mapping[str, Any], path: tuple[str, ...] = ()) -> None:
    """Raise `ApiError` 400, with OpenAI's wording, for the first violated rule."""
    if not path and schema.get("type") != "object":
        found = schema.get("type")
        raise _refuse(name, path, f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{found}\"'.")
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        if schema.get("additionalProperties") is not False:
            raise _refuse(name, path, "'additionalProperties' is required to be supplied and to be false.")
        missing = [p for p in properties if p not in schema.get("required", ())]
        if missing:
            raise _refuse(
                name, path, "'required' is required to be supplied and to be an array including every key in "
                f"properties. Missing '{missing[0]}'."
            )  # fmt: skip
        for key, sub in properties.items():
            check_strict(name, sub, (*path, "properties", key))
    if isinstance(schema.get("items"), Mapping):
        check_strict(name, schema["items"], (*path, "items"))


def types_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    found = schema.get("type")
    if isinstance(found, str):
        return (found,)
    if isinstance(found, list):
        return tuple(found)
    return tuple(t for option in schema.get("anyOf", ()) for t in types_of(option))


def nothing(schema: Mapping[str, Any]) -> Any:
    """Return an empty value that the schema allows, null if possible."""
    types = types_of(schema)
    if "null" in types:
        return None
    if "object" in types:
        return {key: nothing(sub) for key, sub in schema.get("properties", {}).items()}
    if schema.get("enum"):
        return schema["enum"][0]
    return {"array": [], "string": "", "integer": 0, "number": 0, "boolean": False}.get(types[0] if types else "")


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Return whether a scalar or a list matches the types and the enum of a schema."""
    types, enum = types_of(schema), schema.get("enum")
    if enum and value not in enum:
        return False
    if isinstance(value, bool):
        return "boolean" in types
    if isinstance(value, int):
        return "integer" in types or "number" in types
    if isinstance(value, float):
        return "number" in types
    if isinstance(value, list):
        return "array" in types and all(fits(v, schema.get("items", {"type": "string"})) for v in value)
    return "string" in types if isinstance(value, str) else value is None and "null" in types
