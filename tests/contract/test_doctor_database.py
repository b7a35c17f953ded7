"""The doctor's checks of databases and jobs."""

import os
import sqlite3
from collections.abc import Callable, Collection
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from app.clock import ManualClock, SystemClock
from app.property.page import Page
from app.property.storage.llm.cache import Question
from app.property.storage.llm.requests import NewRequest
from app.property.storage.properties.tables import Property
from app.property.storage.schema import upgrade
from app.property.storage.watches.budget import WatchLimits
from app.services.reports.doctor.database import check_database, check_jobs, file_system
from app.services.reports.doctor.findings import Finding
from app.services.reports.doctor.fleet import CeleryFacts, check_clock
from app.services.reports.reindex import reindex
from app.settings import Settings, load_settings
from tests.contract.conftest import set_version
from tests.contract.test_store_properties import source
from tests.plugins.stores import Stores
from tests.plugins.waiting import wait_for

MakeSettings = Callable[..., Settings]


@pytest.fixture
def make_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedded_valkey_url: str) -> MakeSettings:
    def make(**variables: str) -> Settings:
        for name, value in {"PROPINTEL_HOME": str(tmp_path), "REDIS_URL": embedded_valkey_url, **variables}.items():
            monkeypatch.setenv(name, value)
        return load_settings()

    return make


def fleet_of(*queues: str) -> CeleryFacts:
    """Return facts about one worker that consumes `queues`, or about no worker if no queue is given."""
    nodes: dict[str, Collection[str]] = {"celery@here": queues} if queues else {}
    return CeleryFacts(lambda: nodes, "scrape", "maintenance", "p:", "p::lock", "p::schedule")


def test_another_schema_is_a_failure_and_one_before_1_0_suggests_an_export(
    make_settings: MakeSettings, database_url: str
) -> None:
    set_version(database_url, "9999")
    verdict = check_database(make_settings(DATABASE_URL=database_url))
    assert (verdict.state, "newer" in verdict.detail) == ("failed", True)
    set_version(database_url, "0025")
    settings = make_settings(DATABASE_URL=database_url)
    verdict = check_database(settings)
    assert (verdict.state, "schema 0025" in verdict.detail) == ("failed", True)
    assert "Export its properties with that version" in str(verdict.remedy)
    assert check_jobs(settings, fleet_of(), SystemClock()).state == "skipped"
    assert "schema 0025" in check_database(settings).detail, "a check must not migrate"


def test_properties_of_an_older_version_are_a_warning_until_they_are_reindexed(
    db: Stores, make_settings: MakeSettings, database_url: str
) -> None:
    db.save(source("https://a.example/1", YearBuilt=1990))
    settings = make_settings(DATABASE_URL=database_url)
    assert check_database(settings).state == "ok"
    db.execute(update(Property).values(identity_version=0))
    verdict = check_database(settings)
    assert (verdict.state, "a second time: 1" in verdict.detail) == ("warning", True)
    assert "propintel db reindex" in str(verdict.remedy)
    reindex(db)
    assert check_database(settings).state == "ok"


def test_a_check_does_not_create_a_missing_database_file(make_settings: MakeSettings, tmp_path: Path) -> None:
    settings = make_settings()
    assert check_database(settings).state == "ok"
    assert check_jobs(settings, fleet_of(), SystemClock()).detail == "none yet"
    assert list(tmp_path.iterdir()) == []


def test_sqlite_without_wal_is_a_warning_and_an_upgrade_fixes_it(make_settings: MakeSettings, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.sqlite3'}"
    upgrade(url)
    with sqlite3.connect(tmp_path / "store.sqlite3") as raw:
        raw.execute("PRAGMA journal_mode = DELETE")
    settings = make_settings(DATABASE_URL=url)
    verdict = check_database(settings)
    assert (verdict.state, "journal mode is delete" in verdict.detail) == ("warning", True)
    upgrade(url)
    assert check_database(settings).state == "ok"


def test_sqlite_on_a_network_file_system_is_a_warning(make_settings: MakeSettings, tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    folder = tmp_path / "shared disk"
    folder.mkdir()
    escaped = str(folder).replace(" ", "\\040")
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/export {escaped} nfs4 rw 0 0\n")
    assert file_system(folder / "deeper" / "store.sqlite3", mounts) == "nfs4"
    assert file_system(tmp_path / "store.sqlite3", mounts) == "ext4"
    assert file_system(tmp_path, tmp_path / "no such file") is None
    verdict = check_database(make_settings(DATABASE_URL=f"sqlite:///{folder}/store.sqlite3"), mounts)
    assert (verdict.state, "nfs4" in verdict.detail) == ("warning", True)
    assert "PostgreSQL" in str(verdict.remedy)


@pytest.mark.skipif(not Path("/proc/self/mounts").exists(), reason="no /proc/self/mounts: not Linux")
def test_the_mounts_of_this_machine_can_be_read() -> None:
    assert file_system(Path(os.sep) / "proc") == "proc"


def test_jobs_without_a_worker_are_a_failure(db: Stores, make_settings: MakeSettings, database_url: str) -> None:
    """With a worker that runs jobs, the check passes until the oldest job has waited for 15 minutes."""
    db.jobs.enqueue([f"http://homes.example/{n}" for n in range(120)])
    settings = make_settings(DATABASE_URL=database_url)
    for queues in ([], ["maintenance"]):
        verdict = check_jobs(settings, fleet_of(*queues), db.clock)
        assert verdict.state == "failed"
        assert "120 queued" in verdict.detail
        assert "120 jobs wait and no worker runs" in verdict.detail
        assert "propintel up" in str(verdict.remedy)
    assert check_jobs(settings, fleet_of("scrape"), db.clock).state == "ok"
    db.clock.advance(901)
    late = check_jobs(settings, fleet_of("scrape"), db.clock)
    assert (late.state, "has waited for 15 min" in late.detail) == ("warning", True)


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(("seconds", "state"), [(4, "ok"), (-4, "ok"), (7, "warning"), (-3600, "warning")])
def test_a_wrong_clock_is_a_warning(make_settings: MakeSettings, database_url: str, seconds: int, state: str) -> None:
    """The local clock is compared with the clock of Redis and, on PostgreSQL, also with the database's clock.

    A delay between the readings of two clocks counts as a difference, so the check is repeated if it
    was too slow for the difference.
    """
    settings = make_settings(DATABASE_URL=database_url)
    names = ["Redis"] if database_url.startswith("sqlite") else ["Redis", "PostgreSQL"]
    right = check_clock(settings, SystemClock())
    assert (right.state, all(name in right.detail for name in names)) == ("ok", True)
    far = f"too far from {' and '.join(names)}" if state == "warning" else ""

    def ask() -> Finding:
        return check_clock(settings, ManualClock(SystemClock().now() + timedelta(seconds=seconds)))

    verdict = wait_for(ask, lambda found: found.state == state and far in found.detail)
    assert ("NTP" in str(verdict.remedy)) == (state == "warning")


def test_unsent_economy_requests_and_unreachable_batches_are_warnings(
    db: Stores, make_settings: MakeSettings, database_url: str
) -> None:
    settings, clock, batches = make_settings(DATABASE_URL=database_url), db.clock, db.llm_batches
    job = db.start("https://a.example/1", "w", economy=True)
    question = Question("c" * 64, ("Roof",), "m", "p" * 64)
    page = Page(job.target, job.target, "text/html", "", b"", clock.now())
    db.requests.park(job, "w", NewRequest(question, {"model": "m"}, input_tokens=9, output_tokens=9, page=page), 86_400)
    fleet = fleet_of("scrape", "maintenance")
    clock.advance(600 + 900)
    assert check_jobs(settings, fleet, clock).state == "ok"
    clock.advance(1)
    late = check_jobs(settings, fleet, clock)
    assert (late.state, "economy requests have waited for 25 min" in late.detail) == ("warning", True), late.detail
    batch = batches.begin("m", batches.candidates("m", 10), lambda taken: {"": (len(taken), 0, 0)})
    assert batches.claim("w", 30) is not None
    assert check_jobs(settings, fleet, clock).state == "ok"
    batches.note(batch.id, "w", unreachable_since=clock.now(), openai_id="batch_7")
    clock.advance(120)
    lost = check_jobs(settings, fleet, clock)
    assert "no key has reached batch_7 (1 request) for 2 min" in lost.detail
    assert "a key of the batch's project" in str(lost.remedy)


def test_watches_that_wait_for_budget_for_days_are_a_warning(
    db: Stores, make_settings: MakeSettings, database_url: str
) -> None:
    """A watch may wait one day for its budget. Due watches that no tick has handled have another warning."""
    settings, clock, watches = make_settings(DATABASE_URL=database_url, WATCH_DAILY_PAGES="0"), db.clock, db.watches
    watches.add(["https://site.example/1"], interval_days=1)
    clock.advance(86_400)
    assert watches.tick(WatchLimits(0, 0)).put_off == 1
    assert check_jobs(settings, fleet_of("scrape"), clock).state == "ok"
    clock.advance(2 * 86_400)
    over_budget = check_jobs(settings, fleet_of("scrape"), clock)
    assert (over_budget.state, "1 watch has waited" in over_budget.detail) == ("warning", True)
    assert "WATCH_DAILY_PAGES" in str(over_budget.remedy)
    watches.add(["https://site.example/2"], interval_days=1)
    clock.advance(3 * 86_400)
    without_tick = check_jobs(settings, fleet_of("scrape"), clock)
    assert "1 watch has been due" in without_tick.detail
