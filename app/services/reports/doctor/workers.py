"""The checks of the workers and of the keys that they share."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from app.clock import Clock
from app.errors.broker import BrokerUnavailableError
from app.errors.keys import NoKeysError
from app.keypool.keys import load_keys
from app.property.storage.database import database_url
from app.services.keys.view import fleet_stats
from app.services.reports.doctor.broker import asked
from app.services.reports.doctor.courier import Courier
from app.services.reports.doctor.findings import Verdict, all_in_all, failed, skipped, warning
from app.services.runtime.heartbeats import HEALTH_THREADS, WorkerHeartbeat, health_file, read_heartbeats
from app.settings import Settings

#: more workers than this on one SQLite file wait for each other
_MANY_WORKERS = 4


class Fleet:
    """Who works: asked once, for all checks that want to know."""

    def __init__(self, settings: Settings, courier: Courier) -> None:
        self._settings = settings
        self._courier = courier
        self._lock = threading.Lock()
        self._consumers: Mapping[str, Collection[str]] | None = None

    def consumers(self) -> Mapping[str, Collection[str]]:
        """By node, the queues that it consumes. Raises `BrokerUnavailableError`."""
        with self._lock:
            if self._consumers is None:
                with asked(self._settings):
                    self._consumers = self._courier.consumers()
            return self._consumers

    def serves(self, queue: str) -> bool:
        return any(queue in queues for queues in self.consumers().values())

    def does_jobs(self) -> bool:
        """Raises `BrokerUnavailableError`."""
        return self.serves(self._courier.scrape_queue)

    def reports(self) -> bool:
        """Raises `BrokerUnavailableError`."""
        return self.serves(self._courier.health_queue)


def check_workers(settings: Settings, fleet: Fleet, clock: Clock) -> Verdict:
    """Who answers, who has left a heartbeat below this home, and whether jobs and reports are both served."""
    home = settings.state.propintel_home.expanduser()
    beats = {beat.node: beat for beat in read_heartbeats(home)}
    fresh = [node for node, beat in beats.items() if beat.is_fresh(clock.now())]
    try:
        nodes = fleet.consumers()
    except BrokerUnavailableError:
        return skipped(f"{len(fresh)} with a fresh heartbeat here; nobody can be asked, since Redis does not answer")
    said = f"{len(nodes)} answer ({', '.join(sorted(nodes))})" if nodes else "nobody answers"
    return all_in_all(
        said, [*_silent(home, beats, fresh, nodes), *_unserved(fleet, nodes, fresh), *_too_many(settings, nodes)]
    )


def _silent(
    home: Path, beats: Mapping[str, WorkerHeartbeat], fresh: Collection[str], nodes: Collection[str]
) -> Iterator[Verdict]:
    for node, beat in beats.items():
        if node in fresh and node not in nodes:
            yield warning(
                f"{node} is alive here but does not answer: it is busy in its one process, or has lost its broker",
                f"See its log if this lasts (process {beat.pid}).",
            )
        elif node not in fresh and node not in nodes:
            yield warning(
                f"{node} left its last heartbeat at {beat.at:%Y-%m-%d %H:%M:%S} UTC: it was killed, or hangs",
                f"Start it again (it was process {beat.pid}); is it gone for good, delete {health_file(home, node)}.",
            )


def _unserved(fleet: Fleet, nodes: Collection[str], fresh: Collection[str]) -> Iterator[Verdict]:
    if not nodes and not fresh:
        yield failed("no worker runs", "Run `propintel up`, or `celery -A worker worker`.")
        return
    if nodes and not fleet.does_jobs():
        yield failed("nobody does jobs (queue scrape)", "Run `celery -A worker worker`.")
    if nodes and not fleet.reports():
        remedy = f"Run `celery -A worker worker -Q health --pool=threads --concurrency={HEALTH_THREADS}`."
        yield failed("nobody reports and recovers (queue health)", remedy)


def _too_many(settings: Settings, nodes: Collection[str]) -> Iterator[Verdict]:
    if not database_url(settings).startswith("sqlite"):
        return
    hosts = {node.rpartition("@")[2] for node in nodes}
    if len(hosts) > 1:
        yield failed(
            f"they run on {len(hosts)} machines, but SQLite is a file on one",
            "Set DATABASE_URL to one PostgreSQL for all.",
        )
    elif len(nodes) > _MANY_WORKERS:
        yield warning("so many wait for each other at SQLite", "Set DATABASE_URL to a PostgreSQL.")


def check_keys(settings: Settings) -> Verdict:
    """How many keys, and how many of them take requests, by what the fleet has seen; the API is not asked."""
    keys = load_keys(settings).keys
    if not keys:
        return warning("no key: jobs are done with what the page itself says", str(NoKeysError.remedy))
    try:
        with asked(settings):
            pass
    except BrokerUnavailableError:
        return skipped(f"{len(keys)} configured; what the fleet knows of them is in Redis, which does not answer")
    stats = fleet_stats(settings)
    said = f"{stats['healthy_keys']} of {stats['total_keys']} healthy, {stats['rotation_strategy']}"
    resting = [f"{mask} is {key['state']}" for mask, key in stats["keys"].items() if key["circuit_open"]]
    if not resting:
        return all_in_all(said, [])
    judge = warning if stats["healthy_keys"] else failed
    return all_in_all(said, [judge(", ".join(resting), "`propintel keys check` asks the API about every key.")])
