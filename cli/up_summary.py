"""What `propintel up` says once everything runs: where it is, how to sign in, and how to stop it."""

from __future__ import annotations

import contextlib
import os

from app.access.page_sessions import LINK_LIFETIME, PageSessions
from app.access.tokens import Caller, Role
from app.clock import SystemClock
from app.property.storage.database import database_url
from app.redaction import shown_url
from app.settings import Settings

#: a server on all addresses can be reached on loopback too
_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
#: whom the link signs in: whoever started this process
_SUBJECT = "propintel up"


def summary(settings: Settings, *, broker: str, flower: bool, web: bool) -> str:
    """Return the lines for people. One holds a secret, the sign-in link. Raises `BrokerUnavailableError`."""
    jobs = settings.jobs.worker_concurrency or os.cpu_count() or 1
    rows = [
        ("broker", broker),
        ("database", shown_url(database_url(settings))),
        ("jobs", f"{jobs} at once (WORKER_CONCURRENCY)"),
    ]
    if web:
        rows += _web_rows(settings)
    if flower:
        rows.append(("Flower", flower_url(settings)))
    lines = ["propintel: worker, maintenance worker and beat are up. Press Ctrl-C to stop everything."]
    return "\n".join([*lines, *(f"  {name:<10}{text}" for name, text in rows)])


def flower_host(settings: Settings) -> str:
    """The address at which this machine reaches Flower."""
    return _LOOPBACK.get(settings.flower.address, settings.flower.address)


def flower_url(settings: Settings) -> str:
    host = flower_host(settings)
    place = f"[{host}]" if ":" in host else host
    return f"http://{place}:{settings.flower.port}/{settings.flower.url_prefix}"


def _web_rows(settings: Settings) -> list[tuple[str, str]]:
    """Where the pages are, and a link that signs in, unless an identity provider says who may."""
    address = f"http://127.0.0.1:{settings.web.port}"
    rows = [("web", f"{address}/")]
    if settings.web.jwt_jwks_url is None:
        minutes = round(LINK_LIFETIME.total_seconds() / 60)
        manager = Caller(settings.web.jwt_issuer, _SUBJECT, Role.MANAGER)
        with contextlib.closing(PageSessions(settings, SystemClock())) as sessions:
            rows.append(("sign in", f"{address}{sessions.make_link(manager)}"))
        rows.append(("", f"(this link works once, within {minutes} minutes;"))
        rows.append(("", " later: propintel token --role manager --subject NAME)"))
    return rows
