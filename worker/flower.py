"""`celery -A worker flower` as this fleet wants it: what Flower is told before it begins, and when it must not begin.

What is set here are defaults: Flower's command line, a `flowerconfig.py` and those of its variables that are not ours
count more. What comes of all that is checked at the end, before Flower opens anything.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import click
from celery import Celery
from celery.signals import import_modules
from flower.app import Flower
from flower.options import options
from flower.urls import handlers
from flower.urls import settings as tornado_settings
from flower.views.monitor import Metrics
from tornado.httputil import HTTPServerRequest
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler, authenticated

from app.errors import ConfigurationError
from app.files import make_private_folder
from app.redaction import protect, redact
from app.settings import VARIABLES, Settings
from app.settings.forms import flower_logins, is_loopback, names_elsewhere
from worker.configuration import exit_with, settings

log = logging.getLogger(__name__)

#: Flower writes all that it remembers at each save: 10,000 tasks take 0.2 s, in which no page is served
_SAVE_INTERVAL_MILLISECONDS = 30_000
#: a worker that is started again has a new name
_MAX_WORKERS = 500
_PURGE_OFFLINE_SECONDS = 3600


class SignedInMetrics(Metrics):
    """Flower's metrics for whoever may see its pages; Flower itself shows them to everybody."""

    @authenticated
    async def get(self) -> None:
        await super().get()


class MisdirectedRequest(RequestHandler):
    """The answer to a request for a stranger's name (DNS rebinding)."""

    def prepare(self) -> None:
        self.set_status(421)
        self.finish(
            "Without a password Flower answers as localhost or by address only: a page of this host may have led a"
            " browser here. Behind a proxy set FLOWER_BASIC_AUTH.\n"
        )


def find_handler(flower: Flower, request: HTTPServerRequest, **options: Any) -> Any:
    """Flower's own, and none of its pages for a stranger's name (`names_elsewhere`) while there is no password."""
    chosen = flower.options
    if not (chosen.basic_auth or chosen.auth or chosen.unix_socket) and names_elsewhere(request.host):
        return flower.get_handler_delegate(request, MisdirectedRequest)
    return Application.find_handler(flower, request, **options)


def connect(app: Celery) -> None:
    """Be called when the command line of Flower is read.

    Celery has no signal for other people's commands, but gives each the options of the app; this one nobody sees.
    """
    begins = click.Option(["--begins"], hidden=True, expose_value=False, is_eager=True, callback=_on_command_line)
    app.user_options["preload"].add(begins)


def _on_command_line(context: click.Context, _option: click.Parameter, _value: object) -> None:
    if context.info_name != "flower" or context.resilient_parsing:
        return
    loaded = settings()
    _leave_ours_out()
    try:
        chosen = _defaults(loaded)
    except ConfigurationError as exc:
        exit_with(str(exc))
    for name, value in chosen.items():
        setattr(options, name, value)
    Flower.find_handler = find_handler
    handlers[handlers.index((r"/metrics", Metrics))] = (r"/metrics", SignedInMetrics)
    tornado_settings["xsrf_cookie_kwargs"] = {"samesite": "Strict"}
    import_modules.connect(_on_options_read, dispatch_uid="propintel-flower", weak=False)


def _leave_ours_out() -> None:
    """Flower would read what we have read already, take a blank for a value, and end in a traceback at a bad one."""
    for name, value in list(os.environ.items()):
        if name.startswith("FLOWER_") and (name in VARIABLES or not value.strip()):
            del os.environ[name]


def _defaults(loaded: Settings) -> dict[str, Any]:
    """Flower's options. Raises `ConfigurationError` if there is no place for what it remembers."""
    secret = loaded.flower.basic_auth
    return {
        "basic_auth": flower_logins(secret.get_secret_value()) if secret else [],
        "address": loaded.flower.address,
        "port": loaded.flower.port,
        "url_prefix": loaded.flower.url_prefix,
        "read_only": loaded.flower.read_only,
        "max_tasks": loaded.flower.max_tasks,
        "max_workers": _MAX_WORKERS,
        "purge_offline_workers": _PURGE_OFFLINE_SECONDS,
        "persistent": True,
        "db": str(_memory(loaded.state.propintel_home) / "state"),
        "state_save_interval": _SAVE_INTERVAL_MILLISECONDS,
    }


def _memory(home: Path) -> Path:
    """The folder of what Flower remembers. Others may not write there: Flower unpickles what it finds."""
    folder = home.expanduser().resolve() / "flower"
    try:
        make_private_folder(folder)
    except OSError as exc:
        problem = f"{folder}, where Flower keeps what it remembers, cannot be made ({exc.strerror})"
        raise ConfigurationError("PROPINTEL_HOME", problem, "Make PROPINTEL_HOME writable") from exc
    return folder


def _on_options_read(**_: Any) -> None:
    """Flower imports the tasks when it has read all options, and before it loads, listens or logs."""
    protect(_secrets())
    try:
        _refuse_strangers()
        _try_to_listen()
    except ConfigurationError as exc:
        exit_with(redact(str(exc)))
    if not (options.basic_auth or options.auth):
        log.info("Flower asks for no password: whoever is on this machine sees all jobs; FLOWER_BASIC_AUTH sets one")


def _secrets() -> list[str]:
    """What Flower logs with all its options at the level DEBUG."""
    logins = options.basic_auth or []
    passwords = [login.partition(":")[2] for login in logins]
    return [*logins, *passwords, options.cookie_secret or "", options.oauth2_secret or ""]


def _refuse_strangers() -> None:
    """Raises `ConfigurationError` if Flower would show itself to another machine, or take a poor password."""
    if options.basic_auth:
        try:
            flower_logins(",".join(options.basic_auth))
        except ValueError as exc:
            raise ConfigurationError("FLOWER_BASIC_AUTH", str(exc), "Correct it where Flower was given it") from None
    elif not (options.auth or options.unix_socket or is_loopback(options.address)):
        where = options.address or "all addresses"
        problem = f"is not set, and Flower on {where} would show all jobs to whoever can reach this machine"
        remedy = "Set it to user:password, with a password of `openssl rand -hex 16`, or FLOWER_ADDRESS to 127.0.0.1"
        raise ConfigurationError("FLOWER_BASIC_AUTH", problem, remedy)


def _try_to_listen() -> None:
    """Raises `ConfigurationError` where Flower would end in a traceback."""
    if options.unix_socket:
        return
    try:
        for taken in bind_sockets(options.port, options.address):
            taken.close()
    except OSError as exc:
        problem = f"Flower cannot listen on {options.address or '*'}:{options.port} ({exc.strerror})"
        raise ConfigurationError("FLOWER_ADDRESS", problem, "Set it and FLOWER_PORT to what is free here") from exc
