"""What was counted of keys and models: as the pool reports it (cumulative), and hour by hour.

Pure: how cumulative counters become hours is decided here, `history.py` writes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
#: counters of a gap longer than this are spread over its last hours only
_LONGEST_SPREAD = timedelta(days=2)
#: how refusals are named among the counters
REFUSALS = "refusals:"


@dataclass(frozen=True, slots=True)
class Uses:
    """What was done with a key. `requests` end as success, failure or rate limit, or as nobody's fault (400, aborted).

    `failures` are those that are held against a key: 401, 403, no quota, 5xx and timeouts. `microusd` is estimated.
    `cached_tokens`, of the input, came from the provider's cache.
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
    """What a model was asked for, all keys together. Saturated: no key had room for a request of the size that asked,
    by the limit in the way (`figures.ModelFigures`); `refusals` by reason, requests that got no key in time."""

    sent: int = 0
    waited_us: int = 0
    saturated_requests_us: int = 0
    saturated_tokens_us: int = 0
    refusals: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CountedKey:
    """All that the pool ever counted for one key: `calls` by model, `transitions` by name ("open", "dead", ...).

    `configured` is False for a key that only finishes what was under way; its mask and group are those it had. The key
    "" is the whole pool.
    """

    key_id: str
    mask: str
    group: str
    configured: bool
    calls: Mapping[str, Uses | Demand]
    transitions: Mapping[str, int] = field(default_factory=dict)


def flat(figures: Uses | Demand) -> dict[str, int]:
    """Return the figures that are not 0, each refusal under a name of its own."""
    counts = {name: count for name, count in asdict(figures).items() if name != "refusals" and count}
    refusals = figures.refusals if isinstance(figures, Demand) else {}
    return counts | {f"{REFUSALS}{reason}": count for reason, count in refusals.items()}


def grown(before: Mapping[str, int] | None, now: Mapping[str, int]) -> dict[str, int]:
    """What was counted since `before` (None: never asked), figure by figure, without those that did not grow.

    If figures fell so far that less than half of all is left, the store has lost its data and all of them began again
    at 0. If more is left, it lost its last moments (a restart, a failover): nothing grew, `now` is the new base.
    """
    before = before or {}
    left = {name: min(now.get(name, 0), count) for name, count in before.items()}
    if left != before:
        if 2 * sum(left.values()) >= sum(before.values()):
            return {}
        before = {}
    return {name: count - before.get(name, 0) for name, count in now.items() if count > before.get(name, 0)}


def hour_of(moment: datetime) -> datetime:
    """The beginning of its hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


def spread(counts: Mapping[str, int], since: datetime, until: datetime) -> Iterator[tuple[datetime, dict[str, int]]]:
    """`counts`, evenly over the hours from `since` to `until`; nothing is lost to rounding.

    Nobody asked meanwhile (beat was away): the figures of a night are not those of the hour in which it came back.
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
