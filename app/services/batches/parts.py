"""The dependencies of all steps of batches: stores, key pool, API, and prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.clock import Clock
from app.keypool.pricing import BATCH_TIER, Pricing
from app.keypool.snapshots import KeySnapshot
from app.keypool.spending import Budget, Bulk, Spent
from app.property.storage.database import Database
from app.property.storage.llm.batches import Candidate, Charges, LlmBatchStore
from app.property.storage.llm.requests import LlmRequestStore
from app.property.storage.llm.tables import LlmBatch
from app.services.batches.api import BatchApi
from app.services.keys.store import budget_of, pricing_of
from app.services.openai_client_manager import OpenAIClientManager
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    settings: Settings
    requests: LlmRequestStore
    batches: LlmBatchStore
    manager: OpenAIClientManager
    api: BatchApi
    budget: Budget
    price: Pricing
    clock: Clock

    def charges_of(self, chosen: Sequence[Candidate], model: str) -> Charges:
        """Return the estimated usage per batch of jobs: calls, tokens, and millionths of a US dollar."""
        found: dict[str, tuple[int, int, int]] = {}
        for each in chosen:
            calls, tokens, microusd = found.get(each.batch, (0, 0, 0))
            cost = self.cost_of(each, model)
            found[each.batch] = (calls + 1, tokens + each.input_tokens + each.output_tokens, microusd + cost)
        return found

    def cost_of(self, request: Candidate, model: str) -> int:
        """Return the maximum cost of a request in millionths of a US dollar."""
        given, made = request.input_tokens, request.output_tokens
        return self.price(model, given, made, BATCH_TIER, written=given)

    def usable_keys(self) -> list[KeySnapshot]:
        return [key for key in self.manager.get_snapshots() if key.state in ("closed", "half_open", "cooling")]

    def mask(self, key_id: str | None) -> str:
        """Return the key's mask for logs, or the key's id if the key is no longer configured."""
        return next((key.mask for key in self.manager.keys if key.key_id == key_id), str(key_id))


def open_parts(settings: Settings, database: Database, manager: OpenAIClientManager) -> Parts | None:
    """Return None if no OpenAI key is configured."""
    client = manager.get_client()
    if client is None:
        return None
    requests, batches = LlmRequestStore(database), LlmBatchStore(database)
    api = BatchApi(client, round(settings.openai.max_answer_megabytes * 1_000_000))
    budget, price = budget_of(settings), pricing_of(settings)
    return Parts(settings, requests, batches, manager, api, budget, price, database.clock)


def bulk_of(batch: LlmBatch) -> Bulk:
    """Convert a batch that has a key to a `Bulk`, which the pool's store can charge."""
    return Bulk(batch.id, batch.key_id or "", batch.model, spent_of(batch.charges))


def spent_of(charges: Mapping[str, tuple[int, ...]]) -> dict[str, Spent]:
    """Convert the amounts of each batch of jobs to a `Spent`."""
    return {payer: Spent(*amounts) for payer, amounts in charges.items()}
