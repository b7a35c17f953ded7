"""Coverage-guided fuzzing with Atheris, one process per target: `python -m tests.fuzz [TARGET ...] [--seconds 600]`.

An input fails if it raises an error or takes more than two CPU seconds. The failure is confirmed in a process without
instrumentation. Failing inputs are written to `tests/fuzz/regressions/TARGET/` for the test suite. If a target fails,
the exit status is 1.

The target `soak` needs no Atheris. It runs jobs on `--pages` hostile pages, generated from `--seed` (`soak/runner.py`).
The first page has the number `--first`: `soak --seed 1 --first 4711 --pages 1` repeats one page.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.seeds import WORDS, seeds
from tests.fuzz.soak.runner import Outcome, soak, summary
from tests.fuzz.targets import LIMIT_SECONDS, TARGETS

REGRESSIONS = Path(__file__).parent / "regressions"
#: The maximum length of an input in bytes. tests/unit/reading/test_growth.py tests longer inputs.
_MOST_BYTES = 16_384
_SOAK = "soak"
#: Number of pages between two progress reports of the soak.
_A_WORD_EVERY = 500
_REPLAY = "import sys; from tests.fuzz.targets import timed; print(timed(sys.argv[1], sys.stdin.buffer.read()))"


@dataclass
class Figures:
    target: str
    seconds: float
    executions: int = 0
    features: int = 0
    slowest_seconds: float = 0.0
    failure: str = ""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join((*TARGETS, _SOAK))}; all")
    parser.add_argument("--seconds", type=int, default=int(os.environ.get("FUZZ_SECONDS", "600")))
    parser.add_argument("--pages", type=int, default=10_000, help="how many pages are soaked")
    parser.add_argument("--seed", type=int, default=1, help="which pages")
    parser.add_argument("--first", type=int, default=0, help="the number of the first one")
    chosen = parser.parse_args(arguments)
    targets = chosen.targets or [*TARGETS, _SOAK]
    if unknown := set(targets) - {*TARGETS, _SOAK}:
        parser.error(f"no target is named {', '.join(sorted(unknown))}")
    done = [_run(name, chosen.seconds) for name in targets if name != _SOAK]
    for figures in done:
        did = f"{figures.executions:9} inputs in {figures.seconds:5.0f} s, {figures.features:6} features"
        end = figures.failure or "no failure"
        sys.stdout.write(f"{figures.target:9} {did}, slowest {figures.slowest_seconds:.2f} s: {end}\n")
    has_failed = any(figures.failure for figures in done)
    if _SOAK in targets:
        has_failed |= _soak(chosen.seed, range(chosen.first, chosen.first + chosen.pages))
    return int(has_failed)


def _soak(seed: int, numbers: range) -> bool:
    def report(outcome: Outcome) -> None:
        if outcome.failure:
            sys.stdout.write(f"{outcome}\n")
        if outcome.number % _A_WORD_EVERY == 0:
            sys.stdout.write(f"soak: page {outcome.number} of seed {seed}\n")
        sys.stdout.flush()

    outcomes = soak(seed, numbers, report=report)
    sys.stdout.write(f"{summary(outcomes)}\n")
    return any(one.failure for one in outcomes)


def _run(target: str, seconds: int) -> Figures:
    figures = Figures(target, 0.0)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"fuzz-{target}-") as folder:
        corpus, report = Path(folder, "corpus"), Path(folder, "report.json")
        _write_seeds(target, corpus, Path(folder, "words"))
        while (left := seconds - int(time.monotonic() - started)) > 0 and not figures.failure:
            command = [sys.executable, "-m", "tests.fuzz.inside", target, str(corpus), f"-max_total_time={left}"]
            command += [f"-max_len={_MOST_BYTES}", f"-dict={folder}/words", f"-artifact_prefix={folder}/"]
            command += ["-rss_limit_mb=0", "-timeout=120", "-print_final_stats=1"]
            env = {**os.environ, "FUZZ_REPORT": str(report)}
            ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
            _take(ended.stderr, report, figures)
            if ended.returncode:
                artifacts = [p for kind in ("crash", "timeout", "oom") for p in sorted(Path(folder).glob(f"{kind}-*"))]
                figures.failure = _confirmed(target, artifacts) or ("" if artifacts else ended.stderr[-2000:])
                for artifact in artifacts:
                    artifact.unlink()
    figures.seconds = round(time.monotonic() - started, 1)
    return figures


def _write_seeds(target: str, corpus: Path, words: Path) -> None:
    corpus.mkdir()
    for data in seeds(target):
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    quoted = ("".join(f"\\x{byte:02x}" for byte in word.encode()) for word in WORDS)
    words.write_text("".join(f'"{word}"\n' for word in quoted), "ascii")


def _take(stderr: str, report: Path, figures: Figures) -> None:
    for line in stderr.splitlines():
        if line.startswith("stat::number_of_executed_units:"):
            figures.executions += int(line.rpartition(":")[2])
        elif " ft: " in line:
            figures.features = max(figures.features, int(line.partition(" ft: ")[2].split()[0]))
    if report.is_file():
        figures.slowest_seconds = max(figures.slowest_seconds, json.loads(report.read_text("utf-8")))


def _confirmed(target: str, artifacts: list[Path]) -> str:
    """Return the first error that also occurs without instrumentation, and save its input as a regression test."""
    for artifact in artifacts:
        data = artifact.read_bytes()
        ended = subprocess.run([sys.executable, "-c", _REPLAY, target], input=data, capture_output=True, check=False)
        slow = not ended.returncode and float(ended.stdout) > LIMIT_SECONDS
        if ended.returncode or slow:
            kept = REGRESSIONS / target / hashlib.sha256(data).hexdigest()[:16]
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(data)
            error = ended.stderr.decode("utf-8", "replace").strip()
            return f"{kept}: {f'{float(ended.stdout):.1f} s' if slow else error.splitlines()[-1]}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
