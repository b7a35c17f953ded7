"""Simulate a county that changes from day to day: ticks, jobs, changes, and webhooks as workers process them.

A manual clock jumps from one due event to the next. There is no broker: this process runs the tasks of due and
recovered jobs directly.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from unittest.mock import patch

from celery import Celery
from pydantic import SecretStr
from sqlalchemy import func, select

from app.clock import ManualClock
from app.property.storage.jobs.models import Job, JobState
from app.property.storage.jobs.models import Job as JobRow
from app.property.storage.outbox import Channel
from app.property.storage.properties.tables import SourceRow
from app.property.storage.watches.budget import day_of
from app.property.storage.watches.changes import ChangeStore
from app.property.storage.watches.models import Change, Watch
from app.property.storage.watches.repository import Watches
from app.services.delivery.deliver import follow_changes, is_due
from app.services.runtime.resources import Resources, open_resources
from app.services.watches import watching
from app.settings import Settings
from simulators.county.days import DailyCounty, Plan
from simulators.openai.config import Config
from simulators.openai.server import OpenAISimulator
from simulators.serving import BackgroundServer
from tasks import make_celery
from tasks._celery.context import close, install

START = datetime.fromisoformat("2026-03-02T00:00:00+00:00")
KEY = "sk-simulator-watching0123456789abcdef"
#: The longest step of the clock between two ticks.
_STEP = timedelta(hours=1)
_LEAST = timedelta(minutes=1)
_DOWN_HOURS, _LOST_EVERY = 12, 7


@dataclass
class Receiver:
    """Accepts webhooks, but answers 503 to the first and from noon to midnight, and 500 to every 7th that it
    accepts."""

    clock: ManualClock
    taken: list[str] = field(default_factory=list)
    refused: int = 0
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}/changes"

    def answer(self, event: str) -> int:
        if not self.refused or self.clock.now().hour // _DOWN_HOURS:
            self.refused += 1
            return 503
        self.taken.append(event)
        return 500 if len(self.taken) % _LOST_EVERY == 0 else 204

    @contextmanager
    def running(self) -> Iterator[Receiver]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(receiver.answer(self.headers["webhook-id"]))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


@dataclass
class Simulated:
    """The results of a simulation.

    By UTC day, `pages` counts the requests that sites received, and `charged` has the pages and model calls charged to
    the budget.
    """

    plan: Plan
    interval_days: int
    limits: tuple[int, int]
    changes: list[Change] = field(default_factory=list)
    home_of: dict[str, int] = field(default_factory=dict)
    pages: dict[date, int] = field(default_factory=dict)
    charged: dict[date, tuple[int, int]] = field(default_factory=dict)
    put_off: dict[date, int] = field(default_factory=dict)
    looks: dict[str, list[datetime]] = field(default_factory=dict)
    jobs: Counter[str] = field(default_factory=Counter)
    unscraped: list[str] = field(default_factory=list)
    paused: int = 0
    taken: list[str] = field(default_factory=list)
    refused: int = 0
    seconds: float = 0.0


def simulate(
    plan: Plan,
    folder: Path,
    *,
    days: int,
    interval_days: int = 7,
    daily_pages: int = 240,
    daily_model_calls: int = 100,
    database_url: str | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Simulated:
    """Scrape all pages, watch all properties, and simulate `days`.

    Jitter, ids, and the times of watches come from one seed. Runs still differ, because fetching adapts to latency.
    """
    clock, began, chance = ManualClock(START), time.monotonic(), random.Random(1)
    openai = OpenAISimulator(Config.from_json({"keys": [{"key": KEY, "rpm": 1_000_000, "tpm": 1_000_000_000}]}))
    with (
        patch.object(uuid, "uuid4", lambda: uuid.UUID(int=chance.getrandbits(128), version=4)),
        DailyCounty(plan, clock.now) as county,
        BackgroundServer(openai.app, openai.stopping) as api,
        Receiver(clock).running() as receiver,
    ):
        settings = Settings.of(  # type: ignore[call-arg]
            propintel_home=folder,
            database_url=SecretStr(database_url) if database_url else None,
            openai_api_keys=SecretStr(KEY),
            openai_base_url=f"{api.address}/v1",
            fetch_allowed_private_networks=(ip_network("127.0.0.0/8"),),
            fetch_min_delay_seconds=0,
            watch_daily_pages=daily_pages,
            watch_daily_model_calls=daily_model_calls,
            changes_webhook_url=SecretStr(receiver.url),
        )
        resources = open_resources(settings, clock, in_task=True)
        install(replace(resources, rng=chance))
        try:
            from tasks._celery.context import current  # noqa: PLC0415 (uses the installed resources)

            with closing(make_celery(settings)) as celery:
                celery.loader.import_default_modules()
                found = Simulated(plan, interval_days, (daily_pages, daily_model_calls))
                run = _Run(current(), celery, clock, county, found, progress)
                run.begin(interval_days)
                run.pass_days(days)
                run.end()
        finally:
            close()
    found.taken, found.refused = receiver.taken, receiver.refused
    found.seconds = time.monotonic() - began
    return found


@dataclass
class _Run:
    resources: Resources
    celery: Celery
    clock: ManualClock
    county: DailyCounty
    found: Simulated
    progress: Callable[[str], None]

    def begin(self, interval_days: int) -> None:
        made = self.resources.jobs.enqueue(self.county.urls())
        self._work(made.jobs)
        self.found.unscraped = [job.target for job in self._jobs(made.batch) if job.state is not JobState.DONE]
        with self.resources.database.reading() as connection:
            rows = connection.execute(select(SourceRow.url, SourceRow.property_id)).all()
        home_of_url = {self.county.roots[site] + path: page.home.number for (site, path), page in self._pages()}
        self.found.home_of = {row.property_id: home_of_url[row.url] for row in rows}
        Watches(self.resources.database).add(sorted(self.found.home_of), interval_days=interval_days, who="bench")
        follow_changes(self.resources.settings, self.resources.database)
        self.county.asked.clear()
        self.progress(f"{len(self.found.home_of)} properties of {len(home_of_url)} pages are watched")

    def pass_days(self, days: int) -> None:
        end, today = START + timedelta(days=days), START.date()
        while self.clock.now() < end:
            done, day = watching.tick(self.resources.database, self.resources.settings), self.clock.now().date()
            self.found.put_off[day] = max(self.found.put_off.get(day, 0), done.put_off)
            self._work(done.jobs)
            self._work([one.job for one in self.resources.jobs.recoverable()])
            self._deliver()
            if self.clock.now().date() != today:
                self._close(today)
                today = self.clock.now().date()
            self.clock.advance((self._next() - self.clock.now()).total_seconds())
        self._close(today)

    def end(self) -> None:
        """Simulate two days without changes, so that the receiver gets the remaining events. Then collect the feed."""
        store = ChangeStore(self.resources.database)
        for _ in range(48):
            self.clock.advance(3600)
            self._deliver()
        cursor = None
        while True:
            page = store.since(cursor, limit=1000)
            self.found.changes += page.changes
            cursor = page.next_since
            if not page.has_more:
                break
        with self.resources.database.reading() as connection:
            query = select(func.count()).select_from(Watch).where(Watch.state == "paused")
            self.found.paused = connection.execute(query).scalar_one()

    def _work(self, due: Sequence[Job]) -> None:
        task = self.celery.tasks["tasks.scrape.scrape_property"]
        for number, job in enumerate(due, start=1):
            self.found.looks.setdefault(job.target, []).append(self.clock.now())
            outcome = task.apply(args=(job.id,), throw=False)
            self.found.jobs[str(outcome.state)] += 1
            if number % 100 == 0:
                self.progress(f"{number} of {len(due)} jobs")

    def _deliver(self) -> None:
        if is_due(Channel.CHANGE, self.resources.database):
            self.celery.tasks["tasks.delivery.deliver_due"].apply(args=(Channel.CHANGE,), throw=True)

    def _next(self) -> datetime:
        now = self.clock.now()
        with self.resources.database.reading() as connection:
            waits = [
                connection.execute(select(func.min(column)).where(column > now)).scalar()
                for column in (JobRow.due_at, Change.look_at)
            ]
        return max(now + _LEAST, min([now + _STEP, *(one for one in waits if one is not None)]))

    def _close(self, day: date) -> None:
        with self.resources.database.reading() as connection:
            budget = day_of(connection, day)
        self.found.pages[day] = self.county.asked[day]
        self.found.charged[day] = (budget.pages, budget.model_calls)
        self.progress(f"{day}: {self.county.asked[day]} pages, {dict(self.found.jobs)}")

    def _jobs(self, batch: str) -> list[Job]:
        return self.resources.jobs.list(batch=batch, limit=10_000)

    def _pages(self) -> Iterator[tuple[tuple[str, str], Any]]:
        return iter(self.county.plan.pages.items())
