"""From parked requests to batches: what nobody wants is withdrawn, what has waited too long goes back, the rest is sent
together once there is enough of it or the oldest has waited long enough."""

from __future__ import annotations

import logging
from datetime import timedelta

from app.property.storage.llm.batches import ModelBatch
from app.property.storage.llm.requests import Parked
from app.services.batches.budgets import LINE_BYTES, choose
from app.services.batches.parts import Parts

log = logging.getLogger(__name__)

#: what a batch failed with that was more than the account may have enqueued
TOO_MANY_TOKENS = "token_limit_exceeded"
#: for so long a limit of enqueued tokens is remembered
_REMEMBERED = timedelta(days=1)
#: batches that one turn begins: the next one comes within seconds
_MOST_BEGUN = 20
_MEGABYTE = 1_000_000


def tidy(parts: Parts) -> dict[str, int]:
    """Take out of the parked requests what is not to be sent; -> how many of each kind."""
    requests = parts.requests
    found = {
        "withdrawn": requests.withdraw_unwanted(),
        "answered": requests.release_answered(),
        "overdue": requests.release_overdue(),
    }
    if found["overdue"]:
        log.warning(
            "%d economy requests had no batch within %d s; their jobs ask like any other",
            found["overdue"],
            parts.settings.openai.batch_max_wait_seconds,
        )
    return found


def collect(parts: Parts) -> list[ModelBatch]:
    """Begin batches of what is parked and ready to go."""
    begun: list[ModelBatch] = []
    for parked in parts.requests.parked():
        model: Parked | None = parked
        while model is not None and len(begun) < _MOST_BEGUN and _is_ready(parts, model):
            batch = _begin(parts, model.model)
            if batch is None:
                break
            begun.append(batch)
            log.info("A batch of %d requests to %s is sent", batch.requests, batch.model)
            model = next((left for left in parts.requests.parked() if left.model == parked.model), None)
    return begun


def _is_ready(parts: Parts, parked: Parked) -> bool:
    settings = parts.settings
    full = parked.requests >= settings.openai.batch_max_requests
    full = full or parked.body_bytes + parked.requests * LINE_BYTES >= _most_bytes(parts)
    waited = (parts.clock.now() - parked.oldest_at).total_seconds()
    return full or waited >= settings.openai.batch_collect_seconds


def _begin(parts: Parts, model: str) -> ModelBatch | None:
    candidates = parts.batches.candidates(model, parts.settings.openai.batch_max_requests)
    choice = choose(parts, candidates, model, most_bytes=_most_bytes(parts), most_tokens=_most_tokens(parts, model))
    if choice.never:
        parts.requests.release(choice.never)  # the ordinary call is refused too, and its note says why
    if not choice.chosen:
        return None
    return parts.batches.begin(model, choice.chosen, lambda taken: parts.charges_of(taken, model))


def _most_bytes(parts: Parts) -> int:
    return round(parts.settings.openai.batch_max_megabytes * _MEGABYTE)


def _most_tokens(parts: Parts, model: str) -> float:
    """After OpenAI said that too many tokens were enqueued: half of what that batch had, and more again as it goes."""
    since = parts.clock.now() - _REMEMBERED
    recent = [b for b in parts.batches.newest() if b.model == model and b.created_at >= since]
    if not any((b.error or "").startswith(TOO_MANY_TOKENS) for b in recent):
        return float("inf")
    for batch in recent:
        if (batch.error or "").startswith(TOO_MANY_TOKENS):
            return batch.tokens / 2
        if batch.status in ("in_progress", "finalizing", "completed"):
            return batch.tokens * 2.0
    return float("inf")
