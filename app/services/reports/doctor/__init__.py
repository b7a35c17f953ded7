"""The doctor checks an installation and gives a remedy for each problem.

It changes nothing and calls no paid API.
"""

from dataclasses import replace
from pathlib import Path

from app.clock import Clock
from app.redis.fleet_clock import make_clock
from app.services.reports.doctor.database import check_database, check_jobs
from app.services.reports.doctor.findings import Finding, State, finding_of, run_checks
from app.services.reports.doctor.fleet import (
    CeleryFacts,
    check_beat,
    check_clock,
    check_keys,
    check_redis,
    check_workers,
)
from app.services.reports.doctor.machine import check_home, check_settings, check_sources
from app.services.runtime.ttl_cache import TtlCache
from app.settings import Settings

__all__ = ["CeleryFacts", "Finding", "State", "examine", "finding_of"]

#: Time limit of each check; all checks run concurrently.
_CHECK_SECONDS = 10.0


def examine(settings: Settings, celery: CeleryFacts, clock: Clock, env_file: Path | None) -> list[Finding]:
    """Return all findings within ten seconds. Never raises.

    `env_file` is the `.env` file, if any. `clock` is this machine's clock. Findings contain no secrets.
    """
    celery = replace(celery, consumers=TtlCache(celery.consumers, _CHECK_SECONDS))
    checks = {
        "settings": lambda: check_settings(settings, env_file),
        "home": lambda: check_home(settings),
        "sources": lambda: check_sources(settings),
        "redis": lambda: check_redis(settings),
        "database": lambda: check_database(settings),
        "keys": lambda: check_keys(settings),
        "workers": lambda: check_workers(settings, celery, clock),
        "beat": lambda: check_beat(settings, celery, clock),
        "clock": lambda: check_clock(settings, clock),
        "jobs": lambda: check_jobs(settings, celery, make_clock(settings)),
    }
    return run_checks(checks, _CHECK_SECONDS, sorted(set(settings.secrets()), key=len, reverse=True))
