"""Check what processes share: Redis, Celery beat, clocks, keys, and workers."""

import timeit
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from app.clock import Clock
from app.errors import PropertyIntelligenceError
from app.errors.broker import BrokerUnavailableError
from app.errors.keys import NoKeysError
from app.keypool.keys import load_keys
from app.property.storage.database import database_url
from app.property.storage.inspection import inspect_database
from app.redaction import shown_url
from app.redis.embedded_valkey import broker_url, quick_connection
from app.services.keys.view import fleet_stats
from app.services.reports.doctor.findings import Finding, combined, failed, ok, skipped, warning
from app.services.runtime.heartbeats import MAINTENANCE_THREADS, heartbeat_file, read_heartbeats
from app.settings import Settings

_ANSWER_SECONDS = 2.0
#: Warn if Redis takes longer than this to reply, because every model call needs a round trip to Redis.
_SLOW_MS = 50.0
_PINGS = 5
_NEARLY_FULL = 0.9
_LATE_SECONDS = 30.0
#: If clocks differ by more than this, heartbeats may look old, and new tokens may be rejected.
_CLOCK_SECONDS = 5.0
#: If more workers than this share one SQLite file, they often wait for each other's locks.
_MANY_WORKERS = 4


@dataclass(frozen=True, slots=True)
class CeleryFacts:
    """What the doctor needs to know of Celery: names of queues and of Redis keys, and which queues the workers consume.

    `consumers()` asks all workers through the broker, and returns the queues of each by its node name (`celery@host`).
    """

    consumers: Callable[[], Mapping[str, Collection[str]]]
    scrape_queue: str
    maintenance_queue: str
    beat_prefix: str
    beat_lock: str
    beat_schedule: str

    def is_served(self, settings: Settings, queue: str) -> bool:
        """Return whether a worker consumes `queue`. Raises `BrokerUnavailableError` if Redis does not answer."""
        with quick_connection(settings, _ANSWER_SECONDS):
            return any(queue in queues for queues in self.consumers().values())


def check_redis(settings: Settings) -> Finding:
    """Check that Redis accepts writes, replies fast, and persists its data."""
    with quick_connection(settings, _ANSWER_SECONDS) as connection:
        milliseconds = 1000 * min(timeit.repeat(connection.ping, number=1, repeat=_PINGS))
        info = cast(Mapping[str, Any], connection.info())
    name, version = "Redis", info.get("redis_version", "of an unknown version")
    if "valkey_version" in info:
        name, version = "Valkey", info["valkey_version"]
    detail = f"{name} {version} at {shown_url(broker_url(settings))} answers in {milliseconds:.2f} ms"
    return combined(detail, _redis_complaints(info, milliseconds))


def _redis_complaints(info: Mapping[str, Any], milliseconds: float) -> Iterator[Finding]:
    if info.get("role") in ("slave", "replica"):
        yield failed("it is a replica, which takes no writes", "Set REDIS_URL to the primary.")
    if (policy := info.get("maxmemory_policy", "noeviction")) != "noeviction":
        detail = f"maxmemory-policy is {policy}: if memory runs out, Redis deletes messages and the keys' state"
        yield warning(detail, "Set `maxmemory-policy noeviction`.")
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if most and used > _NEARLY_FULL * most:
        yield warning(f"{used / most:.0%} of its maxmemory are used", "Raise `maxmemory`.")
    if not int(info.get("aof_enabled", 1)):
        remedy = "Set `appendonly yes`; jobs are recovered from the database in any case."
        yield warning("appendonly is off: a restart loses messages and the keys' state", remedy)
    elif info.get("aof_last_write_status", "ok") != "ok":
        yield failed("its append-only file cannot be written", "Check the disk of the Redis machine.")
    if milliseconds > _SLOW_MS:
        yield warning("this slows down every model call", "Use a Redis closer to the workers.")


def check_beat(settings: Settings, celery: CeleryFacts, clock: Clock) -> Finding:
    try:
        with quick_connection(settings, _ANSWER_SECONDS) as connection:
            held = bool(connection.exists(celery.beat_lock))
            due = cast(list[tuple[bytes, float]], connection.zrange(celery.beat_schedule, 0, 0, withscores=True))
    except BrokerUnavailableError:
        return skipped("beat's lock is in Redis, which does not answer")
    if not held:
        remedy = "Run `propintel up`, or `celery -A worker beat` beside the workers."
        return failed("no beat runs, so reports and the recovery of lost jobs do not run", remedy)
    if not due:
        return warning("beat holds its lock but has no schedule", "See beat's log, and restart it.")
    late = clock.now().timestamp() - due[0][1]
    if late > _LATE_SECONDS:
        name = due[0][0].decode(errors="replace").removeprefix(celery.beat_prefix)
        detail = f"beat holds its lock but {name} has been due for {late:.0f} s"
        return warning(detail, "See beat's log, and restart it.")
    return ok("one beat holds the schedule and sends due tasks")


def check_clock(settings: Settings, clock: Clock) -> Finding:
    def redis_time() -> datetime:
        with quick_connection(settings, _ANSWER_SECONDS) as connection:
            seconds, microseconds = connection.time()
        return datetime.fromtimestamp(seconds + microseconds / 1_000_000, UTC)

    asks: Mapping[str, Callable[[], datetime | None]] = {
        "Redis": redis_time,
        "PostgreSQL": lambda: inspect_database(database_url(settings)).now,
    }
    offsets: dict[str, float] = {}
    for name, ask in asks.items():
        with suppress(PropertyIntelligenceError):
            before = clock.now()
            # Cristian's algorithm: assume that the server read its clock in the middle of the call
            if (theirs := ask()) is not None:
                offsets[name] = (before + (clock.now() - before) / 2 - theirs).total_seconds()
    if not offsets:
        return skipped("there is no other clock to compare with")
    detail = ", ".join(f"{seconds:+.1f} s from {name}'s" for name, seconds in offsets.items())
    far = [name for name, seconds in offsets.items() if abs(seconds) > _CLOCK_SECONDS]
    too_far = warning(
        f"too far from {' and '.join(far)}: beat, tokens, and heartbeats depend on it",
        "Let NTP set the clocks of all machines (`timedatectl set-ntp true`).",
    )
    return combined(f"this machine's clock is {detail}", [too_far] if far else [])


def check_keys(settings: Settings) -> Finding:
    """Check how many of the configured keys are healthy, from their state in Redis."""
    keys = load_keys(settings).keys
    if not keys:
        return warning("no key: jobs use only values read without a model", str(NoKeysError.remedy))
    try:
        with quick_connection(settings, _ANSWER_SECONDS):
            pass
    except BrokerUnavailableError:
        return skipped(f"{len(keys)} configured; their state is in Redis, which does not answer")
    stats = fleet_stats(settings)
    detail = f"{stats['healthy_keys']} of {stats['total_keys']} healthy, {stats['rotation_strategy']}"
    resting = ", ".join(f"{mask} is {key['state']}" for mask, key in stats["keys"].items() if key["circuit_open"])
    complain = warning if stats["healthy_keys"] else failed
    remedy = "`propintel keys check` tests every key with the API."
    return combined(detail, [complain(resting, remedy)] if resting else [])


def check_workers(settings: Settings, celery: CeleryFacts, clock: Clock) -> Finding:
    """Check which workers reply or have a heartbeat file on this machine, and that each queue has a worker."""
    home = settings.state.propintel_home.expanduser()
    beats = {beat.node: beat for beat in read_heartbeats(home)}
    fresh = [node for node, beat in beats.items() if beat.is_fresh(clock.now())]
    try:
        with quick_connection(settings, _ANSWER_SECONDS):
            nodes = celery.consumers()
    except BrokerUnavailableError:
        return skipped(f"{len(fresh)} with a fresh heartbeat here; Redis does not answer, so workers cannot be asked")
    found = []
    for node, beat in beats.items():
        if node in nodes:
            continue
        if node in fresh:
            detail = f"{node} is alive here but does not answer: its only process is busy, or it has lost the broker"
            found.append(warning(detail, f"See its log if this lasts (process {beat.pid})."))
        else:
            detail = f"{node} had its last heartbeat at {beat.at:%Y-%m-%d %H:%M:%S} UTC: it was killed, or hangs"
            file = heartbeat_file(home, node)
            remedy = f"Start it again (it was process {beat.pid}), or delete {file} if it was removed."
            found.append(warning(detail, remedy))
    if nodes:
        found += [*_unserved(celery, set().union(*nodes.values())), *_too_many(settings, nodes)]
    elif not fresh:
        found.append(failed("no worker runs", "Run `propintel up`, or `celery -A worker worker`."))
    return combined(f"{len(nodes)} answer ({', '.join(sorted(nodes))})" if nodes else "no worker answers", found)


def _unserved(celery: CeleryFacts, queues: Collection[str]) -> Iterator[Finding]:
    if celery.scrape_queue not in queues:
        yield failed("no worker runs jobs (queue scrape)", "Run `celery -A worker worker`.")
    if celery.maintenance_queue not in queues:
        remedy = f"Run `celery -A worker worker -Q maintenance --pool=threads --concurrency={MAINTENANCE_THREADS}`."
        yield failed("no worker runs reports and recovery (queue maintenance)", remedy)


def _too_many(settings: Settings, nodes: Collection[str]) -> Iterator[Finding]:
    if not database_url(settings).startswith("sqlite"):
        return
    if (hosts := len({node.rpartition("@")[2] for node in nodes})) > 1:
        detail = f"they run on {hosts} machines, but SQLite is a file on one"
        yield failed(detail, "Set DATABASE_URL to one PostgreSQL for all.")
    elif len(nodes) > _MANY_WORKERS:
        yield warning("so many workers wait for each other on SQLite", "Set DATABASE_URL to a PostgreSQL.")
