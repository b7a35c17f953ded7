"""Measure one store through the public functions of `app.property.storage`. Times are milliseconds."""

import itertools
import multiprocessing
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import select

from app.errors.storage import StoreError
from app.property.source_record import SourceRecord
from app.property.storage.database import Database
from app.property.storage.jobs.figures import read_job_figures
from app.property.storage.privacy.names_key import NamesKey
from app.property.storage.privacy.repository import PurgeStore
from app.property.storage.privacy.scope import PurgeKind
from app.property.storage.properties.repository import PropertyStore
from app.property.storage.properties.tables import Property
from app.services.privacy.retention import prune_pages, prune_values
from app.settings import Settings
from benchmarks.saving import save_record
from benchmarks.storage.filling import SPAN, fill
from benchmarks.storage.workload import FIRST, SAMPLE, home_number, readings
from benchmarks.workers.usage import Busy

WRITERS = (1, 4, 16)
_TIMES = 5
_LOOKUPS = 100
_START_SECONDS = 300.0
_BEFORE_SECONDS = 2.0
#: Forked processes start without importing modules again.
_PROCESSES = multiprocessing.get_context("fork")
_ready = _PROCESSES.Barrier(1)


def measure(url: str, observations: int, seconds: float) -> dict[str, Any]:
    """Fill an empty database, measure it, and return the figures. Each measurement of writers takes `seconds`."""
    with Busy() as before:
        time.sleep(_BEFORE_SECONDS)
    database, begun = _database(url), time.perf_counter()
    copies = fill(database, observations)
    took = round(time.perf_counter() - begun)
    found: dict[str, Any] = {"observations": observations, "homes": copies * SAMPLE, "fill_seconds": took}
    found["busy_before"] = before.cores
    settings, half = Settings.of(), (SPAN / 2).days
    halved = Settings.of(personal_data_retention_days=half, observation_retention_days=half)
    store, urls = PropertyStore(database), _urls(copies)
    with database.reading() as connection:
        some = connection.execute(select(Property.id).limit(100 * _LOOKUPS)).scalars().all()
    homes = iter(random.Random(3).choices(some, k=_LOOKUPS))

    def purge() -> None:
        PurgeStore(database).purge(PurgeKind.URL, next(urls), who="benchmark", dry_run=False)

    alone: dict[str, tuple[Callable[[], object], int]] = {
        "property": (lambda: store.get(next(homes)), _LOOKUPS),
        "metrics": (lambda: read_job_figures(database), _TIMES),
        "prune_values": (lambda: prune_values(settings, database), _TIMES),
        "prune_copies": (lambda: prune_pages(settings, database), _TIMES),
        "purge": (purge, _TIMES),
    }
    for name, (work, times) in alone.items():
        found[name] = _summary([_timed(work)[0] for _ in range(times)])
    for writers in WRITERS:
        found[f"writers_{writers}"] = _write(url, copies, writers, seconds)
    for name, work in (("purging", purge), ("pruning", lambda: prune_values(halved, database))):
        with _beside(work) as done:
            found[f"while_{name}"] = _write(url, copies, 1, seconds)
        found[f"while_{name}"]["beside"] = done.value
    database.close()
    return found


def _database(url: str) -> Database:
    return Database(url, names_key=NamesKey("benchmark" * 4))


def _timed(work: Callable[[], object]) -> tuple[float, bool]:
    """Return the duration, and whether the call failed, which happens after ten seconds of waiting for a lock."""
    begun, gave_up = time.perf_counter(), False
    try:
        work()
    except StoreError:
        gave_up = True
    return (time.perf_counter() - begun) * 1000, gave_up


def _summary(times: Sequence[float]) -> dict[str, float]:
    ranked = sorted(times)
    places = {"p50": len(ranked) // 2, "p99": len(ranked) * 99 // 100, "most": len(ranked) - 1}
    return {name: round(ranked[place], 2) for name, place in places.items()}


def _urls(copies: int) -> Iterator[str]:
    for place in itertools.cycle(range(SAMPLE)):
        for copy in range(place % 7, copies, 7):
            yield next(readings(home_number(copy, place), datetime.now(UTC))).url


@contextmanager
def _beside(work: Callable[[], object]) -> Iterator[Any]:
    over, done = _PROCESSES.Event(), _PROCESSES.Value("q", 0)

    def keep() -> None:
        while not over.is_set():
            _timed(work)
            done.value += 1

    child = _PROCESSES.Process(target=keep)
    child.start()
    try:
        yield done
    finally:
        over.set()
        child.join()


def _write(url: str, copies: int, writers: int, seconds: float) -> dict[str, Any]:
    global _ready  # noqa: PLW0603 (the writers inherit it)
    _ready = _PROCESSES.Barrier(writers)
    with ProcessPoolExecutor(writers, _PROCESSES) as pool:
        found = list(pool.map(partial(_save_pages, url, copies, writers, seconds), range(writers)))
    saves = [save for each, *_ in found for save in each]
    return {
        **_summary([ms for ms, _ in saves]),
        "per_second": round(len(saves) / max(took for _, took, *_ in found), 1),
        "gave_up": sum(gave_up for _, gave_up in saves),
        "cpu_ms": round(1000 * sum(cpu for *_, cpu, _ in found) / len(saves), 2),
        "busy": found[0][-1],
    }


def _save_pages(
    url: str, copies: int, writers: int, seconds: float, writer: int
) -> tuple[list[tuple[float, bool]], float, float, float]:
    database, pages, saves = _database(url), _pages(copies, writer, writers), list[tuple[float, bool]]()
    store = PropertyStore(database)
    _timed(partial(save_record, store, next(pages)))
    _ready.wait(_START_SECONDS)
    begun, cpu = time.perf_counter(), time.process_time()
    with Busy() as busy:
        while time.perf_counter() < begun + seconds:
            saves.append(_timed(partial(save_record, store, next(pages), edition="benchmark")))
    spent = time.perf_counter() - begun, time.process_time() - cpu
    database.close()
    return saves, *spent, busy.cores


def _pages(copies: int, writer: int, writers: int) -> Iterator[SourceRecord]:
    """Yield pages of new homes and new readings of stored homes in turn. The writers save different homes."""
    chance, mine = random.Random(), range(writer % copies, copies, writers)
    new = chance.randrange(10 * FIRST, 100 * FIRST)
    while True:
        new += 1
        yield from readings(new, datetime.now(UTC))
        known = home_number(chance.choice(mine), chance.randrange(SAMPLE))
        yield from readings(known, datetime.now(UTC), price=chance.randrange(200, 900) * 1_000)
