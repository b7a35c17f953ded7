"""`python -m tests.fuzz soak`: jobs on hostile pages, one after the other.

Each page goes the whole way of a job in a worker's process: from its bytes on the wire to a stored property, with a
model that quotes it. None may take more than 3 s of CPU or 400 MB, raise what is no page's error, or end the process.
"""

from __future__ import annotations

import json
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from tests.fuzz.soak.pages import honest_page, hostile_page
from tests.fuzz.soak.site import Pages, Site

#: what no page may take
MOST_CPU_SECONDS, MOST_MEGABYTES = 3.0, 400.0
#: what does the jobs
CHILD = (sys.executable, "-m", "tests.fuzz.soak.child")
#: pages of one process, which ends earlier where it keeps so much more than it began with
_PAGES_OF_A_CHILD, _MOST_KEPT_MEGABYTES = 100, 100.0
#: honest pages before the first, and their seed
_WARM, _WARM_SEED = 4, -1
#: where a page that holds its process is given up
MOST_WALL_SECONDS = 300.0
_TOLD = 5
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
    """What came of a page. `code` is `done`, the code of the page's error, or what ended the process."""

    number: int
    kind: str
    code: str
    seconds: float = 0.0
    megabytes: float = 0.0
    problem: str = ""

    @property
    def failure(self) -> str:
        """What is wrong with it; empty: nothing."""
        found = [self.problem] if self.problem else []
        found += [f"{self.seconds:.1f} s of CPU"] if self.seconds > MOST_CPU_SECONDS else []
        found += [f"{self.megabytes:.0f} MB"] if self.megabytes > MOST_MEGABYTES else []
        return "; ".join(found)

    def __str__(self) -> str:
        spent = f"{self.seconds:5.2f} s, {self.megabytes:4.0f} MB"
        return f"page {self.number} ({self.kind}): {self.code}, {spent}" + (f": {self.failure}" if self.failure else "")


@dataclass
class Soaked:
    """What came of all pages."""

    seed: int
    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def failures(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.failure]

    def told(self) -> str:
        """The figures, in lines."""
        codes = Counter(one.code for one in self.outcomes)
        kinds = Counter(kind for one in self.outcomes for kind in one.kind.split(" + "))
        slowest = sorted(self.outcomes, key=lambda one: -one.seconds)[:_TOLD]
        largest = sorted(self.outcomes, key=lambda one: -one.megabytes)[:_TOLD]
        pages, failures = len(self.outcomes), len(self.failures)
        return "\n".join(
            [
                f"soak: {pages} pages of seed {self.seed} in {self.seconds:.0f} s, {failures} failures",
                "  ended: " + ", ".join(f"{code} {count}" for code, count in codes.most_common()),
                "  made of: " + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()),
                *(f"  slow: {one}" for one in slowest),
                *(f"  large: {one}" for one in largest),
            ]
        )


def soak(
    seed: int, numbers: Iterable[int], pages: Pages = hostile_page, tell: Callable[[Outcome], None] = lambda _: None
) -> Soaked:
    """A job on each of the pages `numbers`; `tell` hears of every one as it ends."""
    soaked, began = Soaked(seed), time.monotonic()
    made = lru_cache(maxsize=2)(pages)
    child: _Child | None = None
    with Site(lambda of, number: honest_page(number) if of == _WARM_SEED else made(of, number)) as site:
        try:
            for number in numbers:
                child = child or _Child(site)
                outcome = child.work(seed, number, made(seed, number).kind)
                soaked.outcomes.append(outcome)
                tell(outcome)
                if not child.is_fit:
                    child.end()
                    child = None
        finally:
            if child is not None:
                child.end()
    soaked.seconds = time.monotonic() - began
    return soaked


class _Child:
    """A process that does jobs, as warm as a worker's; what a page takes is counted from there."""

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
        """A job on the page. Afterwards the process may not be fit for another one."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):  # it has ended since
            self._process.stdin.write(f"{self._target(seed, number)}\n".encode())
            self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], MOST_WALL_SECONDS)
        said = self._process.stdout.readline() if ready else b""
        if not said:
            self.is_fit = False
            ended = f"its process ended, status {self._process.wait()}" if ready else "it did not come to an end"
            return Outcome(number, kind, "no answer", problem=ended)
        told = json.loads(said)
        self._pages += 1
        kept = told["kept_megabytes"] - self._warm_megabytes
        self.is_fit = self._pages < _PAGES_OF_A_CHILD and kept < _MOST_KEPT_MEGABYTES
        grown = told["peak_megabytes"] - self._warm_megabytes
        return Outcome(number, kind, told["code"], told["seconds"], grown, told["problem"])

    def _target(self, seed: int, number: int) -> str:
        """The page's URL; for every fourth one an address, about which `sources.toml` asks this page."""
        url = self._site.url(seed, number)
        if number % _AN_ADDRESS_EVERY:
            return url
        Path(self._home, "sources.toml").write_text(_SOURCES.format(url=url), "utf-8")
        return _ADDRESS

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()
        shutil.rmtree(self._home, ignore_errors=True)
