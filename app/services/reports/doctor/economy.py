"""What is wrong with questions that wait for batches of the model, and with the batches."""

from __future__ import annotations

from collections.abc import Iterator

from app.property.storage.database import Database
from app.property.storage.llm.batches import ModelBatchStore
from app.property.storage.llm.requests import ModelRequestStore
from app.services.reports.doctor.findings import Verdict, warning
from app.settings import Settings

#: beat looks every ten seconds; what should have been sent so long ago is not going to be
_LATE_SECONDS = 900.0


def economy_verdicts(database: Database, settings: Settings) -> Iterator[Verdict]:
    """Nothing, if nothing waits or all goes well."""
    clock = database.clock
    waits = [(clock.now() - parked.oldest_at).total_seconds() for parked in ModelRequestStore(database).parked()]
    longest = max(waits, default=0.0)
    if longest > settings.openai.batch_collect_seconds + _LATE_SECONDS:
        yield warning(
            f"economy requests wait for {longest / 60:.0f} min and no batch is made of them",
            "See that beat and a worker run, and that a budget and a key have room; the worker's log says why.",
        )
    for batch in ModelBatchStore(database).under_way():
        if batch.unreachable_since is not None:
            minutes = (clock.now() - batch.unreachable_since).total_seconds() / 60
            yield warning(
                f"no key has reached {batch.openai_id or batch.id} of {batch.requests} requests for {minutes:.0f} min",
                "Give the pool a key of the project that the batch was made in, or wait: its requests are sent again.",
            )
