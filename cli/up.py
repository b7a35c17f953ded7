"""`propintel up`: workers and beat, on request Flower and the web door, until Ctrl-C; SIGHUP reloads the OpenAI keys.

What ends by itself once it was up is started again (`keeping.py`).
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from app.errors import ConfigurationError, PropertyIntelligenceError
from app.redaction import shown_url
from app.services.embedded_valkey import EmbeddedValkey, connect
from app.services.reload_signal import ReloadMark
from app.services.stores import open_stores
from app.settings import Settings, load_settings
from cli.keeping import ChildLife, Kept, ValkeyLife
from cli.processes import Child, ChildDiedError, StopRequestedError, StopSignals, Supervisor
from cli.services import START_SECONDS, Services, listens

#: who listens on all addresses listens on loopback too
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
_WATCH_SECONDS = 0.5
_BEAT = "beat"
#: beat tells nobody that it is up: who lives so long could be configured
_BEAT_UP_SECONDS = 10.0


def run_up(flower: bool, web: bool) -> int:
    """Run until a signal comes; -> 0 then, 1 if a process ended before it was up, 2 if the settings cannot be used."""
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
    kept = [Kept(life, time.monotonic, _say) for life in _lives(services, supervisor, settings, flower=flower, web=web)]
    for one in kept:
        one.start()
    for one in kept:
        if one.name != _BEAT:
            supervisor.wait_until(one.check, one.name, START_SECONDS)
    _say("worker, health worker and beat are up; Ctrl-C stops them")
    if flower:
        _say(f"Flower: {_flower_url(settings)}")
    if web:
        _say(f"web: http://127.0.0.1:{settings.port}/")
    ground = Kept(ValkeyLife(valkey), time.monotonic, _say) if valkey is not None and valkey.pid else None
    _watch(signals, ground, kept, ReloadMark(home))


def _lives(
    services: Services, supervisor: Supervisor, settings: Settings, *, flower: bool, web: bool
) -> Iterator[ChildLife]:
    """What is to run, in the order of its start."""
    if web:
        yield ChildLife("web", supervisor, lambda: services.web(supervisor, settings.port), _listener(settings.port))
    if flower:
        port, host = settings.flower_port, _reached_at(settings.flower_address)
        yield ChildLife("flower", supervisor, lambda: services.flower(supervisor, port), _listener(port, host))
    yield ChildLife(
        "worker",
        supervisor,
        lambda: services.worker(supervisor, concurrency=os.cpu_count() or 2),
        services.takes_tasks,
    )
    yield ChildLife("health", supervisor, lambda: services.health_worker(supervisor), services.takes_tasks)
    yield ChildLife(_BEAT, supervisor, lambda: services.beat(supervisor), _lived_for(_BEAT_UP_SECONDS))


def _listener(port: int, host: str = "127.0.0.1") -> Callable[[Child], bool]:
    """Does the child listen on `port`? Never, if another program did so before it was started."""
    taken = listens(port, host)
    return lambda _child: not taken and listens(port, host)


def _reached_at(address: str) -> str:
    return _LOOPBACK.get(address, address)


def _flower_url(settings: Settings) -> str:
    host = _reached_at(settings.flower_address)
    place = f"[{host}]" if ":" in host else host
    return f"http://{place}:{settings.flower_port}/{settings.flower_url_prefix}"


def _lived_for(seconds: float) -> Callable[[Child], bool]:
    return lambda child: time.monotonic() - child.started_at >= seconds


def _watch(signals: StopSignals, ground: Kept | None, kept: Sequence[Kept], mark: ReloadMark) -> NoReturn:
    while True:
        if signals.take_reload():
            _pass_on(mark)
        try:
            signals.check()
        except StopRequestedError:
            _say("stopping: jobs under way have ten seconds, what is left is queued again")
            raise
        if ground is not None:
            ground.tend()
        if ground is None or not ground.is_down:  # a worker that starts without its broker shares no keys
            for one in kept:
                one.tend()
        signals.wait(_WATCH_SECONDS)


def _pass_on(mark: ReloadMark) -> None:
    """SIGHUP goes to workers and web door by the mark: beat and Flower would end at the signal."""
    try:
        mark.set()
    except ConfigurationError as exc:
        _say(str(exc))
    else:
        _say("asked the workers and the web door to read the OpenAI keys again")


def _broker(settings: Settings, home: Path, stack: contextlib.ExitStack) -> EmbeddedValkey | None:
    """REDIS_URL if it is set (it must answer), else the embedded Valkey, started first and stopped last."""
    if settings.redis_url is not None:
        connect(settings).close()
        _say(f"broker: {shown_url(settings.redis_url.get_secret_value())}")
        return None
    valkey = stack.enter_context(EmbeddedValkey(home))
    owned = "" if valkey.pid else " (already running, left running)"
    _say(f"broker: embedded Valkey in {home}{owned}")
    return valkey


def _say(line: str) -> None:
    sys.stderr.write(f"propintel: {line}\n")
    sys.stderr.flush()
