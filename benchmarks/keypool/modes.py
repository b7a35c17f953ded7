"""The keys and the modes: the simulator's limits, the load, and the events during a window.

Open-loop runs start with full buckets. Closed-loop runs start with empty ones, unless the mode or the option
--start-level says otherwise. Full buckets allow a burst of 3,000 requests, half of the refill in a window of two
minutes, which would hide how a contestant behaves at the limits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from benchmarks.keypool.jobs import MEAN_TOKENS

_RPM = (60, 120, 240, 480, 900, 1200)
#: The key with 900 requests a minute has tokens for only 600 average jobs a minute.
_TOKEN_BOUND = {900: 600 * MEAN_TOKENS}
#: The jobs per second that the keys with the limits `_RPM` admit together.
POOL_PER_SECOND = (sum(_RPM) - 900 + 600) / 60
LATENCY_MS = 300
DEAD, NO_QUOTA = "dead", "no_quota"


def _key(name: str, number: int) -> str:
    return f"sk-simulator-bench{name}{'x' * 16}{number:04d}"


def good_keys(rpms: Sequence[int] = _RPM) -> list[dict[str, Any]]:
    return [
        {"key": _key("good", 10_000 * n + rpm), "rpm": rpm, "tpm": _TOKEN_BOUND.get(rpm, rpm * 2000)}
        for n, rpm in enumerate(rpms)
    ]


def bad_keys() -> list[dict[str, Any]]:
    return [{"key": _key(b, n), "rpm": 900, "tpm": 1_800_000, "behavior": b} for n, b in enumerate((DEAD, NO_QUOTA))]


def unlimited_key() -> list[dict[str, Any]]:
    return [{"key": _key("free", 1), "rpm": 6_000_000, "tpm": 10_000_000_000}]


@dataclass(frozen=True)
class Event:
    """An event at `at`, a share of the window (0 to 1).

    `limits` multiplies every limit, `redis_down_seconds` stops Redis, and `server_down_seconds` makes the server answer
    every request with 500.
    """

    at: float
    limits: float | None = None
    redis_down_seconds: float | None = None
    server_down_seconds: float | None = None


@dataclass(frozen=True)
class Mode:
    """A kind of load: "closed" (every slot always busy) or "open" (Poisson arrivals at `rate` times the capacity).

    `server` has options of the simulator, and `rpms` the limits of its keys in requests per minute. `processes` and
    `slots` override the command's options. With `streams`, jobs request streams and read them to the end.
    """

    name: str
    about: str
    load: Literal["closed", "open"] = "closed"
    rate: float = 0.85
    server: Mapping[str, Any] = field(default_factory=dict)
    with_bad_keys: bool = False
    events: tuple[Event, ...] = ()
    rpms: tuple[int, ...] = _RPM
    processes: int | None = None
    slots: int | None = None
    needs_redis: bool = False
    streams: bool = False

    @property
    def per_second(self) -> float:
        return POOL_PER_SECOND if self.rpms == _RPM else sum(self.rpms) / 60

    def keys(self) -> list[dict[str, Any]]:
        return good_keys(self.rpms) + (bad_keys() if self.with_bad_keys else [])

    def server_options(self) -> dict[str, Any]:
        common = {"latency_ms": LATENCY_MS, "failed_requests_count": False}
        return {**common, **self.server}


_SECOND = {"enforcement": "second", "failed_requests_count": True}
#: 60 concurrent jobs. The server sends no rate limit headers and enforces its limits per second, as many gateways do.
_NO_HEADERS = Mode(
    "no_headers_3",
    "no rate limit headers, 3 keys of 5 requests a second",
    server={**_SECOND, "failed_requests_count": False, "headers": "none", "start_level": 1.0},
    rpms=(300, 300, 300),
    processes=4,
    slots=15,
)
_OPEN = Mode("open", "85 % open loop", load="open")
_BAD = Mode("bad_keys", "two more keys: one dead, one without quota", with_bad_keys=True)

MODES: dict[str, Mode] = {
    mode.name: mode
    for mode in (
        Mode("saturated", "every slot busy"),
        replace(_OPEN, name="open_2", about=f"{_OPEN.about}, 2 processes", processes=2),
        _OPEN,
        replace(_OPEN, name="open_16", about=f"{_OPEN.about}, 16 processes", processes=16),
        replace(_BAD, name="bad_keys_2", about=f"{_BAD.about}, 2 processes", processes=2),
        _BAD,
        replace(_BAD, name="bad_keys_16", about=f"{_BAD.about}, 16 processes", processes=16),
        Mode(
            "second",
            "limits and headers by the second, failed requests count",
            server={**_SECOND, "headers_of": "enforced"},
        ),
        Mode("second_minute_headers", "the same, headers by the minute", server=_SECOND),
        Mode(
            "token_factor",
            "the server counts 0.6 to 1.8 x the estimate, by text",
            server={"token_factor": 0.6, "token_factor_high": 1.8},
        ),
        Mode("limits_change", "all limits halved, later doubled", events=(Event(1 / 3, limits=0.5), Event(2 / 3, 2.0))),
        Mode(
            "redis_lost",
            "Redis killed for 10 s, restarted empty",
            events=(Event(1 / 3, redis_down_seconds=10.0),),
            needs_redis=True,
        ),
        _NO_HEADERS,
        replace(
            _NO_HEADERS, name="no_headers_1", about="no rate limit headers, 1 key of 10 requests a second", rpms=(600,)
        ),
        Mode("no_reset", "headers without reset times, as Azure sends them", server={"headers": "no_reset"}),
        Mode("resets", "1 % of the connections break in an answer", server={"break_rate": 0.01}),
        Mode("broken_streams", "1 % of the streams break off", server={"break_rate": 0.01}, streams=True),
        Mode("outage", "the server fails for 5 s", events=(Event(1 / 3, server_down_seconds=5.0),)),
    )
}

#: `--modes` also accepts these names of groups.
MODE_GROUPS = {
    "all": tuple(MODES),
    "open_all": ("open_2", "open", "open_16"),
    "no_headers": ("no_headers_3", "no_headers_1"),
    "bad_keys_all": ("bad_keys_2", "bad_keys", "bad_keys_16"),
}
