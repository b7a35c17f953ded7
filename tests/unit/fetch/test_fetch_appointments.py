"""With thousands of jobs for few sites, a few workers use the full allowed request rate without sleeping.

Workers take jobs from one queue, and a fetch takes 0.2 s. A job that is deferred by at most 30 s returns on time. A
longer deferral ends only when recovery runs, every 5 s.
"""

import heapq
import itertools
import math
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from app.clock import ManualClock
from app.property.fetch.pace.rules import RequestOutcome, Visitor
from app.property.fetch.pace.stores import LocalPace

FETCH_SECONDS, PATIENCE_SECONDS, COUNTDOWN_SECONDS, RECOVERY_SECONDS = 0.2, 2.0, 30.0, 5.0
REDIRECT_PATIENCE_SECONDS = 60.0
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Fleet:
    """Simulated workers for a queue of (site, batch) `jobs`. `starts` by site and `ends` by batch are times in seconds.

    Each job makes `requests` requests; each but the last gets a redirect.
    """

    workers: int
    gap: float
    jobs: list[tuple[str, str]]
    requests: int = 1
    starts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    ends: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    runs: int = 0

    def run(self, until: float = math.inf) -> None:
        clock = ManualClock(START)
        pace = LocalPace(clock, concurrency=2, lease_seconds=70)
        queue = deque(enumerate(self.jobs))
        events: list[tuple[float, int, str, int, tuple[str, str]]] = []
        order = itertools.count()
        redirects = defaultdict[int, int](int)
        idle, now = self.workers, 0.0

        def at(seconds: float, what: str, number: int, job: tuple[str, str]) -> None:
            heapq.heappush(events, (seconds, next(order), what, number, job))

        def ask(number: int, job: tuple[str, str], left: float) -> None:
            nonlocal idle
            site, batch = job
            token = f"{number}-{redirects[number]}"
            visitor = Visitor(str(number), batch, can_defer=True, requested_site=site if redirects[number] else "")
            reply = pace.enter(site, token, visitor, gap_seconds=self.gap, left_seconds=left)
            wait = reply.wait_us / 1_000_000
            if wait == 0:
                self.starts[site].append(now)
                at(now + FETCH_SECONDS, "fetched", number, job)
            elif reply.is_appointment:
                idle += 1
                redirects[number] = 0
                back = now + wait
                if wait > COUNTDOWN_SECONDS:
                    back = (back // RECOVERY_SECONDS + 1) * RECOVERY_SECONDS
                at(back, "back", number, job)
            else:
                at(now + wait, f"waited {left - wait}", number, job)

        while (queue or events) and now < until:
            while queue and idle:
                idle -= 1
                self.runs += 1
                number, job = queue.popleft()
                ask(number, job, PATIENCE_SECONDS)
            if not events:
                break
            seconds, _, what, number, job = heapq.heappop(events)
            clock.advance(seconds - now)
            now = seconds
            if what == "fetched":
                token = f"{number}-{redirects[number]}"
                pace.leave(job[0], token, RequestOutcome(round(FETCH_SECONDS * 1e6), succeeded=True))
                redirects[number] += 1
                if redirects[number] < self.requests:
                    ask(number, job, REDIRECT_PATIENCE_SECONDS)
                else:
                    self.ends[job[1]].append(now)
                    idle += 1
            elif what == "back":
                queue.append((number, job))
            else:
                ask(number, job, float(what.split()[1]))


def test_a_batch_of_one_site_uses_the_whole_pace_and_finishes() -> None:
    fleet = Fleet(workers=4, gap=1.0, jobs=[("slow.example", "batch")] * 2_000)
    fleet.run()
    starts = fleet.starts["slow.example"]
    assert len(starts) == 2_000
    assert min(later - one for one, later in itertools.pairwise(starts)) >= 0.999999
    assert 2_000 * fleet.gap / (starts[-1] - starts[0]) >= 0.95
    assert fleet.runs < 3 * 2_000, "too many runs found no slot"


@pytest.mark.parametrize(("workers", "gap"), [(8, 1.0), (16, 10.0)])
def test_a_redirected_job_gets_its_next_slot_before_all_others(workers: int, gap: float) -> None:
    """A redirected job that waits too long for its next slot starts again. In an earlier version, restarted jobs took
    all slots and no job ended.
    """
    fleet = Fleet(workers=workers, gap=gap, jobs=[("slow.example", "batch")] * 200, requests=2)
    fleet.run(until=1.1 * 200 * 2 * gap)
    starts = fleet.starts["slow.example"]
    assert len(fleet.ends["batch"]) == 200
    assert len(starts) == 200 * 2
    assert min(later - one for one, later in itertools.pairwise(starts)) >= 0.999999 * gap


def test_other_sites_are_served_while_one_keeps_thousands_waiting() -> None:
    others = [(f"site-{n % 100}.example", "others") for n in range(1_000)]
    fleet = Fleet(workers=8, gap=2.0, jobs=[("slow.example", "batch")] * 2_000 + others)
    fleet.run()
    assert len(fleet.ends["others"]) == 1_000
    assert max(fleet.ends["others"]) < 60


def test_a_small_batch_shares_the_site_evenly_with_a_huge_one() -> None:
    """The small batch gets every other slot, although the huge batch has reserved slots for hours ahead."""
    fleet = Fleet(workers=4, gap=1.0, jobs=[("slow.example", "huge")] * 3_000 + [("slow.example", "small")] * 10)
    fleet.run()
    assert len(fleet.starts["slow.example"]) == 3_010
    assert max(fleet.ends["small"]) < 60
