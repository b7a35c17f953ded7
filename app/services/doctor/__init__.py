"""The doctor: what can be wrong with an installation, and what to do about each of it.

It changes nothing and asks no paid API. Celery is told to it as a `Courier`; how findings are shown is the door's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from app.clock import Clock
from app.services.doctor.broker import check_beat, check_redis
from app.services.doctor.clocks import check_clock
from app.services.doctor.courier import Courier
from app.services.doctor.database import check_database, check_jobs
from app.services.doctor.findings import Check, Finding, State, run_checks, verdict_of
from app.services.doctor.machine import check_home, check_settings
from app.services.doctor.workers import Fleet, check_keys, check_workers
from app.services.fleet_clock import make_clock
from app.settings import Settings

__all__ = ["Courier", "Finding", "State", "examine", "verdict_of"]

#: the longest that a check may take; all run side by side
CHECK_SECONDS = 10.0


def examine(
    settings: Settings, courier: Courier, clock: Clock, env_file: Path | None, *, seconds: float = CHECK_SECONDS
) -> list[Finding]:
    """All findings, after `seconds` at the latest. `env_file` is the file that settings were read from, if any.

    `clock` is this machine's. No finding shows a secret: keys stand there by their masks, URLs without password.
    Raises nothing.
    """
    fleet = Fleet(settings, courier)
    checks = [
        Check("settings", lambda: check_settings(settings, env_file)),
        Check("home", lambda: check_home(settings)),
        Check("redis", lambda: check_redis(settings)),
        Check("database", lambda: check_database(settings)),
        Check("keys", lambda: check_keys(settings)),
        Check("workers", lambda: check_workers(settings, fleet, clock)),
        Check("beat", lambda: check_beat(settings, courier, clock)),
        Check("clock", lambda: check_clock(settings, clock)),
        Check("jobs", lambda: check_jobs(settings, fleet, make_clock(settings))),
    ]
    return run_checks(checks, seconds, sorted(set(_secrets(settings)), key=len, reverse=True))


def _secrets(settings: Settings) -> Iterator[str]:
    """What no finding may show, whatever text a library has put it into."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, SecretStr):
                yield from _parts(one.get_secret_value())


def _parts(secret: str) -> Iterator[str]:
    """Of a URL its passwords, of a list of keys each of them, and else all of it."""
    if "://" not in secret:
        yield from filter(None, (part.strip() for part in secret.split(",")))
        return
    try:
        url = urlsplit(secret)
    except ValueError:  # not a URL after all
        yield secret
        return
    if url.password:
        yield from (url.password, unquote(url.password))
    for name, value in parse_qsl(url.query):
        if "password" in name.lower():
            yield value
