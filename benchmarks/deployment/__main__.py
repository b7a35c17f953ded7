"""`python -m benchmarks.deployment`: measure the image and docker-compose.yml, for docs/benchmarks/deployment.md."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.deployment.compose import IMAGES, ROOT, Compose, docker, seconds_of
from benchmarks.results import BenchmarkError, exit_code, machine

_BASE = IMAGES["PYTHON_IMAGE"]
_IMAGE = "property-intelligence:bench"
#: The seconds from the start to the measurement of idle memory, so that no process is still starting.
_SETTLE_SECONDS = 20.0


@dataclass
class Figures:
    image_mb: float
    base_mb: float
    build_seconds: float
    first_start_seconds: float
    next_start_seconds: float
    stop_seconds: float
    batch_seconds: float
    jobs: int
    idle_mib: dict[str, float]
    most_mib: dict[str, float]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deployment", description=__doc__)
    parser.add_argument("--jobs", type=int, default=200, help="of the batch during which memory is looked at")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks" / "deployment.md")
    args = parser.parse_args(argv)
    return exit_code(lambda: _write(_measure(args.jobs), args.out))


def _write(figures: Figures, out: Path) -> None:
    out.write_text(_page(figures), encoding="utf-8")
    print(out.read_text(encoding="utf-8"))


def _measure(jobs: int) -> Figures:
    build = seconds_of("build", "--no-cache", "--quiet", "--build-arg", "PYTHON_IMAGE", "--tag", _IMAGE, ".")
    docker("tag", _IMAGE, "property-intelligence")
    with Compose() as compose:
        first = compose.seconds_of("up", "--wait", "--no-build")
        time.sleep(_SETTLE_SECONDS)
        idle = compose.memory_mib()
        batch_seconds, most = _batch(compose, jobs)
        stop = compose.seconds_of("stop")
        compose.run("down")
        again = compose.seconds_of("up", "--wait", "--no-build")
    return Figures(
        image_mb=_size_mb(_IMAGE),
        base_mb=_size_mb(_BASE),
        build_seconds=build,
        first_start_seconds=first,
        next_start_seconds=again,
        stop_seconds=stop,
        batch_seconds=batch_seconds,
        jobs=jobs,
        idle_mib=idle,
        most_mib=most,
    )


def _batch(compose: Compose, jobs: int) -> tuple[float, dict[str, float]]:
    start = time.monotonic()
    batch = compose.enqueue(jobs, first=1)
    most: dict[str, float] = {}
    while {"queued", "running", "deferred"} & (counts := compose.counts(batch)).keys():
        for service, mib in compose.memory_mib().items():
            most[service] = max(mib, most.get(service, 0.0))
    if counts != {"done": jobs}:
        raise BenchmarkError(f"not all jobs were done: {counts}")
    return time.monotonic() - start, most


def _size_mb(image: str) -> float:
    return float(json.loads(docker("image", "inspect", image))[0]["Size"]) / 1e6


def _page(figures: Figures) -> str:
    ours = figures.image_mb - figures.base_mb
    base = _BASE.partition("@")[0]
    rows = "\n".join(
        f"| `{service}` | {figures.idle_mib[service]:.0f} | {figures.most_mib.get(service, 0):.0f} |"
        for service in sorted(figures.idle_mib)
    )
    return f"""# The deployment: image, start, memory

`make bench-deployment` on {machine()}: one worker of two processes, with the demo's simulators.

| | |
|---|---|
| image | {figures.image_mb:.0f} MB: base `{base}` {figures.base_mb:.0f} MB, ours {ours:.0f} MB |
| build from nothing | {figures.build_seconds:.0f} s |
| `docker compose up --wait` from nothing, image built | {figures.first_start_seconds:.0f} s until all is healthy |
| the same with existing volumes | {figures.next_start_seconds:.0f} s |
| `docker compose stop` | {figures.stop_seconds:.0f} s, nothing killed |
| a batch of {figures.jobs} jobs | {figures.batch_seconds:.0f} s |

Memory in MiB as Docker counts it, without reclaimable caches: {_SETTLE_SECONDS:.0f} s after the start, and the peak
during the batch.

| service | idle | during {figures.jobs} jobs |
|---|---|---|
{rows}
| total | {sum(figures.idle_mib.values()):.0f} | {sum(figures.most_mib.values()):.0f} |

A worker grows by one process per concurrent job (`WORKER_CONCURRENCY`). A process is replaced at 600 MB
(`worker_max_memory_per_child`), so `WORKER_MEMORY=2g` is enough for two.
"""


if __name__ == "__main__":
    sys.exit(main())
