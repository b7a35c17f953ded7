"""`python -m tests.fuzz soak`: run jobs on hostile pages, one after another.

Each page passes through a whole job, from its bytes on the wire to a stored property. The simulated model's answers
quote the page. No page may take more than 3 s of CPU or 400 MB, cause an unexpected error, or end the process.
"""

import json
import select
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tests.fuzz.soak.pages import honest_page, hostile_page
from tests.fuzz.soak.site import Pages, Site

#: The limits of a page: CPU seconds, and megabytes above the memory of the process after its warm-up.
MOST_CPU_SECONDS, MOST_MEGABYTES = 3.0, 400.0
CHILD = (sys.executable, "-m", "tests.fuzz.soak.child")
#: A process is replaced after this many pages, or when its memory has grown by this many megabytes.
_PAGES_OF_A_CHILD, _MOST_KEPT_MEGABYTES = 100, 100.0
#: How many honest pages warm up a process, and the seed of these pages.
_WARM, _WARM_SEED = 4, -1
#: The time limit of a page in seconds.
MOST_WALL_SECONDS = 300.0
_LISTED = 5
_AN_ADDRESS_EVERY, _ADDRESS = 4, "12 Elm Street, Springfield, IL 62701"
_SOURCES = """
[[area]]
name = "Soak"
state = "IL"
[[area.source]]
name = "Assessor"
kind = "assessor"
url = "{url}?zip={{postal_code}}"
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one page. `code` is "done", the error's code or class, or "no answer" if the process ended."""

    number: int
    kind: str
    code: str
    seconds: float = 0.0
    megabytes: float = 0.0
    problem: str = ""

    @property
    def failure(self) -> str:
        found = [self.problem] if self.problem else []
        found += [f"{self.seconds:.1f} s of CPU"] if self.seconds > MOST_CPU_SECONDS else []
        found += [f"{self.megabytes:.0f} MB"] if self.megabytes > MOST_MEGABYTES else []
        return "; ".join(found)

    def __str__(self) -> str:
        spent = f"{self.seconds:5.2f} s, {self.megabytes:4.0f} MB"
        return f"page {self.number} ({self.kind}): {self.code}, {spent}" + (f": {self.failure}" if self.failure else "")


def summary(outcomes: list[Outcome]) -> str:
    codes = Counter(one.code for one in outcomes)
    kinds = Counter(kind for one in outcomes for kind in one.kind.split(" + "))
    failures = sum(bool(one.failure) for one in outcomes)
    return "\n".join(
        [
            f"soak: {len(outcomes)} pages, {failures} failures",
            "  ended: " + ", ".join(f"{code} {count}" for code, count in codes.most_common()),
            "  made of: " + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()),
            *(f"  slow: {one}" for one in sorted(outcomes, key=lambda one: -one.seconds)[:_LISTED]),
            *(f"  large: {one}" for one in sorted(outcomes, key=lambda one: -one.megabytes)[:_LISTED]),
        ]
    )


def soak(
    seed: int, numbers: Iterable[int], pages: Pages = hostile_page, report: Callable[[Outcome], None] = lambda _: None
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    made = lru_cache(maxsize=2)(pages)
    child: _Child | None = None
    with Site(lambda of, number: honest_page(number) if of == _WARM_SEED else made(of, number)) as site:
        try:
            for number in numbers:
                child = child or _Child(site)
                outcomes.append(child.work(seed, number, made(seed, number).kind))
                report(outcomes[-1])
                if not child.is_fit:
                    child.end()
                    child = None
        finally:
            if child is not None:
                child.end()
    return outcomes


class _Child:
    """A process that runs jobs. Its memory after the warm-up is the baseline of later measurements."""

    def __init__(self, site: Site) -> None:
        self._site, self._home = site, tempfile.mkdtemp(prefix="soak-")
        honest = [site.url(_WARM_SEED, number) for number in range(_WARM)]
        command = [*CHILD, self._home, str(site.port), *honest]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        warm = json.loads(self._process.stdout.readline())
        if warm["problem"]:
            raise RuntimeError(f"an honest page fails: {warm['problem']}")
        self._pages, self._warm_megabytes = 0, warm["kept_megabytes"]
        self.is_fit = True

    def work(self, seed: int, number: int, kind: str) -> Outcome:
        """Run a job for page `number` of `seed`. If `is_fit` is False afterwards, the process must be replaced."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # if the process has ended, the next read detects this
            self._process.stdin.write(f"{self._target(seed, number)}\n".encode())
            self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], MOST_WALL_SECONDS)
        line = self._process.stdout.readline() if ready else b""
        if not line:
            self.is_fit = False
            ended = f"its process ended, status {self._process.wait()}" if ready else "it did not come to an end"
            return Outcome(number, kind, "no answer", problem=ended)
        result = json.loads(line)
        self._pages += 1
        kept = result["kept_megabytes"] - self._warm_megabytes
        self.is_fit = self._pages < _PAGES_OF_A_CHILD and kept < _MOST_KEPT_MEGABYTES
        grown = result["peak_megabytes"] - self._warm_megabytes
        return Outcome(number, kind, result["code"], result["seconds"], grown, result["problem"])

    def _target(self, seed: int, number: int) -> str:
        url = self._site.url(seed, number)
        if number % _AN_ADDRESS_EVERY:
            return url
        Path(self._home, "sources.toml").write_text(_SOURCES.format(url=url), "utf-8")
        return _ADDRESS

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()
        shutil.rmtree(self._home, ignore_errors=True)
