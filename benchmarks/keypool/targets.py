"""The pool's targets, and how each figure is computed from its runs."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.keypool.modes import MODES

Runs = Sequence[Mapping[str, Any]]
Figure = Callable[[Mapping[str, Any]], float | None]
_ONE_A_SECOND = "60 RPM"


@dataclass(frozen=True)
class Target:
    """`limit` is the lowest ("≥") or the highest ("≤") acceptable result of `measure`."""

    about: str
    sign: Literal["≥", "≤"]
    limit: float
    measure: Callable[[Runs], float | None]
    unit: Literal["%", "ms", ""] = ""

    def kept(self, value: float) -> bool:
        return value >= self.limit if self.sign == "≥" else value <= self.limit

    def show(self, value: float) -> str:
        if self.unit == "%":
            return f"{value * 100:.4g} %"
        return f"{value:.2f} ms" if self.unit == "ms" and value < 10 else f"{value:,.4g} {self.unit}".rstrip()


def _of(mode: str, figure: Figure, contestant: str = "ours") -> Callable[[Runs], float | None]:

    def measure(runs: Runs) -> float | None:
        found = [figure(r["figures"]) for r in runs if (r["mode"], r["contestant"]) == (mode, contestant)]
        numbers = [value for value in found if value is not None]
        return statistics.median(numbers) if numbers else None

    return measure


def _named(name: str) -> Figure:
    return lambda figures: figures[name]


def _all_keys(figures: Mapping[str, Any]) -> float | None:
    return min(figures["utilization"].values(), default=None)


def _larger_keys(figures: Mapping[str, Any]) -> float | None:
    return min((share for key, share in figures["utilization"].items() if key != _ONE_A_SECOND), default=None)


def _smallest_key(figures: Mapping[str, Any]) -> float | None:
    found: float | None = figures["utilization"].get(_ONE_A_SECOND)
    return found


def _failed_anywhere(runs: Runs) -> float | None:
    found = [r["figures"]["jobs_failed"] for r in runs if r["contestant"] == "ours" and r["mode"] in MODES]
    return max(found, default=None)


def _cpu_over_bare(runs: Runs) -> float | None:
    ours, bare = (_of("saturated", _named("cpu_ms_per_request"), who)(runs) for who in ("ours", "bare"))
    return ours - bare if ours is not None and bare is not None else None


_REJECTIONS, _P99 = _named("rate_limited_per_success"), _named("p99_ms")
_LATE = _named("bad_key_requests_after_settled")

TARGETS: tuple[Target, ...] = (
    Target("utilization of every key, saturated", "≥", 0.99, _of("saturated", _all_keys), "%"),
    Target("429 per success, saturated", "≤", 0.001, _of("saturated", _REJECTIONS)),
    Target("429 per success, server counts by the text", "≤", 0.001, _of("token_factor", _REJECTIONS)),
    Target("by the second, failures counted: utilization", "≥", 0.97, _of("second", _larger_keys), "%"),
    Target("the same, key of one request a second", "≥", 0.95, _of("second", _smallest_key), "%"),
    Target("the same, 429 per success", "≤", 0.001, _of("second", _REJECTIONS)),
    Target("headers by the minute: utilization", "≥", 0.95, _of("second_minute_headers", _larger_keys), "%"),
    Target("the same, key of one request a second", "≥", 0.92, _of("second_minute_headers", _smallest_key), "%"),
    Target("the same, 429 per success", "≤", 0.002, _of("second_minute_headers", _REJECTIONS)),
    Target("85 % open loop, 2 processes: p99", "≤", 1000, _of("open_2", _P99), "ms"),
    Target("85 % open loop, 16 processes: p99", "≤", 1000, _of("open_16", _P99), "ms"),
    Target("jobs failed, worst run of any mode", "≤", 0, _failed_anywhere),
    Target("requests to bad keys after the first was settled, 2 processes", "≤", 1, _of("bad_keys_2", _LATE)),
    Target("the same, 16 processes", "≤", 1, _of("bad_keys_16", _LATE)),
    Target("p99/p50, saturated", "≤", 1.2, _of("saturated", _named("p99_over_p50"))),
    Target("CPU per request over the bare SDK", "≤", 0.6, _cpu_over_bare, "ms"),
    Target("no headers, 3 keys: utilization", "≥", 0.8, _of("no_headers_3", _all_keys), "%"),
    Target("the same, 429 per success", "≤", 0.2, _of("no_headers_3", _REJECTIONS)),
    Target("no headers, 1 key: utilization", "≥", 0.8, _of("no_headers_1", _all_keys), "%"),
    Target("the same, 429 per success", "≤", 0.2, _of("no_headers_1", _REJECTIONS)),
    Target("headers without reset times: utilization", "≥", 0.95, _of("no_reset", _all_keys), "%"),
    Target("the same, 429 per success", "≤", 0.01, _of("no_reset", _REJECTIONS)),
    Target("Redis killed for 10 s: 429 per success", "≤", 0.01, _of("redis_lost", _REJECTIONS)),
)
