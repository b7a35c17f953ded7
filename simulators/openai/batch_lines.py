"""Check the lines of a batch's input file, and describe unanswered lines."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from simulators.openai import bodies
from simulators.openai.protocol import ApiError

LARGEST_FILE = 200 * 1024 * 1024
MOST_LINES = 50_000


def read_lines(content: bytes, endpoint: str) -> tuple[list[Mapping[str, Any]], list[dict[str, Any]]]:
    """Return the valid request lines of a file, and the errors of the file and of its other lines."""
    if len(content) > LARGEST_FILE:
        return [], [_fault(None, "file_too_large", "The batch input file is larger than the 200 MB maximum.")]
    lines: list[Mapping[str, Any]] = []
    faults = list(_faults(content, endpoint, lines))
    if not lines and not faults:
        faults = [_fault(None, "empty_file", "The batch input file is empty.")]
    if len(lines) > MOST_LINES:
        faults.append(_fault(None, "too_many_tasks", f"The batch contains too many tasks: at most {MOST_LINES:,}."))
    return lines, faults


def _faults(content: bytes, endpoint: str, lines: list[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    seen: set[str] = set()
    for number, raw in enumerate(content.splitlines(), start=1):
        try:
            line = json.loads(raw)
        except ValueError:
            yield _fault(number, "invalid_json_line", "This line is not parseable as valid JSON.")
            continue
        body = line.get("body") if isinstance(line, dict) else None
        if not isinstance(body, dict) or not isinstance(line.get("custom_id"), str):
            yield _fault(number, "missing_required_parameter", "A line has a custom_id, a method, a url and a body.")
        elif line.get("method") != "POST" or line.get("url") != endpoint:
            yield _fault(number, "invalid_url", "The URL provided for this request does not match the batch endpoint.")
        elif line["custom_id"] in seen:
            yield _fault(number, "duplicate_custom_id", "The custom_id for this request is a duplicate.")
        elif lines and body.get("model") != lines[0]["body"].get("model"):
            yield _fault(number, "mismatched_model", "The provided model does not match that of the first request.")
        else:
            seen.add(line["custom_id"])
            lines.append(line)


def _fault(line: int | None, code: str, message: str) -> dict[str, Any]:
    return {"code": code, "line": line, "message": message, "param": None}


def model_of(lines: list[Mapping[str, Any]]) -> str | None:
    return str(lines[0]["body"].get("model")) if lines else None


def tokens_of_line(line: Mapping[str, Any]) -> float:
    """Return the line's estimated tokens, which count toward the limit on enqueued tokens."""
    try:
        return bodies.read_chat(line["body"]).characters / 4
    except ApiError:
        return 0.0


def unanswered(request_id: str, line: Mapping[str, Any], status: str) -> dict[str, Any]:
    text = {
        "expired": "This request could not be executed before the completion window expired.",
        "cancelled": "This request was cancelled before it could be executed.",
    }.get(status, "This request could not be executed.")
    error = {"code": f"batch_{status}", "message": text}
    return {"id": request_id, "custom_id": line["custom_id"], "response": None, "error": error}
