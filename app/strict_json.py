"""Parse strict JSON (RFC 8259 and I-JSON, RFC 7493): reject JSON that other programs might parse differently."""

import json
from typing import Any, NoReturn


def parse(body: bytes) -> Any:
    """Parse UTF-8 JSON. Duplicate names, NaN, huge numbers, and deep nesting raise `json.JSONDecodeError`, too."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise json.JSONDecodeError("the body is not UTF-8", "", exc.start) from None
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise json.JSONDecodeError("brackets are nested too deep", "", 0) from None
    except ValueError:  # Python rejects integers with more than 4,300 digits
        raise json.JSONDecodeError("a number has thousands of digits", "", 0) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise json.JSONDecodeError("an object has a duplicate name", "", 0)
    return found


def _constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is not a JSON number", "", 0)
