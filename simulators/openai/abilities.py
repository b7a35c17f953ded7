"""Simulate servers that accept fewer response formats, or only one name for the limit of the answer's length."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from simulators.openai.answers import Answer, answer
from simulators.openai.bodies import ModelRequest
from simulators.openai.config import ServerConfig
from simulators.openai.protocol import bad_request

_FORMATS = {"all": ("json_schema", "json_object", "text"), "json_object": ("json_object", "text"), "text": ("text",)}


def as_accepted(asked: ModelRequest, server: ServerConfig) -> ModelRequest:
    """Return the request without what `server` ignores. Raises `ApiError` 400 if it rejects the request."""
    unknown = asked.limit if server.limits not in ("both", asked.limit) else ""
    if unknown and not server.ignores_unknown:
        other = f" Use '{server.limits}' instead."
        message = f"Unsupported parameter: '{unknown}' is not supported with this model.{other}"
        raise bad_request(message, unknown, "unsupported_parameter")
    takes_format = asked.format in _FORMATS[server.formats]
    if not takes_format and not server.ignores_unknown:
        message = f"Invalid parameter: 'response_format' of type '{asked.format}' is not supported with this model."
        raise bad_request(message, "response_format")
    schema = (asked.schema if takes_format else None) or schema_in(asked.instruction)
    as_json = asked.as_json and takes_format
    return replace(asked, max_tokens=0.0 if unknown else asked.max_tokens, schema=schema, as_json=as_json)


def answer_to(asked: ModelRequest, mode: str, server: ServerConfig) -> Answer:
    reasoning = server.reasoning_tokens
    return answer(
        asked.text, asked.schema, as_json=asked.as_json, mode=mode, max_tokens=asked.max_tokens, reasoning=reasoning
    )


def schema_in(instruction: str) -> Mapping[str, Any] | None:
    """Return the JSON schema with which an instruction ends; None if there is none."""
    start = instruction.find('{"type":"object"')
    try:
        return dict(json.loads(instruction[start:])) if start >= 0 else None
    except ValueError:
        return None
