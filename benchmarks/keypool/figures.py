"""Compute the figures of a run from its raw data.

The utilization of a key is the admitted amount in the window divided by the amount that its limits refill, for the
tighter limit (requests or tokens). Amounts saved up before the window are not counted, so the maximum is 100 %. All
amounts are counted by the server on admission.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.keypool.run import Raw, Segment, Snapshot

#: Within this time after the first rejection of a bad key, all processes must know that the key is bad. It allows for a
#: round trip to Redis.
SETTLED_SECONDS = 0.1
_BAD = ("unauthorized", "no_quota")


def figures(raw: Raw, *, pooled: bool = True) -> dict[str, Any]:
    """Return the figures of one run, as stored in results.json. The names of times end with the unit; shares are 0 to
    1.

    `pooled` is False for the baseline, whose only key has no limit.
    """
    begin, end = raw.segments[0][0], raw.segments[-1][1]
    seconds = end["at"] - begin["at"]
    counts = _difference(begin["totals"], end["totals"])
    whole = _difference(raw.first["totals"], raw.last["totals"])
    calls = [call for worker in raw.workers for call in worker["calls"]]
    finished = [c for c in calls if raw.window[0] <= c[2] < raw.window[1] and c[4] != "unfinished"]
    done = [c for c in calls if c[4] != "unfinished"]
    cpu = sum(worker["cpu_seconds"] for worker in raw.workers)
    ok = sum(1 for c in finished if c[4] == "ok")
    late, total_bad = _bad_requests(raw)
    return {
        "window_seconds": round(seconds, 3),
        "admitted": counts["admitted"],
        "rate_limited": counts["rate_limited"],
        "rate_limited_per_success": _share(counts["rate_limited"], counts["ok"]),
        "rate_limited_whole_run": whole["rate_limited"],
        "server_errors": counts["server_errors"],
        "utilization": _utilization(raw.segments) if pooled else {},
        "goodput": round(ok / seconds / raw.per_second, 4),
        "jobs": len(done),
        "jobs_failed": sum(1 for c in done if c[4] == "failed"),
        "jobs_failed_share": _share(sum(1 for c in done if c[4] == "failed"), len(done)),
        "jobs_given_up_share": _share(sum(1 for c in done if c[3] > 1 or c[4] == "failed"), len(done)),
        **_latency([c[2] - c[0] for c in finished]),
        "cpu_ms_per_request": round(1000 * cpu / ok, 3) if ok else None,
        "simulator_cpu_share": round(raw.simulator_cpu_share, 3),
        "bad_key_requests": total_bad,
        "bad_key_requests_after_settled": late,
        "errors": dict(sum((Counter(w["errors"]) for w in raw.workers), Counter())),
    }


def _difference(before: Mapping[str, int], after: Mapping[str, int]) -> Counter[str]:
    return Counter({name: after[name] - before.get(name, 0) for name in after})


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 5) if whole else None


def _latency(seconds: Sequence[float]) -> dict[str, float | None]:
    ordered = sorted(seconds)
    if not ordered:
        return {"p50_ms": None, "p99_ms": None, "p99_over_p50": None}
    p50, p99 = (ordered[min(len(ordered) - 1, int(len(ordered) * q))] for q in (0.5, 0.99))
    return {"p50_ms": round(p50 * 1000, 1), "p99_ms": round(p99 * 1000, 1), "p99_over_p50": round(p99 / p50, 3)}


def _utilization(segments: Sequence[Segment]) -> dict[str, float]:
    """Return utilization by key name: "60 RPM", then "60 RPM #2" for the second key with the same limit."""
    seen: Counter[str] = Counter()
    names = {}
    for key in segments[0][0]["keys"]:
        if key["behavior"] == "ok":
            name = f"{key['rpm']:.0f} RPM"
            seen[name] += 1
            names[key["id"]] = f"{name} #{seen[name]}" if seen[name] > 1 else name
    used: dict[str, Counter[str]] = {key: Counter() for key in names}
    capacity: dict[str, Counter[str]] = {key: Counter() for key in names}
    for before, after in segments:
        minutes = (after["at"] - before["at"]) / 60
        ends = {k["id"]: k for k in after["keys"]}
        for key in (k for k in before["keys"] if k["id"] in names):
            for what, counter, limit in (("requests", "admitted", "rpm"), ("tokens", "tokens", "tpm")):
                end = ends[key["id"]]
                saved = max(0.0, _level(key, what) - _level(end, what))
                used[key["id"]][what] += end[counter] - key[counter] - saved
                capacity[key["id"]][what] += key[limit] * minutes
    return {names[k]: round(max(used[k][w] / capacity[k][w] for w in ("requests", "tokens")), 4) for k in names}


def _level(key: Snapshot, what: str) -> float:
    return sum(float(levels[what]) for levels in key["levels"].values())


def _bad_requests(raw: Raw) -> tuple[int, int]:
    """Count requests with bad keys: those more than SETTLED_SECONDS after the key's first rejection, and all."""
    late = sum(1 for times in raw.refusals.values() for moment in times if moment > times[0] + SETTLED_SECONDS)
    return late, sum(raw.last["totals"][name] for name in _BAD)
