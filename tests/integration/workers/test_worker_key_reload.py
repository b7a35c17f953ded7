"""Keys are added and removed while a worker runs. No job fails or is interrupted, and changes apply at once."""

import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.keypool.keys import mask
from app.services.keys.view import fleet_stats
from cli.processes import Child
from simulators.site.pages import bundled_pages
from tests.integration.workers.conftest import children_of
from tests.plugins.simulator_fixtures import KEYS

pytestmark = pytest.mark.worker

A, B, C = KEYS[:3]
#: The paths of pages that need the model, so that every job uses a key.
PAGES = [page.path for page in list(bundled_pages().values())[:12]]


@dataclass
class Rig:
    """A simulator with three keys, and a fleet that reads its keys from `.env` or from a key file."""

    simulator: Any
    make_fleet: Any
    site: str
    file: Path
    fleet: Any = None

    def start(self, text: str, variable: str, **options: Any) -> Child:
        """Start a worker with `text` in the file that `variable` (PROPINTEL_ENV_FILE or OPENAI_API_KEYS_FILE) names."""
        self.file.write_text(text)
        quick = {"FETCH_MIN_DELAY_SECONDS": "0", "FETCH_CONCURRENCY_PER_HOST": "16"}
        self.fleet = self.make_fleet(OPENAI_BASE_URL=self.simulator.base_url, **quick, **{variable: str(self.file)})
        child: Child = self.fleet.start_worker(**options)
        return child

    def send(self, pages: list[str]) -> list[str]:
        ids: list[str] = self.fleet.send(*(self.site + path for path in pages))
        return ids

    def wait_until_asked(self, key: str) -> None:
        self.fleet.until(lambda: self.asked(key) >= 1, 40)

    def asked(self, key: str) -> int:
        return int(self.simulator.stats_of(key)["requests"])

    def all_done(self, ids: list[str]) -> None:
        jobs = self.fleet.wait_for_state(ids, "done", "failed", seconds=60)
        assert [(job.state, job.attempts) for job in jobs] == [("done", 1)] * len(jobs), self.fleet.describe(ids)
        assert all(not job.wanted_model for job in jobs), self.fleet.describe(ids)


@pytest.fixture
def rig(make_fleet: Any, openai_simulator: Any, property_site: str, tmp_path: Path) -> Rig:
    """Answers are slow, so that keys change during requests. All keys have ample capacity."""
    keys = [{"key": k, "rpm": 60_000, "tpm": 100_000_000} for k in (A, B, C)]
    return Rig(openai_simulator(keys, latency_ms=400.0), make_fleet, property_site, tmp_path / "file")


def test_a_key_is_added_and_another_removed_while_jobs_run(rig: Rig) -> None:
    """The removed key finishes its requests and gets no new ones."""
    rig.start(f"{A}\n{B}\n", "OPENAI_API_KEYS_FILE", concurrency=2)
    first = rig.send(PAGES[:6])
    rig.wait_until_asked(A)
    rig.file.write_text(f"{B}\n{C}\n")
    rig.fleet.wait_for_line(f"OpenAI keys reloaded: 1 added ({mask(C)}), 1 draining ({mask(A)}), 1 unchanged", times=2)
    rig.all_done(first)
    before = rig.asked(A)
    rig.all_done(rig.send(PAGES[6:]))
    assert rig.asked(A) == before
    assert rig.asked(C) > 0
    assert "Traceback" not in rig.fleet.log("worker")
    shown = fleet_stats(rig.fleet.settings)["keys"]
    assert {name: figures["state"] for name, figures in shown.items()} == {
        mask(B): "closed",
        mask(C): "closed",
        mask(A): "draining",
    }
    assert shown[mask(A)]["last_used"] < shown[mask(C)]["last_used"]


def test_sighup_reloads_the_children_of_a_prefork_worker_and_interrupts_no_job(rig: Rig) -> None:
    """By default, Celery restarts a worker at SIGHUP. Here the same children continue with the new keys of `.env`."""
    worker = rig.start(f"OPENAI_API_KEYS={A}\n", "PROPINTEL_ENV_FILE", concurrency=2)
    children = {p.pid for p in children_of(worker)}
    jobs = rig.send(PAGES[:6])
    rig.wait_until_asked(A)
    rig.file.write_text(f"OPENAI_API_KEYS={A},{B}\n")
    worker.process.send_signal(signal.SIGHUP)
    rig.fleet.wait_for_line(f"OpenAI keys reloaded: 1 added ({mask(B)}), 0 draining, 1 unchanged", times=2)
    rig.all_done(jobs + rig.send(PAGES[6:]))
    assert rig.asked(B) > 0
    assert {p.pid for p in children_of(worker)} == children
    assert "Restarting celery worker" not in rig.fleet.log("worker")


def test_a_child_started_after_sighup_has_the_new_keys_and_survives_sighup(rig: Rig) -> None:
    """A new child inherits the settings that its parent has reloaded. SIGHUP sent to a child has no effect."""
    worker = rig.start(f"OPENAI_API_KEYS={A}\n", "PROPINTEL_ENV_FILE", concurrency=1)
    rig.file.write_text(f"OPENAI_API_KEYS={A},{B}\n")
    worker.process.send_signal(signal.SIGHUP)
    rig.fleet.wait_for_line("OpenAI keys reloaded: 1 added")
    rig.file.write_text(f"OPENAI_API_KEYS={C}\n")  # no signal follows, so no running process reads the file
    (old,) = children_of(worker)
    old.kill()
    rig.fleet.until(lambda: [p.pid for p in children_of(worker)] not in ([], [old.pid]), 20)
    (new,) = children_of(worker)
    rig.all_done(rig.send(PAGES[:1]))  # these jobs run in the new child
    new.send_signal(signal.SIGHUP)
    rig.all_done(rig.send(PAGES[1:2]))
    worker.process.send_signal(signal.SIGHUP)
    rig.fleet.wait_for_line(f"OpenAI keys reloaded: 1 added ({mask(C)}), 2 draining")
    assert [p.pid for p in children_of(worker)] == [new.pid]
