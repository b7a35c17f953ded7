"""`propintel up`: worker and beat, on request Flower and the web door, until Ctrl-C; SIGHUP reloads the OpenAI keys."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import NoReturn

from app.errors import ConfigurationError, PropertyIntelligenceError
from app.services.embedded_valkey import EmbeddedValkey, connect, without_password
from app.services.reload_signal import ReloadMark
from app.services.stores import open_stores
from app.settings import Settings, load_settings
from cli.processes import ChildDiedError, StopRequestedError, StopSignals, Supervisor
from cli.services import Services

_FLOWER_PORT = 5555
_WATCH_SECONDS = 0.5


def run_up(flower: bool, web: bool) -> int:
    """Run until a signal comes; -> 0 then, 1 if a process ended by itself, 2 if the settings cannot be used."""
    try:
        with StopSignals(sighup_reloads=True) as signals, contextlib.ExitStack() as stack:
            _run(load_settings(), signals, stack, flower=flower, web=web)
    except StopRequestedError:
        _say("stopped")
        return 0
    except PropertyIntelligenceError as exc:
        _say(str(exc))
        return 2
    except (ChildDiedError, TimeoutError) as exc:
        _say(str(exc))
        return 1


def _run(settings: Settings, signals: StopSignals, stack: contextlib.ExitStack, *, flower: bool, web: bool) -> NoReturn:
    home = settings.propintel_home.expanduser().resolve()
    open_stores(settings).close()  # a database that cannot be used is said here, not by every worker process
    valkey = _broker(settings, home, stack)
    supervisor = stack.enter_context(Supervisor(signals))
    # Celery honours its soft shutdown, which re-queues what it cannot finish, on TERM only with REMAP_SIGTERM
    services = Services(home, {**os.environ, "REMAP_SIGTERM": "SIGQUIT"})
    if web:
        services.web(supervisor, settings.port)
    if flower:
        services.flower(supervisor, _FLOWER_PORT)
    worker = services.worker(supervisor, concurrency=os.cpu_count() or 2)
    services.beat(supervisor)
    services.wait_for_worker(supervisor, worker)
    _say("worker and beat are up; Ctrl-C stops them")
    if flower:
        services.wait_for_port(supervisor, "Flower", _FLOWER_PORT)
        _say(f"Flower: http://127.0.0.1:{_FLOWER_PORT}")
    if web:
        services.wait_for_port(supervisor, "the web door", settings.port)
        _say(f"web: http://127.0.0.1:{settings.port}/docs")
    _watch(signals, supervisor, valkey, ReloadMark(home))


def _watch(signals: StopSignals, supervisor: Supervisor, valkey: EmbeddedValkey | None, mark: ReloadMark) -> NoReturn:
    while True:
        if signals.take_reload():
            _pass_on(mark)
        try:
            supervisor.check()
        except StopRequestedError:
            _say("stopping: jobs under way have ten seconds, what is left is queued again")
            raise
        if valkey is not None and valkey.died:
            raise ChildDiedError("the embedded Valkey", 1, valkey.last_words())
        signals.wait(_WATCH_SECONDS)


def _pass_on(mark: ReloadMark) -> None:
    """SIGHUP goes to worker and web door by the mark: beat and Flower would end at the signal."""
    try:
        mark.set()
    except ConfigurationError as exc:
        _say(str(exc))
    else:
        _say("asked the worker and the web door to read the OpenAI keys again")


def _broker(settings: Settings, home: Path, stack: contextlib.ExitStack) -> EmbeddedValkey | None:
    """REDIS_URL if it is set (it must answer), else the embedded Valkey, started first and stopped last."""
    if settings.redis_url is not None:
        connect(settings).close()
        _say(f"broker: {without_password(settings.redis_url.get_secret_value())}")
        return None
    valkey = stack.enter_context(EmbeddedValkey(home))
    owned = "" if valkey.pid else " (already running, left running)"
    _say(f"broker: embedded Valkey in {home}{owned}")
    return valkey


def _say(line: str) -> None:
    sys.stderr.write(f"propintel: {line}\n")
    sys.stderr.flush()
