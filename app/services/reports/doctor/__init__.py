"""The doctor: what can be wrong with an installation, and what to do about each of it.

It changes nothing and asks no paid API. Celery is told to it as a `Courier`; how findings are shown is the door's.
"""

from __future__ import annotations

from pathlib import Path

from app.clock import Clock
from app.redis.fleet_clock import make_clock
from app.services.reports.doctor.broker import check_beat, check_redis
from app.services.reports.doctor.clocks import check_clock
from app.services.reports.doctor.courier import Courier
from app.services.reports.doctor.database import check_database, check_jobs
from app.services.reports.doctor.findings import Check, Finding, State, run_checks, verdict_of
from app.services.reports.doctor.machine import check_home, check_settings
from app.services.reports.doctor.sources import check_sources
from app.services.reports.doctor.workers import Fleet, check_keys, check_workers
from app.settings import Settings

__all__ = ["Courier", "Finding", "State", "examine", "verdict_of"]

#: the longest that a check may take; all run side by side
_CHECK_SECONDS = 10.0


def examine(settings: Settings, courier: Courier, clock: Clock, env_file: Path | None) -> list[Finding]:
    """All findings, after ten seconds at the latest. `env_file` is the file that settings were read from, if any.

    `clock` is this machine's. No finding shows a secret: keys stand there by their masks, URLs without password.
    Raises nothing.
    """
    fleet = Fleet(settings, courier)
    checks = [
        Check("settings", lambda: check_settings(settings, env_file)),
        Check("home", lambda: check_home(settings)),
        Check("sources", lambda: check_sources(settings)),
        Check("redis", lambda: check_redis(settings)),
        Check("database", lambda: check_database(settings)),
        Check("keys", lambda: check_keys(settings)),
        Check("workers", lambda: check_workers(settings, fleet, clock)),
        Check("beat", lambda: check_beat(settings, courier, clock)),
        Check("clock", lambda: check_clock(settings, clock)),
        Check("jobs", lambda: check_jobs(settings, fleet, make_clock(settings))),
    ]
    return run_checks(checks, _CHECK_SECONDS, sorted(set(settings.secrets()), key=len, reverse=True))
