"""Write `docs/benchmarks/keypool.md` and its plot from the results."""

import json
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.keypool.contestants import ENTRIES
from benchmarks.keypool.modes import MODES, POOL_PER_SECOND
from benchmarks.keypool.processes import PEERS_PYTHON, ROOT
from benchmarks.keypool.targets import TARGETS
from benchmarks.results import BenchmarkError
from benchmarks.workers.tables import table

Runs = Sequence[Mapping[str, Any]]
_INTRODUCTION = """# The key pool, measured

`make bench-keypool` measures this page (`python -m benchmarks.keypool run --help`). {processes} processes x {slots}
slots share six keys of 60, 120, 240, 480, 900, and 1,200 requests a minute (the one of 900 has tokens for 600 mean
jobs), {rate:.0f} jobs a second in total, against the OpenAI simulator on loopback with a latency of 300 ms (median,
log-normal). Only token-throttle is given the limits. {repeats} repeats, windows of {window:.0f} s after {warmup:.0f} s,
medians. {machine}.

- The server's buckets start at **{start_level:.0%}** of a minute's burst, since full ones hide what happens at the
  limit. In the open loop they start full.
- **Utilization**: requests admitted by the server per key, for the limit that binds, without savings from before the
  window. The lowest key is shown.
- A job is one call of the contestant's library. If it raises, the job waits for `retry-after` (else 1 s) and repeats
  it. **Gave up**: the first call raised. **Failed**: not done within 60 s.
- **429 per success** is 0 with OpenAI's rate limit headers. Without reset times (Azure) it is above 0 in the first
  minute only; without headers it is about 0.02.
- **CPU** of the worker processes per finished job, above the bare SDK with one unlimited key at the same pace.
- **Goodput**: finished jobs / mean jobs that the keys admit; over 100 % if smaller jobs went to the key limited by
  tokens.
- **To bad keys**: requests to a dead key and one without quota, total / later than 100 ms after each's first rejection.
"""


def write_report(results: Mapping[str, Any], docs: Path) -> int:
    """Write `keypool.md` and `keypool.svg` below `docs`.

    Raises `BenchmarkError` if there are no runs, or if the plot cannot be drawn.
    """
    runs: Runs = results["runs"]
    if not runs:
        raise BenchmarkError("the results hold no runs; measure some first: python -m benchmarks.keypool run")
    docs.mkdir(parents=True, exist_ok=True)
    parts = [_introduction(runs), "![Utilization, rejections, and latency of each contestant](keypool.svg)\n"]
    for title, modes in (("Every slot busy", ["saturated"]), ("Other loads", [m for m in MODES if m != "saturated"])):
        rows = [row for mode in modes for row in _rows(runs, mode)]
        if rows:
            parts.append(f"## {title}\n\n{table(_HEADS, rows)}\n")
    parts += [_targets(runs), _admission(results.get("admission", ()))]
    (docs / "keypool.md").write_text("\n".join(part for part in parts if part), encoding="utf-8")
    _draw(runs, docs / "keypool.svg")
    return 0


def median(runs: Runs, mode: str, contestant: str, figure: Callable[[Mapping[str, Any]], float | None]) -> float | None:
    """Return the median of a figure over the repeats; None if it was not measured."""
    found = [figure(r["figures"]) for r in runs if (r["mode"], r["contestant"]) == (mode, contestant)]
    numbers = [value for value in found if value is not None]
    return statistics.median(numbers) if numbers else None


def lowest(figures: Mapping[str, Any]) -> float | None:
    return min(figures["utilization"].values(), default=None)


def _introduction(runs: Runs) -> str:
    sizes = [r["size"] for r in runs if r["mode"] not in ("open_2", "open_16", "bad_keys_2", "bad_keys_16")]
    size = (sizes or [runs[0]["size"]])[-1]
    machines = sorted({r["machine"] for r in runs})
    repeats = max(r["repeat"] for r in runs)
    return _INTRODUCTION.format(**size, repeats=repeats, rate=POOL_PER_SECOND, machine="; ".join(machines))


def _rows(runs: Runs, mode: str) -> list[list[str]]:
    baseline = _baseline(runs, mode)
    rows = []
    for entry in ENTRIES.values():
        get = _getter(runs, mode, entry.name)
        if get("jobs") is None:
            continue
        cpu = get("cpu_ms_per_request")
        over = f"{cpu - baseline:+.1f} ms" if cpu is not None and baseline is not None and entry.pooled else "–"
        rows.append(
            [
                MODES[mode].about,
                entry.label,
                _percent(median(runs, mode, entry.name, lowest)),
                _percent(get("goodput")),
                _number(get("rate_limited_per_success")),
                _percent(get("jobs_failed_share")),
                _percent(get("jobs_given_up_share")),
                f"{_whole(get('p50_ms'))} / {_whole(get('p99_ms'))}",
                _number(get("p99_over_p50")),
                over,
                *_bad_keys(mode, get),
            ]
        )
    return rows


def _getter(runs: Runs, mode: str, contestant: str) -> Callable[[str], float | None]:
    return lambda name: median(runs, mode, contestant, lambda f: f[name])


def _baseline(runs: Runs, mode: str) -> float | None:
    """Return the bare SDK's CPU per request, from the mode with a similar load ("open" or "saturated") if it was
    measured."""
    places = ("open", "saturated") if mode.startswith("open") else ("saturated", "open")
    found = (median(runs, place, "bare", lambda f: f["cpu_ms_per_request"]) for place in places)
    return next((cpu for cpu in found if cpu is not None), None)


def _bad_keys(mode: str, get: Callable[[str], float | None]) -> list[str]:
    if not MODES[mode].with_bad_keys:
        return ["–"]
    return [f"{_whole(get('bad_key_requests'))} / {_whole(get('bad_key_requests_after_settled'))}"]


_HEADS = (
    "load",
    "",
    "lowest utilization",
    "goodput",
    "429 per success",
    "failed",
    "gave up",
    "p50 / p99 ms",
    "p99/p50",
    "CPU",
    "to bad keys",
)


def _targets(runs: Runs) -> str:
    lines = ["## Targets\n", "| figure | target | measured |", "|---|---|---|"]
    for target in TARGETS:
        found = target.measure(runs)
        if found is not None:
            kept = "" if target.kept(found) else " **missed**"
            lines.append(f"| {target.about} | {target.sign} {target.show(target.limit)} | {target.show(found)}{kept} |")
    return "\n".join(lines) + "\n" if len(lines) > 3 else ""


def _admission(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    lines = ["## One admission in the store\n", "Round trips on loopback, milliseconds.\n"]
    lines += ["| keys | acquire p50 | with 16 stale index entries | settle p50 | both p99 |", "|---|---|---|---|---|"]
    names = ("acquire_p50_ms", "acquire_stale_p50_ms", "settle_p50_ms", "both_p99_ms")
    lines += [f"| {row['keys']:,} | " + " | ".join(f"{row[n]:.2f}" for n in names) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _draw(runs: Runs, target: Path) -> None:
    """Draw the plot in a separate process, because matplotlib is installed in the peers' environment."""
    if not PEERS_PYTHON.exists():
        raise BenchmarkError(f"{PEERS_PYTHON} is not there to draw the plot; run: make .venv-bench")
    shown = [
        {
            "label": entry.label,
            "utilization": median(runs, "saturated", entry.name, lowest),
            "rejections": _getter(runs, "saturated", entry.name)("rate_limited_per_success"),
            "p50_ms": _getter(runs, "saturated", entry.name)("p50_ms"),
            "p99_ms": _getter(runs, "saturated", entry.name)("p99_ms"),
        }
        for entry in ENTRIES.values()
        if entry.pooled and _getter(runs, "saturated", entry.name)("jobs") is not None
    ]
    if not shown:
        return
    with tempfile.NamedTemporaryFile("w", suffix=".json") as given:
        json.dump(shown, given)
        given.flush()
        command = [str(PEERS_PYTHON), "-m", "benchmarks.keypool.plot", given.name, str(target.resolve())]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise BenchmarkError(f"the plot could not be drawn:\n{done.stderr[-2000:]}")


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}".rstrip("0").rstrip(".") if value < 0.1 else f"{value:.2f}"


def _whole(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"
