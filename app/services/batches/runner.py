"""Run the steps of a batch: upload, create, poll, read, settle, clean up. The caller holds the batch's lease.

After a crash, OpenAI is asked for the batch before it is created again. If the batch's key no longer works, other keys
are tried, because any key of the same project can access the batch. If no key works, the batch is given up: its
requests are sent again, and may be billed twice.
"""

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any

import openai
from openai.types import Batch

from app.keypool.outcomes import Outcome
from app.keypool.spending import NOTHING, BulkResult, Spent
from app.plurals import counted
from app.property.storage.llm.tables import LlmBatch, LlmBatchState
from app.redaction import redact
from app.services.batches.api import ENDPOINT, FILES_EXPIRE
from app.services.batches.collecting import TOO_MANY_TOKENS
from app.services.batches.parts import Parts, bulk_of, spent_of
from app.services.batches.reading import read_results
from app.services.reports.metrics.instruments import MODEL_BATCH_REQUESTS

log = logging.getLogger(__name__)

#: If OpenAI does not list a batch this long after a failed attempt to create it, the batch is created again.
SETTLES = timedelta(seconds=30)
#: An unreachable batch is given up after this many poll intervals if its key was removed or OpenAI does not find it.
LOST_POLLS = 5
#: Minimum time before an unreachable batch is given up because its key was rejected (401). The key is probed again
#: after an hour (`breaker.Policy.dead_probe_us`). If the key works then, the batch can be read, and need not be paid
#: twice.
CONFIRMED_DEAD = timedelta(minutes=65)
#: An unreachable batch is given up after this time if no job waits for it or one of its requests has waited too long.
#: After this time, and OPENAI_BATCH_MAX_WAIT_SECONDS plus this time since its creation, a batch whose steps fail is
#: given up too.
_UNREACHABLE = timedelta(hours=1)
_MOST_ASKED = 50
#: OpenAI's statuses of ended batches. A gateway may use other statuses, which count as running.
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})
#: How long the deletion of files is retried. OpenAI deletes remaining files itself (`api.FILES_EXPIRE`).
_CLEANED_WITHIN = timedelta(days=1)
_PAUSE_SECONDS = 60.0
_REFUSED = (openai.RateLimitError, openai.AuthenticationError, openai.PermissionDeniedError)


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


class BatchRunner:
    def __init__(self, parts: Parts, owner: str) -> None:
        self._parts = parts
        self._batches = parts.batches
        self._api = parts.api
        self._owner = owner

    def advance(self, batch: LlmBatch) -> None:
        """Run all steps that are possible now, then release the lease.

        Raises `LeaseLostError`, `StoreError`, and `redis.RedisError`. After an error, the lease stays until it expires.
        """
        while True:
            try:
                after = self._step(batch)
            except openai.OpenAIError as exc:
                after = self._after(batch, exc)
            if isinstance(after, Wait):
                next_at = self._parts.clock.now() + timedelta(seconds=after.seconds)
                self._batches.release(batch.id, self._owner, next_at)
                return
            batch = after
            if batch.state is LlmBatchState.CLOSED:
                self._batches.release(batch.id, self._owner, None)
                return

    def _after(self, batch: LlmBatch, exc: openai.OpenAIError) -> LlmBatch | Wait:
        reason, now = redact(str(exc))[:500], self._parts.clock.now()
        since = batch.unreachable_since or now
        longest = timedelta(seconds=self._parts.settings.openai.batch_max_wait_seconds) + _UNREACHABLE
        unread = batch.state in (LlmBatchState.NEW, LlmBatchState.UPLOADED, LlmBatchState.RUNNING)
        if unread and now >= max(batch.created_at + longest, since + _UNREACHABLE):
            return self._lose(batch, reason)
        log.warning("Batch %s (%s) is retried later: %s", batch.id, batch.state, reason)
        self._note(batch, error=reason, unreachable_since=since)
        return Wait(max(_PAUSE_SECONDS, self._poll_seconds))

    def _step(self, batch: LlmBatch) -> LlmBatch | Wait:
        if batch.is_uncharged and not self._batches.worth_waiting(batch.id):
            return self._dissolve(batch, "no job waits for it any more", counted=False)
        steps = {
            LlmBatchState.NEW: self._upload,
            LlmBatchState.UPLOADED: self._create,
            LlmBatchState.RUNNING: self._look,
            LlmBatchState.ENDED: self._settle,
            LlmBatchState.SETTLED: self._clean_up,
        }
        return steps[batch.state](batch)

    # --- uploading and creating

    def _upload(self, batch: LlmBatch) -> LlmBatch | Wait:
        cap, more = self._parts.budget.key_day, sum(spent_of(batch.charges).values(), NOTHING)
        keys = frozenset(k.key_id for k in self._parts.usable_keys() if not cap.exceeded(k.spent_today, more))
        if not keys:
            return self._dissolve(batch, "no key has capacity for it now", counted=False)
        with tempfile.TemporaryFile() as content:
            for request_id, body in self._batches.bodies(batch.id):
                line = f'{{"custom_id":"{request_id}","method":"POST","url":"{ENDPOINT}","body":{body}}}\n'
                content.write(line.encode())
            content.seek(0)
            try:
                file_id, key_id = self._api.upload(f"propintel-{batch.id}.jsonl", content, keys)
            except _REFUSED as exc:
                # the pool no longer uses the rejected key, so the next attempt uses another one
                self._note(batch, error=redact(str(exc))[:500])
                return Wait(1.0 if self._parts.usable_keys() else _PAUSE_SECONDS)
            except openai.APIStatusError as exc:
                if exc.status_code >= 500:
                    raise
                return self._dissolve(batch, f"its file was refused: HTTP {exc.status_code}, {redact(exc.message)}")
        return self._note(batch, state=LlmBatchState.UPLOADED, input_file_id=file_id, key_id=key_id, error=None)

    def _create(self, batch: LlmBatch) -> LlmBatch | Wait:
        if batch.tried_at is not None:
            known = self._find(batch, batch.tried_at)
            if known is not None:
                return known
        detail = self._parts.manager.store.charge_bulk(bulk_of(batch))
        if detail is not None:
            return self._dissolve(batch, f"a budget has no room for it now ({detail})", counted=False)
        tried_before = batch.tried_at
        batch = self._note(batch, tried_at=self._parts.clock.now())
        try:
            made = self._api.create(batch.key_id or "", batch.input_file_id or "", batch.id)
        except _REFUSED:
            if not self._is_dead(batch):
                self._note(batch, tried_at=tried_before)
                raise
            return self._dissolve(batch, "its key was refused before it was created", counted=False)
        except openai.APIStatusError as exc:
            if exc.status_code >= 500:
                raise
            return self._dissolve(batch, f"it was refused: HTTP {exc.status_code}, {redact(exc.message)}")
        return self._made(batch, made)

    def _find(self, batch: LlmBatch, tried_at: datetime) -> LlmBatch | Wait | None:
        """Search OpenAI for the batch. Return `Wait` while it may still appear, and None if it was not created."""
        if self._is_dead(batch) and self._parts.clock.now() >= tried_at + CONFIRMED_DEAD:
            return self._lose(batch, "its key was refused while it was created")
        made = self._api.find(batch.key_id or "", batch.id, batch.created_at)
        if made is not None:
            log.info("Batch %s was created before its process ended; continuing as %s", batch.id, made.id)
            return self._made(batch, made)
        settles_in = (tried_at + SETTLES - self._parts.clock.now()).total_seconds()
        return Wait(settles_in) if settles_in > 0 else None

    def _made(self, batch: LlmBatch, made: Batch) -> Wait:
        log.info(
            "Batch %s: sent %s to %s as OpenAI batch %s with key %s",
            *(batch.id, counted(batch.requests, "request"), batch.model, made.id, self._parts.mask(batch.key_id)),
        )
        state, sent_at = LlmBatchState.RUNNING, self._parts.clock.now()
        change = {"state": state, "status": made.status, "sent_at": sent_at, "error": None, "unreachable_since": None}
        self._note(batch, openai_id=made.id, **change)
        return Wait(self._poll_seconds)

    # --- polling and reading

    def _look(self, batch: LlmBatch) -> LlmBatch | Wait:
        key_id, openai_id = batch.key_id or "", batch.openai_id or ""
        try:
            found = self._api.look(key_id, openai_id)
        except openai.OpenAIError as exc:
            return self._out_of_reach(batch, exc)
        change: dict[str, Any] = {"status": found.status, "unreachable_since": None, "error": None}
        if found.status not in _ENDED:
            now = self._parts.clock.now()
            if batch.cancelled_at is None and not self._batches.worth_waiting(batch.id):
                log.info("Batch %s is canceled: no job waits for it any more", batch.id)
                self._api.cancel(key_id, openai_id)
                change["cancelled_at"] = now
            batch = self._note(batch, **change)
            if now >= batch.created_at + FILES_EXPIRE:
                return self._lose(batch, "it did not end before its files expired")
            return Wait(self._poll_seconds)
        if found.status == "failed":
            # OpenAI bills nothing for a failed batch
            reason = "failed: OpenAI gave no reason"
            if found.errors and found.errors.data:
                error = found.errors.data[0]
                reason = f"{error.code or 'failed'}: {redact(error.message or '')[:500]}"
            log.warning("Batch %s failed and its requests are sent again: %s", batch.id, reason)
            batch = self._note(batch, **change)
            return self._dissolve(batch, reason, counted=not reason.startswith(TOO_MANY_TOKENS))
        return self._read(batch, found, change)

    def _read(self, batch: LlmBatch, found: Batch, change: dict[str, Any]) -> LlmBatch:
        try:
            tally = read_results(self._parts, batch, found, batch.key_id or "", pause_seconds=self._pause_seconds)
        except openai.NotFoundError:
            return self._lose(batch, "its result files were deleted")
        errors = "; ".join(f"{code}: {text}" for code, text in tally.messages.items())
        log.info(
            "Batch %s is %s: requests answered %d, failed %d, sent again %d%s",
            *(batch.id, found.status, tally.answered, tally.failed, tally.returned, f" ({errors})" if errors else ""),
        )
        files = [file_id for file_id in (found.output_file_id, found.error_file_id) if file_id is not None]
        batch = self._note(batch, **{**change, "error": errors[:500] or None})
        return self._end(batch, self._result_of(batch, tally.failed), files=files, error=errors[:500] or None)

    def _out_of_reach(self, batch: LlmBatch, exc: openai.OpenAIError) -> LlmBatch | Wait:
        now = self._parts.clock.now()
        refused = isinstance(exc, openai.AuthenticationError | openai.PermissionDeniedError | openai.NotFoundError)
        others = self._parts.usable_keys()
        if not refused and batch.key_id in {other.key_id for other in others}:
            others = []  # other keys would fail too, because the network or OpenAI failed
        for other in others[:_MOST_ASKED]:
            if other.key_id != batch.key_id and self._is_seen_by(other.key_id, batch):
                log.warning("Batch %s continues with key %s of the same project", batch.id, other.mask)
                return self._note(batch, key_id=other.key_id, unreachable_since=None, error=None)
        since = batch.unreachable_since or now
        batch = self._note(batch, unreachable_since=since, error=redact(str(exc))[:500])
        waited, looks = now - since, timedelta(seconds=LOST_POLLS * self._poll_seconds)
        if waited >= looks and (self._key_state(batch) == "gone" or isinstance(exc, openai.NotFoundError)):
            return self._lose(batch, "no key sees it any more")
        if waited >= max(looks, CONFIRMED_DEAD) and self._is_dead(batch):
            return self._lose(batch, "its key was refused, and no other key sees it")
        if waited >= _UNREACHABLE and not self._batches.worth_waiting(batch.id):
            return self._lose(batch, "it was unreachable for too long")
        log.warning("Batch %s is unreachable (%s)", batch.id, redact(str(exc)))
        return Wait(self._poll_seconds)

    def _is_seen_by(self, key_id: str, batch: LlmBatch) -> bool:
        try:
            self._api.look(key_id, batch.openai_id or "")
        except openai.OpenAIError:
            return False
        return True

    # --- ending

    def _dissolve(self, batch: LlmBatch, reason: str, *, counted: bool = True) -> LlmBatch:
        given = self._batches.give_back(batch, None, pause_seconds=self._pause_seconds, counted=counted)
        MODEL_BATCH_REQUESTS.labels("returned").inc(given)
        if batch.state is not LlmBatchState.RUNNING:
            log.warning("Batch %s (requests: %d) is not sent: %s", batch.id, given, reason)
        return self._end(batch, BulkResult(), error=reason[:500])

    def _lose(self, batch: LlmBatch, reason: str) -> LlmBatch:
        given = self._batches.give_back(batch, None)
        MODEL_BATCH_REQUESTS.labels("lost").inc(given)
        log.error(
            "Batch %s (%s) is given up: %s. Its requests (%d) are sent again and may be billed twice; its files stay at"
            " OpenAI for three days",
            *(batch.id, batch.openai_id or "possibly not created", reason, given),
        )
        return self._end(batch, BulkResult(spent_of(batch.charges)), error=reason, lost=True)

    def _result_of(self, batch: LlmBatch, failed: int) -> BulkResult:
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
        batch: LlmBatch,
        result: BulkResult,
        *,
        files: Sequence[str] = (),
        error: str | None = None,
        lost: bool = False,
    ) -> LlmBatch:
        result_row = {
            "used": {payer: astuple(spent) for payer, spent in result.used.items()},
            "outcomes": {outcome.value: count for outcome, count in result.outcomes.items()},
            "tokens": [result.input_tokens, result.output_tokens],
            "files": list(files),
            "lost": lost,
        }
        ended_at = self._parts.clock.now()
        return self._note(batch, state=LlmBatchState.ENDED, result=result_row, ended_at=ended_at, error=error)

    def _settle(self, batch: LlmBatch) -> LlmBatch:
        """Replace the batch's charges in the budgets by its actual usage. Only a batch with a key was charged."""
        if batch.key_id is not None:
            kept = batch.result or {}
            given, made = kept["tokens"]
            outcomes = {Outcome(name): count for name, count in kept["outcomes"].items()}
            self._parts.manager.store.settle_bulk(
                bulk_of(batch), BulkResult(spent_of(kept["used"]), outcomes, given, made)
            )
        return self._note(batch, state=LlmBatchState.SETTLED)

    def _clean_up(self, batch: LlmBatch) -> LlmBatch | Wait:
        """Delete the batch's files at OpenAI. The files of a batch that was given up expire."""
        kept = batch.result or {}
        files = [file_id for file_id in (batch.input_file_id, *kept.get("files", ())) if file_id]
        since: datetime = batch.ended_at or batch.created_at
        try:
            for file_id in files if not kept.get("lost") else ():
                self._api.delete(batch.key_id or "", file_id)
        except openai.OpenAIError as exc:
            if self._parts.clock.now() < since + _CLEANED_WITHIN and self._key_state(batch) != "gone":
                log.warning("Files of batch %s could not be deleted yet: %s", batch.id, redact(str(exc)))
                return Wait(max(_PAUSE_SECONDS, self._poll_seconds))
            log.error("Files of batch %s stay at OpenAI until they expire, in three days at most", batch.id)
        return self._note(batch, state=LlmBatchState.CLOSED)

    def _note(self, batch: LlmBatch, **change: Any) -> LlmBatch:
        return self._batches.note(batch.id, self._owner, **change)

    def _key_state(self, batch: LlmBatch) -> str:
        if batch.key_id not in {key.key_id for key in self._parts.manager.keys}:
            return "gone"
        found = self._parts.manager.get_snapshots()
        return next((each.state for each in found if each.key_id == batch.key_id), "gone")

    def _is_dead(self, batch: LlmBatch) -> bool:
        return self._key_state(batch) in ("dead", "draining", "gone")

    @property
    def _poll_seconds(self) -> float:
        return self._parts.settings.openai.batch_poll_seconds

    @property
    def _pause_seconds(self) -> float:
        return min(_PAUSE_SECONDS, self._parts.settings.openai.batch_collect_seconds)
