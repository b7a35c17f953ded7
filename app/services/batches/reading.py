"""Read result files and store each line as the outcome of its request. A file can be read again."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import batched
from typing import Any

from openai.types import Batch

from app.keypool.pricing import BATCH_TIER
from app.keypool.wire import TokensUsed, read_usage
from app.property.storage.llm.batches import Answered
from app.property.storage.llm.tables import LlmBatch
from app.redaction import redact
from app.services.batches.parts import Parts
from app.services.reports.metrics.instruments import MODEL_BATCH_REQUESTS

log = logging.getLogger(__name__)

#: Client errors (4xx) after which a request is sent again. After other 4xx errors, it fails.
_PASSING = frozenset({408, 409, 425, 429})
_AT_ONCE = 200


@dataclass(slots=True)
class Tally:
    """Numbers of a batch's requests by outcome. `returned` requests are sent again."""

    answered: int = 0
    failed: int = 0
    returned: int = 0
    messages: dict[str, str] = field(default_factory=dict)


def read_results(parts: Parts, batch: LlmBatch, found: Batch, key_id: str, *, pause_seconds: float) -> Tally:
    """Store every line of the output and error files. Requests without a line are sent again.

    Raises errors of the SDK and of the database. After an error, call this again.
    """
    tally = Tally()
    for file_id in (found.output_file_id, found.error_file_id):
        if file_id is not None:
            for lines in batched(parts.api.lines(key_id, file_id), _AT_ONCE):
                _take(parts, batch, lines, tally, pause_seconds)
    left = parts.batches.give_back(batch, None, pause_seconds=pause_seconds)
    MODEL_BATCH_REQUESTS.labels("returned").inc(left)
    tally.returned += left
    return tally


def _take(parts: Parts, batch: LlmBatch, lines: Iterable[Mapping[str, Any]], tally: Tally, pause: float) -> None:
    answers: list[Answered] = []
    failures: dict[str, tuple[str, str]] = {}
    again: list[str] = []
    for line in lines:
        request_id, response = str(line.get("custom_id") or ""), _mapping(line.get("response"))
        body, status = _mapping(response.get("body")), response.get("status_code")
        if status == 200:
            used = read_usage(body.get("usage")) or TokensUsed(0, 0, 0)
            tokens = {"cached": used.cached, "written": used.written}
            cost = parts.price(batch.model, used.input, used.output, BATCH_TIER, **tokens)
            answers.append(Answered(request_id, body, used.input, used.output, cost, used.cached))
            continue
        status = status if isinstance(status, int) else 0
        code, message = _error_of(line, status, body)
        tally.messages[code] = message
        if 400 <= status < 500 and status not in _PASSING:
            failures[request_id] = (code, message)
        else:
            again.append(request_id)
    given = parts.batches.answer(batch.id, answers)
    failed = parts.batches.fail(batch.id, failures) if failures else 0
    returned = parts.batches.give_back(batch, again, pause_seconds=pause) if again else 0
    for outcome, count in (("answered", given), ("failed", failed), ("returned", returned)):
        MODEL_BATCH_REQUESTS.labels(outcome).inc(count)
    tally.answered, tally.failed = tally.answered + len(answers), tally.failed + len(failures)
    tally.returned += returned


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}


def _error_of(line: Mapping[str, Any], status: int, body: Mapping[str, Any]) -> tuple[str, str]:
    for error in (body.get("error"), line.get("error")):
        if isinstance(error, Mapping):
            code = error.get("code") or error.get("type") or f"http_{status}"
            return str(code)[:64], redact(str(error.get("message") or ""))[:500]
    return f"http_{status}", ""
