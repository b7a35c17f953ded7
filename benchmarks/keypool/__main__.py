"""`python -m benchmarks.keypool run|report|admission`: measure, write the page in docs, or time one admission."""

import argparse
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.keypool.contestants import ENTRIES, Entry
from benchmarks.keypool.figures import figures
from benchmarks.keypool.modes import MODE_GROUPS, MODES, Mode
from benchmarks.keypool.report import write_report
from benchmarks.keypool.run import Run, Size
from benchmarks.results import BenchmarkError, exit_code, read_results, write_results

_DOCS = Path(__file__).parents[2] / "docs" / "benchmarks"


def main(argv: Sequence[str] | None = None) -> int:
    args = _arguments(argv)
    return exit_code(lambda: args.act(args))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.keypool", description=__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="measure and append to a file of results")
    run.set_defaults(act=_run)
    run.add_argument("--modes", default="all", help=f"comma-separated: {', '.join([*MODES, *MODE_GROUPS])}")
    run.add_argument("--contestants", default="all", help=f"comma-separated: {', '.join(ENTRIES)}")
    run.add_argument("--repeats", type=int, default=3)
    run.add_argument("--window", type=float, default=120.0, help="seconds that are measured")
    run.add_argument("--warmup", type=float, default=15.0, help="seconds before them")
    run.add_argument("--processes", type=int, default=8)
    run.add_argument("--slots", type=int, default=16, help="concurrent jobs of a process")
    run.add_argument("--max-wait", type=float, default=30.0, help="OPENAI_MAX_WAIT_SECONDS of ours")
    run.add_argument("--strategy", default="round_robin", help="OPENAI_KEY_ROTATION_STRATEGY of ours")
    run.add_argument(
        "--start-level", type=float, default=0.0, help="how full the server's buckets are at first, 0 to 1"
    )
    run.add_argument("--quick", action="store_true", help="20 s windows, one repeat: for development only")
    run.add_argument("--out", type=Path, default=Path("results.json"), help="runs are added to what it holds")
    report = commands.add_parser("report", help="write the table and the plot from results")
    report.set_defaults(act=lambda given: write_report(read_results(given.results, "`run --out`"), given.docs))
    report.add_argument("results", type=Path)
    report.add_argument("--docs", type=Path, default=_DOCS, help="where keypool.md and keypool.svg go")
    admission = commands.add_parser("admission", help="round trip of one admission at 10, 300 and 1,000 keys")
    admission.set_defaults(act=_admission)
    admission.add_argument("--keys", default="10,300,1000")
    admission.add_argument("--samples", type=int, default=2000)
    admission.add_argument("--out", type=Path, default=None, help="added to the results under admission")
    return parser.parse_args(argv)


def _run(args: argparse.Namespace) -> None:
    size = Size(
        args.processes, args.slots, args.warmup, args.window, args.max_wait, args.strategy, args.start_level
    )  # fmt: skip
    repeats = args.repeats
    if args.quick:
        size, repeats = replace(size, warmup=5.0, window=20.0), 1
    entries = _entries(args.contestants)
    results = read_results(args.out, "`run --out`") if args.out.exists() else {"runs": []}
    # repeats are the outer loop, so that a temporary disturbance of the machine affects all contestants
    for repeat in range(1, repeats + 1):
        for mode in _modes(args.modes):
            for entry in entries:
                if _takes_part(entry, mode):
                    results["runs"].append(_one(entry, mode, size, repeat))
                    write_results(args.out, results)


def _takes_part(entry: Entry, mode: Mode) -> bool:
    return mode.name in ("saturated", "open") if not entry.pooled else entry.uses_redis or not mode.needs_redis


def _one(entry: Entry, mode: Mode, size: Size, repeat: int) -> dict[str, Any]:
    used = replace(size, processes=mode.processes or size.processes)
    raw = Run(entry, mode, used, repeat).go()
    found = figures(raw, pooled=entry.pooled)
    least = min(found["utilization"].values(), default=0.0)
    if not found["jobs"]:
        print(
            f"{mode.name} {entry.name}: nothing finished; errors {found['errors']}\n{raw.log[-1500:]}", file=sys.stderr
        )
    print(
        f"{mode.name:22} {entry.name:16} #{repeat}  utilization >= {least:.1%}  goodput {found['goodput']:.1%}  "
        f"429/ok {found['rate_limited_per_success']}  failed {found['jobs_failed']}/{found['jobs']}  "
        f"p50 {found['p50_ms']} p99 {found['p99_ms']} ms  cpu {found['cpu_ms_per_request']} ms/request",
        flush=True,
    )
    return {
        "mode": mode.name,
        "contestant": entry.name,
        "repeat": repeat,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "size": asdict(used),
        "figures": found,
        "log_tail": raw.log[-1500:],
    }


def _admission(args: argparse.Namespace) -> None:
    from benchmarks.keypool.admission import measure, measure_outage  # noqa: PLC0415 (`report` needs no Redis)

    counts = [int(n) for n in args.keys.split(",")]
    found = [measure(n, args.samples) for n in counts]
    outages = [measure_outage(n, args.samples // 10) for n in counts]
    for row in (*found, *outages):
        print("  ".join(f"{name} {value}" for name, value in row.items()))
    if args.out is not None:
        results = read_results(args.out, "`run --out`") if args.out.exists() else {"runs": []}
        write_results(args.out, {**results, "admission": found})


def _entries(names: str) -> list[Entry]:
    wanted = list(ENTRIES) if names == "all" else names.split(",")
    for name in wanted:
        if name not in ENTRIES:
            raise BenchmarkError(f"there is no contestant {name!r}; there are {', '.join(ENTRIES)}")
        if not ENTRIES[name].python.exists():
            raise BenchmarkError(f"{ENTRIES[name].python} is missing; run: make bench-keypool (it installs the peers)")
    return [ENTRIES[name] for name in wanted]


def _modes(names: str) -> list[Mode]:
    wanted = [m for name in names.split(",") for m in MODE_GROUPS.get(name, (name,))]
    for name in wanted:
        if name not in MODES:
            raise BenchmarkError(f"there is no mode {name!r}; there are {', '.join([*MODES, *MODE_GROUPS])}")
    return [MODES[name] for name in wanted]


if __name__ == "__main__":
    sys.exit(main())
