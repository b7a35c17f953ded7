"""From results to `docs/benchmarks/keypool.md` and its plot: medians over the repeats, and where each target stands."""

from __future__ import annotations

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

Runs = Sequence[Mapping[str, Any]]
_INTRODUCTION = """# The key pool, measured

`make bench-keypool` measures this page; `python -m benchmarks.keypool run --help` shows what can be varied.

{processes} processes x {slots} slots, six keys of 60, 120, 240, 480, 900 and 1,200 requests a minute (the one of 900
has tokens for 600 mean jobs), {rate:.0f} jobs a second in all, against the OpenAI simulator (`simulators/openai`) on
loopback, which takes 300 ms (median, log-normal). No limits are configured, except for token-throttle, which has to be
told them. {repeats} repeats, windows of {window:.0f} s after {warmup:.0f} s, medians. {machine}.

- The server's buckets start at **{start_level:.0%}** of a minute's burst. Full ones would hold half of what a window of
  two minutes refills, and would hide for a while what a contestant does once the limits bind. In the open loop they
  start full: from empty ones, the jobs of the first seconds would wait behind each other for the whole window.
- **Utilisation** is counted by the server when it admits a request, per key, for the limit that binds. What was saved
  up before the window is not credited. The lowest key is shown.
- **Every contestant gets the same care**: a job is one call of its library; when that raises, the job waits what the
  server's `retry-after` names (else 1 s) and calls again. It has **failed** if it is not done within 60 s. **Gave up**
  is the share of jobs whose first call raised: what an application without such a loop loses.
- **No 429s** is what a provider that sends OpenAI's rate limit headers gives. With headers without reset times
  (Azure) it is none but in the first minute. A provider without headers names its limits only by 429s: about 0.02 per
  success.
- **CPU** is that of the worker processes per finished job, above the bare SDK with one unlimited key at the same pace.
"""
_FOOT = """
429 per success: answers 429 for a limit / answers 200. To bad keys: requests to a dead key and to one without
quota, in all and later than 100 ms after the first rejection of each. Goodput is finished jobs / what the keys admit of
mean jobs; above 100 % means that smaller jobs went to the key that tokens bind.
"""


def write_report(results: Mapping[str, Any], docs: Path) -> int:
    """Write `keypool.md` and `keypool.svg` below `docs`. Raises `BenchmarkError`."""
    runs: Runs = results["runs"]
    if not runs:
        raise BenchmarkError("the results hold no runs; measure some first: python -m benchmarks.keypool run")
    docs.mkdir(parents=True, exist_ok=True)
    parts = [_introduction(runs), "![Utilisation, rejections and latency of each contestant](keypool.svg)\n"]
    for mode in MODES.values():
        rows = _rows(runs, mode.name)
        if rows:
            parts.append(f"## {mode.about[0].upper()}{mode.about[1:]}\n\n{_table(rows)}\n")
    parts += [_targets(runs), _admission(results.get("admission", ())), _FOOT.strip() + "\n"]
    (docs / "keypool.md").write_text("\n".join(part for part in parts if part), encoding="utf-8")
    _draw(runs, docs / "keypool.svg")
    return 0


def median(runs: Runs, mode: str, contestant: str, figure: Callable[[Mapping[str, Any]], float | None]) -> float | None:
    """The median of a figure over the repeats; None if nobody measured it."""
    found = [figure(r["figures"]) for r in runs if (r["mode"], r["contestant"]) == (mode, contestant)]
    numbers = [value for value in found if value is not None]
    return statistics.median(numbers) if numbers else None


def lowest(figures: Mapping[str, Any]) -> float | None:
    """The utilisation of the key that was used least."""
    return min(figures["utilisation"].values(), default=None)


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
    """CPU per request of the bare SDK: at the open loop's pace where that was measured, else at the pool's."""
    places = ("open", "saturated") if mode.startswith("open") else ("saturated", "open")
    found = (median(runs, place, "bare", lambda f: f["cpu_ms_per_request"]) for place in places)
    return next((cpu for cpu in found if cpu is not None), None)


def _bad_keys(mode: str, get: Callable[[str], float | None]) -> list[str]:
    if not MODES[mode].with_bad_keys:
        return []
    return [f"{_whole(get('bad_key_requests'))} / {_whole(get('bad_key_requests_after_settled'))}"]


def _table(rows: list[list[str]]) -> str:
    heads = ["", "lowest utilisation", "goodput", "429 per success", "failed", "gave up", "p50 / p99 ms"]
    heads += ["p99/p50", "CPU"]
    heads = [*heads, "to bad keys"][: len(rows[0])]
    lines = ["| " + " | ".join(cells) + " |" for cells in [heads, ["---"] * len(heads), *rows]]
    return "\n".join(lines)


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
    """matplotlib is installed beside the peers, so drawing is a process of its own."""
    if not PEERS_PYTHON.exists():
        raise BenchmarkError(f"{PEERS_PYTHON} is not there to draw the plot; run: make .venv-bench")
    shown = [
        {
            "label": entry.label,
            "utilisation": median(runs, "saturated", entry.name, lowest),
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
