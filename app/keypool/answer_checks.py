"""Check that a response has what the API promises for its endpoint, so that no SDK or caller stumbles over it.

Unknown members and endpoints are not checked, because servers differ.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from app.keypool.wire import MAX_TOKENS

_MAX_DEPTH = 64
#: A JSON value may take a hundred bytes of memory, so an answer may have one value per this many bytes of its limit.
_MIN_BYTES_PER_VALUE = 16
_MAX_NAME_CHARS = 200

Check = Callable[[Any], bool]


def _reject(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_reject)


def parse_json(raw: bytes | str, *, most_bytes: int | None = None) -> Any:
    """Parse JSON that any standard parser and encoder can process. `most_bytes` is the limit that `raw` was read with.

    Raises `ValueError` for invalid JSON or UTF-8, nesting deeper than 64 levels, numbers beyond Python's limits, lone
    surrogates, and too many values.
    """
    text = raw if isinstance(raw, str) else raw.decode("utf-8-sig")
    openings = text.count("[") + text.count("{")
    if most_bytes is not None and openings + text.count(",") > most_bytes / _MIN_BYTES_PER_VALUE:
        raise ValueError("it has too many values")
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if openings > _MAX_DEPTH and _is_too_deep(value):
        raise ValueError("it is nested too deeply")
    if "\\ud" in text or "\\uD" in text:
        json.dumps(value, ensure_ascii=False).encode()  # raises UnicodeEncodeError
    return value


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


# --- shapes


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _name(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_NAME_CHARS


def _id(value: Any) -> bool:
    return _name(value) and value != ""


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS


def _maybe(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _each(check: Check, at_least: int = 0) -> Check:
    return lambda value: isinstance(value, list) and len(value) >= at_least and all(map(check, value))


def _has(**members: Check) -> Check:
    return lambda value: isinstance(value, dict) and all(check(value.get(name)) for name, check in members.items())


_any_object = _has()
_message = _has(content=_maybe(_text), refusal=_maybe(_text))
_chat = _has(
    choices=_each(_has(message=_message, finish_reason=_maybe(_text)), at_least=1),
    model=_maybe(_name),
    service_tier=_maybe(_name),
)
_response = _has(
    output=_each(_has(type=_text)),
    model=_maybe(_name),
    service_tier=_maybe(_name),
    status=_maybe(_text),
    error=_maybe(_has(message=_maybe(_text), code=_maybe(_text))),
    incomplete_details=_maybe(_has(reason=_maybe(_text))),
)
_batch = _has(
    id=_id,
    status=_text,
    created_at=_number,
    output_file_id=_maybe(_id),
    error_file_id=_maybe(_id),
    errors=_maybe(_has(data=_maybe(_each(_has(code=_maybe(_text), message=_maybe(_text)))))),
    metadata=_maybe(_any_object),
)
_EXPECTED: tuple[tuple[str, re.Pattern[str], str, Check], ...] = (
    ("POST", re.compile(r"/chat/completions$"), "a chat completion", _chat),
    ("POST", re.compile(r"/completions$"), "a completion", _has(choices=_each(_any_object, at_least=1))),
    ("POST", re.compile(r"/responses$"), "a response", _response),
    ("POST", re.compile(r"/embeddings$"), "a list of embeddings", _has(data=_each(_any_object, at_least=1))),
    ("GET", re.compile(r"/models$"), "a list of models", _has(data=_each(_has(id=_id)))),
    ("POST", re.compile(r"/files$"), "a file", _has(id=_id)),
    ("GET", re.compile(r"/batches$"), "a list of batches", _has(data=_each(_batch))),
    ("POST", re.compile(r"/batches(/[^/]+/cancel)?$"), "a batch", _batch),
    ("GET", re.compile(r"/batches/[^/]+$"), "a batch", _batch),
)
_USAGE = _has(
    **dict.fromkeys(("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens"), _maybe(_count)),
    total_tokens=_maybe(_count),
    **dict.fromkeys(("prompt_tokens_details", "input_tokens_details"), _maybe(_has(cached_tokens=_maybe(_count)))),
    **dict.fromkeys(
        ("completion_tokens_details", "output_tokens_details"), _maybe(_has(reasoning_tokens=_maybe(_count)))
    ),
)
_plain = _maybe(lambda value: isinstance(value, str | int | float))
_error = _has(message=_plain, type=_plain, code=_plain, param=_plain)


def expected_answer(method: str, path: str) -> tuple[str, Check] | None:
    """Return the name and the check of an endpoint's response, or None if the endpoint is not known."""
    return next((x[2:] for x in _EXPECTED if x[0] == method and x[1].search(path)), None)


def is_well_formed_error(body: Mapping[str, Any]) -> bool:
    """Return whether the members of an error, which callers compare with texts, are no lists or objects."""
    error = body.get("error", body)
    return isinstance(error, str) or _error(error)


def has_odd_usage(body: Mapping[str, Any]) -> bool:
    """Return whether `usage` is given, but cannot be used."""
    return not _maybe(_USAGE)(body.get("usage"))
