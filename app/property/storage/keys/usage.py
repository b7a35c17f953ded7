"""Counters of keys and models, and the rules that distribute the increase of cumulative counters over hours.

These functions do not access the database; `history.py` stores the hours.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
#: Maximum time over which an increase is distributed. After a longer gap, only the last part of the gap gets counts.
_LONGEST_SPREAD = timedelta(days=2)
#: Prefix of the names of counters of requests that got no key. The reason follows.
REFUSALS = "refusals:"


@dataclass(frozen=True, slots=True)
class Uses:
    """The usage of a key. `requests` include failures that are not the key's fault, such as 400 or an aborted request.

    `failures` are failures that count against the key: 401, 403, no quota, 5xx, and timeouts. `microusd` is the
    estimated cost in millionths of a US dollar. `cached_tokens` are input tokens that the provider had cached.
    """

    requests: int = 0
    successes: int = 0
    failures: int = 0
    rate_limits: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    microusd: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Demand:
    """The demand for a model, for all keys together.

    `sent` requests got a key, and waited `waited_us` for it in total. The `saturated_` attributes are the time in which
    no key had capacity for a request (`keypool/figures.py`), by the limit that was reached. `refusals` counts the
    requests that got no key in time, by reason.
    """

    sent: int = 0
    waited_us: int = 0
    saturated_requests_us: int = 0
    saturated_tokens_us: int = 0
    refusals: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CountedKey:
    """The cumulative counters of one key: `calls` by model, and `transitions` by name, such as "open" or "dead".

    `configured` is False for a removed key that the pool still has counters of. The key "" stands for the whole pool.
    """

    key_id: str
    mask: str
    group: str
    configured: bool
    calls: Mapping[str, Uses | Demand]
    transitions: Mapping[str, int] = field(default_factory=dict)


def flat(figures: Uses | Demand) -> dict[str, int]:
    """Return the nonzero figures by name. The names of refusals are `REFUSALS` plus the reason."""
    counts = {name: count for name, count in asdict(figures).items() if name != "refusals" and count}
    refusals = figures.refusals if isinstance(figures, Demand) else {}
    return counts | {f"{REFUSALS}{reason}": count for reason, count in refusals.items()}


def grown(before: Mapping[str, int] | None, now: Mapping[str, int]) -> dict[str, int]:
    """Return the figures that increased since `before` (None: never counted), with their increase.

    Figures can decrease if the pool's store loses data. If less than half of the counts in `before` are left, the store
    is assumed to have restarted at 0, and all of `now` is the increase. If more are left, the store is assumed to have
    lost only its last writes, as in a failover: return {}.
    """
    before = before or {}
    left = {name: min(now.get(name, 0), count) for name, count in before.items()}
    if left != before:
        if 2 * sum(left.values()) >= sum(before.values()):
            return {}
        before = {}
    return {name: count - before.get(name, 0) for name, count in now.items() if count > before.get(name, 0)}


def hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def spread(counts: Mapping[str, int], since: datetime, until: datetime) -> Iterator[tuple[datetime, dict[str, int]]]:
    """Distribute `counts` evenly over the hours from `since` to `until`. The parts add up exactly to `counts`.

    Thus the counts of several hours without Celery beat do not all appear in one hour.
    """
    since = min(max(since, until - _LONGEST_SPREAD), until)
    length, given = (until - since) / HOUR, dict.fromkeys(counts, 0)
    hour = hour_of(since)
    while hour <= until:
        share = min(1.0, (min(hour + HOUR, until) - since) / HOUR / length) if length else 1.0
        so_far = {name: round(count * share) for name, count in counts.items()}
        part = {name: so_far[name] - given[name] for name in counts if so_far[name] > given[name]}
        if part:
            yield hour, part
        given, hour = so_far, hour + HOUR
