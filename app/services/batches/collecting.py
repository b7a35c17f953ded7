"""Collect parked model requests into batches.

Requests that no job waits for are withdrawn. Overdue requests return to their jobs, which make normal calls. The other
requests are sent when they fill a batch or the oldest has waited long enough, if the budgets allow it. The budget check
here only avoids useless uploads; the batch is charged later (`charge_bulk`).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from app.keypool.snapshots import KeySnapshot
from app.keypool.spending import NOTHING, Cap, Spent
from app.plurals import counted
from app.property.storage.llm.batches import Candidate
from app.property.storage.llm.requests import Parked
from app.property.storage.llm.tables import LlmBatch
from app.services.batches.parts import Parts, spent_of

log = logging.getLogger(__name__)

#: OpenAI's error code for a batch that exceeds the organization's limit of enqueued tokens.
TOO_MANY_TOKENS = "token_limit_exceeded"
#: How long a `TOO_MANY_TOKENS` error limits the size of new batches.
_REMEMBERED = timedelta(days=1)
#: A batch's requests must reach their maximum wait within this time of the first one, because a late request cancels
#: its batch.
_SPREAD = timedelta(hours=1)
_MOST_BEGUN = 20
_MEGABYTE = 1_000_000
#: Assumed number of bytes of an input line, besides the request's body.
_LINE_BYTES = 192


def tidy(parts: Parts) -> None:
    parts.requests.withdraw_unwanted()
    parts.requests.release_answered()
    if overdue := parts.requests.release_overdue():
        seconds = parts.settings.openai.batch_max_wait_seconds
        requests = counted(overdue, "economy request")
        log.warning("%s had no batch within %d s: sent as normal calls", requests, seconds)


def collect(parts: Parts) -> list[LlmBatch]:
    """Create and return batches of the parked requests that are ready to be sent."""
    begun: list[LlmBatch] = []
    for parked in parts.requests.parked():
        model: Parked | None = parked
        while model is not None and len(begun) < _MOST_BEGUN and _is_ready(parts, model):
            chosen, never = _choose(parts, model.model)
            if never:
                parts.requests.release(never)
            if not chosen:
                break
            batch = parts.batches.begin(model.model, chosen, partial(parts.charges_of, model=model.model))
            if batch is None:
                break
            begun.append(batch)
            log.info("Sending a batch of %s to %s", counted(batch.requests, "request"), batch.model)
            model = next((left for left in parts.requests.parked() if left.model == parked.model), None)
    return begun


def _is_ready(parts: Parts, parked: Parked) -> bool:
    settings = parts.settings.openai
    is_full = parked.requests >= settings.batch_max_requests
    is_full = is_full or parked.body_bytes + parked.requests * _LINE_BYTES >= _most_bytes(parts)
    return is_full or (parts.clock.now() - parked.oldest_at).total_seconds() >= settings.batch_collect_seconds


@dataclass(slots=True)
class _RemainingBudgets:
    """The usage of the budgets so far: of the day, of the least used key, and of each batch of jobs."""

    parts: Parts
    day: Spent
    key: Spent
    batches: dict[str, Spent] = field(default_factory=dict)

    def takes(self, more: Spent, payer: str) -> bool | None:
        """Add a request's cost `more` to the usage, and return True. Return False if a daily budget is too small.

        Return None if the budget of `payer`, the request's batch of jobs, is too small, so that the request can never
        be sent.
        """
        of_batch = self.batches.get(payer)
        if of_batch is None:
            of_batch = self.batches[payer] = self.parts.manager.store.spent(payer)
        budget = self.parts.budget
        if budget.batch.exceeded(of_batch, more):
            return None
        if budget.day.exceeded(self.day, more) or budget.key_day.exceeded(self.key, more):
            return False
        self.batches[payer] = of_batch + more
        self.day, self.key = self.day + more, self.key + more
        return True


def _choose(parts: Parts, model: str) -> tuple[list[Candidate], list[str]]:
    keys = parts.usable_keys()
    if not keys:
        return [], []
    remaining, most_bytes, most_tokens = _remaining(parts, keys), _most_bytes(parts), _most_tokens(parts, model)
    chosen: list[Candidate] = []
    never: list[str] = []
    size, tokens = 0, 0.0
    for each in parts.batches.candidates(model, parts.settings.openai.batch_max_requests):
        larger, more_tokens = size + each.body_bytes + _LINE_BYTES, tokens + each.input_tokens
        if chosen and (larger > most_bytes or more_tokens > most_tokens):
            break
        if chosen and each.give_up_at > chosen[0].give_up_at + _SPREAD:
            break
        more = Spent(1, each.input_tokens + each.output_tokens, parts.cost_of(each, model))
        taken = remaining.takes(more, each.batch)
        if taken:
            chosen.append(each)
            size, tokens = larger, more_tokens
        elif taken is None:
            never.append(each.id)
    return chosen, never


def _remaining(parts: Parts, keys: Sequence[KeySnapshot]) -> _RemainingBudgets:
    owed: dict[str, Spent] = {}
    for batch in parts.batches.under_way():
        for payer, more in spent_of(batch.charges).items() if batch.is_uncharged else ():
            owed[payer] = owed.get(payer, NOTHING) + more
    all_owed, cap = sum(owed.values(), NOTHING), parts.budget.key_day
    least_used = Spent() if cap == Cap() else min((k.spent_today for k in keys), key=lambda spent: _share(cap, spent))
    batches = {payer: parts.manager.store.spent(payer) + more for payer, more in owed.items()}
    return _RemainingBudgets(parts, parts.manager.store.spent() + all_owed, least_used + all_owed, batches)


def _share(cap: Cap, spent: Spent) -> float:
    pairs = ((cap.calls, spent.calls), (cap.tokens, spent.tokens), (cap.microusd, spent.microusd))
    return max((used / max(1, most) for most, used in pairs if most is not None), default=0.0)


def _most_bytes(parts: Parts) -> int:
    return round(parts.settings.openai.batch_max_megabytes * _MEGABYTE)


def _most_tokens(parts: Parts, model: str) -> float:
    """Return the maximum number of tokens per batch.

    There is no limit unless OpenAI rejected one of the model's batches in the last day for too many enqueued tokens.
    After a rejection, the limit is half the tokens of the rejected batch, or twice the tokens of a newer batch that
    OpenAI accepted.
    """
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
