"""Compute hourly usage of keys and models from cumulative counters."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
#: Maximum time over which an increase is spread. After a longer gap, only the newest hours get counts.
_LONGEST_SPREAD = timedelta(days=2)
#: Names of counters for requests that got no key are this prefix and the reason.
REFUSALS = "refusals:"


@dataclass(frozen=True, slots=True)
class Uses:
    """The usage of a key.

    `requests` include failures that are not the key's fault, such as status 400. `failures` are those that count
    against the key: 401, 403, no quota, 5xx, and timeouts. `microusd` is the estimated cost in millionths of a US
    dollar. `cached_tokens` are input tokens from the provider's cache.
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

    `sent` requests waited `waited_us` in total for a key. The `saturated_` attributes are the time in which no key had
    capacity for another request, by the limit reached (`keypool/figures.py`). `refusals` counts the requests that got
    no key in time, by reason.
    """

    sent: int = 0
    waited_us: int = 0
    saturated_requests_us: int = 0
    saturated_tokens_us: int = 0
    refusals: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CountedKey:
    """The pool's counters of one key: `calls` by model, and `transitions` by name, such as "open" or "dead".

    `configured` is False for a removed key. The key "" stands for the whole pool.
    """

    key_id: str
    mask: str
    group: str
    configured: bool
    calls: Mapping[str, Uses | Demand]
    transitions: Mapping[str, int] = field(default_factory=dict)


def flat(figures: Uses | Demand) -> dict[str, int]:
    """Return the nonzero figures by name. The names of refusals begin with `REFUSALS`."""
    counts = {name: count for name, count in asdict(figures).items() if name != "refusals" and count}
    refusals = figures.refusals if isinstance(figures, Demand) else {}
    return counts | {f"{REFUSALS}{reason}": count for reason, count in refusals.items()}


def grown(before: Mapping[str, int] | None, now: Mapping[str, int]) -> dict[str, int]:
    """Return the increase of each figure since `before` (None: never counted), if there is any.

    Figures decrease if the pool's store loses data. If less than half of the counts are left, the store is assumed to
    have restarted at 0, and `now` is the increase. Otherwise it is assumed to have lost only its last writes, as in a
    failover, and the result is {}.
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
    """Distribute `counts` evenly over the hours from `since` to `until`. The parts add up to exactly `counts`.

    Therefore, the usage during a pause of Celery beat does not all appear in one hour.
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
