"""Run the chaos suite once: start the fleet, submit jobs, cause the faults in order, and stop when all jobs have ended.

Every wait has a time limit. The measurements are returned as `Evidence` for `account.py`.
"""

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from app.errors import PropertyIntelligenceError
from app.redis.embedded_valkey import EmbeddedValkey
from app.services.runtime.stores import Stores, open_stores
from app.settings import load_settings
from benchmarks import postgresql
from cli.demo_setup import environment
from cli.processes import StopSignals, Supervisor
from simulators.serving import BackgroundServer
from tasks._celery.submission import make_sender, submit_targets
from tests.chaos.evidence import Evidence, JobRow, Probe
from tests.chaos.expectation import OBSERVATIONS, expect
from tests.chaos.faults import Away, Faults, NobodyToKillError
from tests.chaos.fleet import Fleet, faketime_library, processes_of
from tests.chaos.ledger import Ledger
from tests.chaos.plan import FIRST_HOME, RUNNING_AGAIN_SECONDS, DatabaseKind, Plan
from tests.chaos.site import ChaosSite
from tests.chaos.store_under_test import StoreUnderTest, can_mount, open_store, patient_query
from tests.chaos.surroundings import fleet_environment, start_openai_simulator
from tests.chaos.watch import Watch

#: The share of jobs submitted before the first fault. Each fault has an equal share of the others.
_FIRST_SHARE = 0.3
#: The share of a fault's jobs that is submitted before the fault, by default none. A kill needs running jobs, and
#: wiping the broker needs queued messages.
_SHARE_BEFORE = {"child": 1.0, "worker": 1.0, "broker_wipe": 0.5}
_SUBMIT_SECONDS = 30.0
_PROBE_SECONDS = 15.0
_POLL_SECONDS = 0.05
_BROKER_FAULTS = ("broker_kill", "broker_stop", "broker_wipe")
_JOBS = "SELECT id, target, state, attempts, property_id, error_code, error_message, lease_owner FROM jobs"
Progress = Callable[[str], object]


def missing(database: DatabaseKind) -> list[str]:
    lacking = [
        (faketime_library() is None, "no libfaketime: install Debian's package libfaketime"),
        (shutil.which("setpriv") is None, "no setpriv: install Debian's package util-linux"),
        (not can_mount(), "no small disk to fill: mounting a tmpfs needs root"),
    ]
    found = [sentence for lacks, sentence in lacking if lacks]
    reason = postgresql.why_not() if database == "postgresql" else None
    return [*found, reason] if reason else found


def run(plan: Plan, home: Path, progress: Progress) -> Evidence:
    """Run the plan in the empty folder `home`, and leave the files of the run there. Use from the main thread."""
    evidence = Evidence(plan, home)
    with ExitStack() as stack:
        signals = stack.enter_context(StopSignals())
        store = stack.enter_context(open_store(plan.database))
        site = ChaosSite(plan.seed)
        address = stack.enter_context(BackgroundServer(site)).address
        valkey = stack.enter_context(EmbeddedValkey(home))
        openai = start_openai_simulator(stack.enter_context(Supervisor(signals)), home)
        env = fleet_environment(home, openai, redis_url=valkey.url, database_url=store.url)
        stack.enter_context(environment(env))
        fleet = Fleet(home, env, stack.enter_context(Supervisor(signals)), skewed_clock=plan.skewed_clock)
        evidence.logs, evidence.ended, evidence.ledger = fleet.logs(), fleet.ended, Ledger(store)
        evidence.watch = stack.enter_context(Watch(store, fleet.logs()))
        stores = stack.enter_context(open_stores(load_settings()))
        chaos = _Chaos(evidence, fleet, valkey, store=store, stores=stores, signals=signals, progress=progress)
        stack.callback(chaos.close)
        site.on_poison = chaos.poison
        chaos.play(address)
        _gather(evidence, store, address, site)
        evidence.paid = openai.paid()
    evidence.left_over = _left_over(home)
    progress("what the same pages give where nothing breaks")
    evidence.expectation = expect(sorted(url for url in evidence.fetched if "/homes/" in url), home)
    return evidence


class _Chaos:
    def __init__(
        self,
        evidence: Evidence,
        fleet: Fleet,
        valkey: EmbeddedValkey,
        *,
        store: StoreUnderTest,
        stores: Stores,
        signals: StopSignals,
        progress: Progress,
    ) -> None:
        self._evidence, self._plan, self._fleet = evidence, evidence.plan, fleet
        self._store, self._stores, self._signals, self._progress = store, stores, signals, progress
        self._sender = make_sender(stores.settings)
        self._waiting: list[str] = []
        self._faults = Faults(
            fleet, valkey, stores.settings, store, evidence.ledger, evidence.watch,
            self._plan.chance("victims"), wait=self._wait,
        )  # fmt: skip

    def close(self) -> None:
        self._sender.close()

    def poison(self, port: int) -> bool:
        return self._faults.poison(port)

    def play(self, address: str) -> None:
        homes = self._plan.jobs - self._plan.poison
        self._waiting = [f"{address}/homes/{n}" for n in range(FIRST_HOME, FIRST_HOME + homes)]
        self._plan.chance("queue").shuffle(self._waiting)
        self._note("starting the fleet")
        self._fleet.start()
        if self._plan.poison:
            self._submit([f"{address}/poison/{FIRST_HOME + homes}"], priority=0)
        self._submit(self._share(_FIRST_SHARE))
        self._break_things()
        self._note("all faults are over; waiting for the last jobs")
        self._wait_for_the_end()
        self._note("stopping")
        self._fleet.stop()

    def _break_things(self) -> None:
        order, gaps = self._plan.order, self._plan.chance("gaps")
        for place, name in enumerate(order):
            if self._overdue():
                self._evidence.not_done += order[place:]
                break
            self._wait(gaps.uniform(*self._plan.gap_seconds))
            self._break(name, self._share(1 / (len(order) - place)))
        self._submit(self._waiting)

    def _break(self, name: str, coming: list[str]) -> None:
        evidence = self._evidence
        before = round(len(coming) * _SHARE_BEFORE.get(name, 0))
        self._submit(coming[:before])
        self._note(name)
        try:
            away = self._faults.do(name)
        except NobodyToKillError:
            evidence.not_done.append(name)
            self._submit(coming[before:])
            return
        evidence.away.append(away)
        ids = self._submit(coming[before:], priority=0 if name in _BROKER_FAULTS else 5)
        if name in _BROKER_FAULTS and ids:
            self._probe(away, frozenset(ids))
        if name == "worker":
            self._wait_until_running()

    def _probe(self, away: Away, ids: frozenset[str]) -> None:
        watch, deadline = self._evidence.watch, time.monotonic() + _PROBE_SECONDS
        while (ran_at := watch.first_start(ids, away.ended)) is None and time.monotonic() < deadline:
            self._wait(_POLL_SECONDS)
        self._evidence.probes.append(Probe(away.what, away.ended, ran_at))

    def _wait_until_running(self) -> None:
        """Wait until the jobs of the last killed worker run again, because another fault would delay them."""
        watch, deadline = self._evidence.watch, time.monotonic() + RUNNING_AGAIN_SECONDS
        kill = next(kill for kill in reversed(self._evidence.ledger.kills) if kill.what == "worker")
        left = {interrupted.job_id for interrupted in kill.interrupted}
        while left and time.monotonic() < deadline:
            self._wait(_POLL_SECONDS)
            left = {job_id for job_id in left if watch.first_start(frozenset((job_id,)), kill.at) is None}

    def _share(self, share: float) -> list[str]:
        count = round(share * len(self._waiting))
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    def _submit(self, targets: Sequence[str], priority: int = 5) -> list[str]:
        """Submit jobs with retries, as the web server does. Return their ids, or [] if every attempt failed."""
        deadline = time.monotonic() + _SUBMIT_SECONDS
        while targets and time.monotonic() < deadline:
            try:
                made = submit_targets(
                    self._stores.jobs, self._sender, self._stores.settings, targets, priority=priority, refresh=False
                )
            except PropertyIntelligenceError as exc:
                self._note(f"not enqueued: {exc}")
                self._wait(0.2)
            else:
                ids = [job.id for job in made.jobs]
                self._evidence.accepted += ids
                return ids
        return []

    def _wait_for_the_end(self) -> None:
        accepted = set(self._evidence.accepted)
        while not self._overdue():
            self._wait(0.5)
            rows = patient_query(self._store, "SELECT id FROM jobs WHERE state IN ('done', 'failed', 'cancelled')")
            if accepted <= {row[0] for row in rows}:
                return

    def _wait(self, seconds: float) -> None:
        """Sleep for `seconds`, and restart ended processes meanwhile. Raises `StopRequestedError` after Ctrl-C."""
        until = time.monotonic() + seconds
        while True:
            self._signals.check()
            self._fleet.tend()
            left = until - time.monotonic()
            if left <= 0:
                return
            self._signals.wait(min(left, _POLL_SECONDS))

    def _overdue(self) -> bool:
        return time.monotonic() - self._evidence.began > self._plan.seconds

    def _note(self, line: str) -> None:
        self._progress(f"{time.monotonic() - self._evidence.began:6.1f} s  {line}")


def _gather(evidence: Evidence, store: StoreUnderTest, address: str, site: ChaosSite) -> None:
    evidence.seconds = time.monotonic() - evidence.began
    evidence.jobs = {row[0]: JobRow(*row) for row in patient_query(store, _JOBS)}
    evidence.fetched = Counter({address + path: times for path, times in site.complete.items()})
    evidence.served = site.served
    evidence.observations = Counter((row[0], row[1], row[2]) for row in patient_query(store, OBSERVATIONS))
    alive = "SELECT count(*) FROM properties WHERE merged_into IS NULL"
    evidence.properties = int(patient_query(store, alive)[0][0])
    for url, wanted in patient_query(store, "SELECT url, wanted_model FROM source_records"):
        evidence.without_model[url] = bool(json.loads(wanted) if isinstance(wanted, str) else wanted)


def _left_over(home: Path) -> list[str]:
    deadline = time.monotonic() + 5
    while (found := processes_of(home)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return [f"{one.pid} {' '.join(one.cmdline()[:6])}" for one in found]
