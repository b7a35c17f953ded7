"""Configure `celery -A worker flower`: set Flower's defaults from our settings, and exit if its options are unsafe.

Flower's command line, a `flowerconfig.py`, and `FLOWER_` environment variables that are not settings of this project
override these defaults. The resulting options are checked before Flower listens.
"""

import base64
import hashlib
import logging
import os
import re
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
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.netutil import bind_sockets
from tornado.template import Template
from tornado.web import Application, OutputTransform, RequestHandler, authenticated

from app.errors import ConfigurationError
from app.files import make_private_folder
from app.redaction import protect, redact
from app.settings import VARIABLES, Settings
from app.settings.forms import flower_logins, is_loopback, names_elsewhere
from worker.config_reload import exit_with, settings

log = logging.getLogger(__name__)

#: How often Flower saves its state. A save of 10,000 tasks takes 0.2 s, during which Flower serves no page.
_SAVE_INTERVAL_MILLISECONDS = 30_000
#: Maximum number of workers that Flower keeps. Restarted workers may have new names, so offline workers accumulate.
_MAX_WORKERS = 500
_PURGE_OFFLINE_SECONDS = 3600


class PagePolicy(OutputTransform):
    """Adds headers to every response, so that no other site frames Flower, and its pages run only Flower's scripts."""

    headers: dict[str, str]

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        headers.update(self.headers)
        return super().transform_first_chunk(status_code, headers, chunk, finishing)


class SignedInMetrics(Metrics):
    """Flower's metrics, with the same login as its pages. By default, Flower serves metrics without a login."""

    @authenticated
    async def get(self) -> None:
        await super().get()


class MisdirectedRequest(RequestHandler):
    """Rejects a request whose host is neither localhost nor an IP address, to protect against DNS rebinding."""

    def prepare(self) -> None:
        self.set_status(421)
        self.finish(
            "Without a password, Flower answers only requests for localhost or an IP address, because a foreign page"
            " may have sent this browser here. Behind a proxy, set FLOWER_BASIC_AUTH.\n"
        )


def find_handler(flower: Flower, request: HTTPServerRequest, **options: Any) -> Any:
    """Return Flower's handler, or `MisdirectedRequest` if Flower has no login and the host has another name."""
    chosen = flower.options
    if not (chosen.basic_auth or chosen.auth or chosen.unix_socket) and names_elsewhere(request.host):
        return flower.get_handler_delegate(request, MisdirectedRequest)
    return Application.find_handler(flower, request, **options)


def connect(app: Celery) -> None:
    """Make `celery -A worker flower` configure Flower when its command line is read.

    Celery sends no signal for plugin commands such as `flower`, but adds the app's options to each command. A hidden
    option therefore calls `_on_command_line`.
    """
    begins = click.Option(["--begins"], hidden=True, expose_value=False, is_eager=True, callback=_on_command_line)
    app.user_options["preload"].add(begins)


def _on_command_line(context: click.Context, _option: click.Parameter, _value: object) -> None:
    if context.info_name != "flower" or context.resilient_parsing:
        return
    loaded = settings()
    _remove_own_variables()
    try:
        chosen = _defaults(loaded)
    except ConfigurationError as exc:
        exit_with(str(exc))
    for name, value in chosen.items():
        setattr(options, name, value)
    Flower.find_handler = find_handler
    handlers[handlers.index((r"/metrics", Metrics))] = (r"/metrics", SignedInMetrics)
    tornado_settings["xsrf_cookie_kwargs"] = {"samesite": "Strict"}
    PagePolicy.headers = _policy_headers()
    tornado_settings["transforms"] = [PagePolicy]
    import_modules.connect(_on_options_read, dispatch_uid="propintel-flower", weak=False)


def _policy_headers() -> dict[str, str]:
    """Flower's pages have one script of their own (`var autorefresh = ...`), and its widgets set `style` attributes."""
    source = Path(str(tornado_settings["template_path"]), "workers.html").read_text("utf-8")
    scripts = re.findall(r"<script[^<>]*>((?:(?!</?script).)+)</script>", source, re.DOTALL)
    texts = [Template(script, "workers.html").generate(autorefresh=value) for script in scripts for value in (0, 1)]
    hashes = (base64.b64encode(hashlib.sha256(text).digest()).decode() for text in texts)
    policy = {
        "default-src": "'none'",
        "script-src": " ".join(["'self'", *(f"'sha256-{digest}'" for digest in hashes)]),
        "style-src": "'self'",
        "style-src-attr": "'unsafe-inline'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


def _remove_own_variables() -> None:
    """Remove our `FLOWER_` settings and blank values from the environment, because some would crash Flower."""
    for name, value in list(os.environ.items()):
        if name.startswith("FLOWER_") and (name in VARIABLES or not value.strip()):
            del os.environ[name]


def _defaults(loaded: Settings) -> dict[str, Any]:
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
        "db": str(_state_folder(loaded.state.propintel_home) / "state"),
        "state_save_interval": _SAVE_INTERVAL_MILLISECONDS,
    }


def _state_folder(home: Path) -> Path:
    """The folder is private, because Flower unpickles the state file in it."""
    folder = home.expanduser().resolve() / "flower"
    try:
        make_private_folder(folder)
    except OSError as exc:
        problem = f"{folder}, the folder for Flower's state, cannot be created ({exc.strerror})"
        raise ConfigurationError("PROPINTEL_HOME", problem, "Make PROPINTEL_HOME writable") from exc
    return folder


def _on_options_read(**_: Any) -> None:
    """Check Flower's options after all of them are read, and before Flower opens a port."""
    protect(_secrets())
    try:
        _check_access()
        _try_to_listen()
    except ConfigurationError as exc:
        exit_with(redact(str(exc)))
    if not (options.basic_auth or options.auth):
        log.info("Flower has no password: every user of this machine sees all jobs. FLOWER_BASIC_AUTH sets one")


def _secrets() -> list[str]:
    """Flower logs its options at DEBUG, so the secrets among them must be masked."""
    logins = options.basic_auth or []
    passwords = [login.partition(":")[2] for login in logins]
    return [*logins, *passwords, options.cookie_secret or "", options.oauth2_secret or ""]


def _check_access() -> None:
    if options.basic_auth:
        try:
            flower_logins(",".join(options.basic_auth))
        except ValueError as exc:
            raise ConfigurationError("FLOWER_BASIC_AUTH", str(exc), "Correct it in Flower's options") from None
    elif not (options.auth or options.unix_socket or is_loopback(options.address)):
        where = options.address or "all addresses"
        problem = f"is not set, and Flower on {where} would show all jobs to anyone who can reach this machine"
        remedy = "Set it to user:password, with a password of `openssl rand -hex 16`, or FLOWER_ADDRESS to 127.0.0.1"
        raise ConfigurationError("FLOWER_BASIC_AUTH", problem, remedy)


def _try_to_listen() -> None:
    """If the address could not be bound later, Flower would print a traceback."""
    if options.unix_socket:
        return
    try:
        for bound in bind_sockets(options.port, options.address):
            bound.close()
    except OSError as exc:
        problem = f"Flower cannot listen on {options.address or '*'}:{options.port} ({exc.strerror})"
        raise ConfigurationError("FLOWER_ADDRESS", problem, "Set it and FLOWER_PORT to a free address") from exc
