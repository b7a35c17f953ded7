"""How a batch ends: its requests are answered or go back, the budgets are told, and its files are deleted."""

from __future__ import annotations

import logging
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any

import openai

from app.keypool.outcomes import Outcome
from app.keypool.spending import BulkResult, Spent
from app.property.storage.llm.batches import ModelBatch, ModelBatchState
from app.redaction import redact
from app.services.batches.parts import Parts, bulk_of, spent_of
from app.services.reports.metrics.instruments import MODEL_BATCH_REQUESTS

log = logging.getLogger(__name__)

#: how long files that cannot be deleted are tried again: they expire by themselves (`api.FILES_EXPIRE`)
_CLEANED_WITHIN = timedelta(days=1)
PAUSE_SECONDS = 60.0
_FOREVER_DEAD = frozenset({"dead", "draining", "gone"})


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing more can be done for so long."""

    seconds: float


class Ending:
    """The steps at the end of batches whose leases `owner` holds."""

    def __init__(self, parts: Parts, owner: str) -> None:
        self._parts = parts
        self._batches = parts.batches
        self._api = parts.api
        self._owner = owner

    def _dissolve(self, batch: ModelBatch, reason: str, *, counted: bool = True) -> ModelBatch:
        """It is not made, or came to nothing: its requests wait to be sent anew, and it costs nothing."""
        given = self._batches.give_back(batch.id, None, pause_seconds=self._pause_seconds, counted=counted)
        MODEL_BATCH_REQUESTS.labels("returned").inc(given)
        if batch.state is not ModelBatchState.RUNNING:
            log.warning("Batch %s of %d requests is not sent: %s", batch.id, given, reason)
        return self._end(batch, BulkResult(), error=reason[:500])

    def _lose(self, batch: ModelBatch, reason: str) -> ModelBatch:
        """What was sent may be billed, and nobody can tell: it stays charged, and the requests go out again."""
        given = self._batches.give_back(batch.id, None)
        MODEL_BATCH_REQUESTS.labels("lost").inc(given)
        log.error(
            "Batch %s (%s) is given up: %s. Its %d requests are sent again and may be billed twice; its files stay at"
            " OpenAI for three days",
            *(batch.id, batch.openai_id or "perhaps not made", reason, given),
        )
        return self._end(batch, BulkResult(spent_of(batch.charges)), error=reason, lost=True)

    def _result_of(self, batch: ModelBatch, failed: int) -> BulkResult:
        used = self._batches.used(batch.id)
        outcomes = {Outcome.SUCCESS: sum(each.calls for each in used), Outcome.REQUEST_FAULT: failed}
        return BulkResult(
            {u.batch: Spent(u.calls, u.prompt_tokens + u.completion_tokens, u.microusd, u.cached_tokens) for u in used},
            {outcome: count for outcome, count in outcomes.items() if count},
            sum(each.prompt_tokens for each in used),
            sum(each.completion_tokens for each in used),
        )

    def _end(
        self,
        batch: ModelBatch,
        result: BulkResult,
        *,
        files: dict[str, str | None] | None = None,
        error: str | None = None,
        lost: bool = False,
    ) -> ModelBatch:
        kept = {
            "used": {payer: astuple(spent) for payer, spent in result.used.items()},
            "outcomes": {outcome.value: count for outcome, count in result.outcomes.items()},
            "tokens": [result.input_tokens, result.output_tokens],
            "files": [file_id for file_id in (files or {}).values() if file_id is not None],
            "lost": lost,
        }
        ended_at = self._parts.clock.now()
        return self._note(batch, state=ModelBatchState.ENDED, result=kept, ended_at=ended_at, error=error)

    def _settle(self, batch: ModelBatch) -> ModelBatch:
        """The budgets know what it used. One that no key had was not charged either."""
        if batch.key_id is not None:
            kept = batch.result or {}
            given, made = kept["tokens"]
            outcomes = {Outcome(name): count for name, count in kept["outcomes"].items()}
            self._parts.manager.settle_bulk(bulk_of(batch), BulkResult(spent_of(kept["used"]), outcomes, given, made))
        return self._note(batch, state=ModelBatchState.SETTLED)

    def _clean_up(self, batch: ModelBatch) -> ModelBatch | Wait:
        """Nothing of the pages' text stays at OpenAI."""
        kept = batch.result or {}
        files = [file_id for file_id in (batch.input_file_id, *kept.get("files", ())) if file_id]
        since: datetime = batch.ended_at or batch.created_at
        try:
            for file_id in files if not kept.get("lost") else ():
                self._api.delete(batch.key_id or "", file_id)
        except openai.OpenAIError as exc:
            if self._parts.clock.now() < since + _CLEANED_WITHIN and self._state_of(batch.key_id or "") != "gone":
                log.warning("Files of batch %s could not be deleted yet: %s", batch.id, redact(str(exc)))
                return Wait(max(PAUSE_SECONDS, self._poll_seconds))
            log.error("Files of batch %s stay at OpenAI until they expire, in three days at most", batch.id)
        return self._note(batch, state=ModelBatchState.CLOSED)

    def _note(self, batch: ModelBatch, **change: Any) -> ModelBatch:
        return self._batches.note(batch.id, self._owner, **change)

    def _is_gone(self, batch: ModelBatch) -> bool:
        """Its key was taken out of the configuration."""
        return self._state_of(batch.key_id or "") == "gone"

    def _is_dead(self, batch: ModelBatch) -> bool:
        """Its key was refused, or taken out of the configuration."""
        return self._state_of(batch.key_id or "") in _FOREVER_DEAD

    def _state_of(self, key_id: str) -> str:
        """The key's state in the pool; "gone" if it is not configured."""
        configured = {key.key_id for key in self._parts.manager.keys}
        if key_id not in configured:
            return "gone"
        return next((found.state for found in self._parts.manager.get_snapshots() if found.key_id == key_id), "gone")

    @property
    def _poll_seconds(self) -> float:
        return self._parts.settings.openai.batch_poll_seconds

    @property
    def _pause_seconds(self) -> float:
        """How long a request that comes back waits before it is sent again."""
        return min(PAUSE_SECONDS, self._parts.settings.openai.batch_collect_seconds)
