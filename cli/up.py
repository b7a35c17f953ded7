"""`propintel up`: run workers and beat, and optionally Flower and the web server, until Ctrl-C.

The ports and the home are checked before anything starts (`conflicts.py`). A process that ends after it was up is
restarted (`keeping.py`). SIGHUP reloads the OpenAI keys.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from app.access.page_sessions import LINK_LIFETIME, PageSessions
from app.access.tokens import Caller, Role
from app.clock import SystemClock
from app.errors import ConfigurationError, PropertyIntelligenceError
from app.home import make_home_secret
from app.logs import plain_stderr
from app.plurals import counted
from app.property.storage.database import database_url
from app.redaction import shown_url
from app.redis.embedded_valkey import EmbeddedValkey, connect
from app.services.keys.reload import ReloadMark
from app.services.runtime.stores import open_stores
from app.settings import Settings, load_settings
from cli.child_output import ChildOutput
from cli.command import command, new_app
from cli.conflicts import Place, only_up, require_free
from cli.keeping import ChildLife, Kept, ValkeyLife
from cli.output import Format, chosen_format
from cli.processes import Child, ChildDiedError, StopRequestedError, StopSignals, Supervisor
from cli.services import START_SECONDS, Services, listens

_WATCH_SECONDS = 0.5
_BEAT = "beat"
#: Beat does not report that it is up, so it counts as up when it has run for this time.
_BEAT_UP_SECONDS = 10.0
_NAMES = ("worker", "maintenance", _BEAT, "web", "flower")


@dataclass(frozen=True, slots=True)
class _Wanted:
    settings: Settings
    home: Path
    flower: bool
    web: bool


app = new_app("up")


@command(app, "", "", "--flower --web")
def up(
    flower: Annotated[bool, typer.Option("--flower", help="Also run the Flower dashboard.")] = False,
    web: Annotated[bool, typer.Option("--web", help="Also run the web pages and the HTTP API, on PORT.")] = False,
) -> None:
    """Run workers and their scheduler until Ctrl-C. The broker is REDIS_URL, or else an embedded Valkey.

    One worker runs jobs, WORKER_CONCURRENCY at once. A second worker makes reports and recovers lost jobs, so jobs
    never delay these tasks. A process that ends is restarted. If a process ends before it was up, everything stops with
    exit code 1.

    --web prints a sign-in link that works once. If JWT_SECRET is not set, --web creates a secret in PROPINTEL_HOME.

    If a port is in use, or another `up` runs in the same PROPINTEL_HOME, nothing starts, and the exit code is 2. With
    --json, log lines are JSON.
    """
    raise typer.Exit(_run_up(flower, web))


def _run_up(flower: bool, web: bool) -> int:
    """Run until a stop signal. Return 0 after a signal, 1 if a process did not come up, or 2 for known errors."""
    terminal = plain_stderr()
    colors = terminal.isatty() and not os.environ.get("NO_COLOR")
    with (
        open(terminal.fileno(), "wb", buffering=0, closefd=False) as stream,
        ChildOutput(stream, _NAMES, colors=colors) as output,
    ):
        try:
            with StopSignals(sighup_reloads=True) as signals, contextlib.ExitStack() as stack:
                settings = load_settings()
                home = settings.state.propintel_home.expanduser().resolve()
                _run(_Wanted(settings, home, flower, web), signals, output, stack)
        except StopRequestedError:
            output.say("stopped")
            return 0
        except PropertyIntelligenceError as exc:
            output.say(str(exc))
            return 2
        except (ChildDiedError, TimeoutError) as exc:
            output.say(str(exc))
            return 1


def _run(wanted: _Wanted, signals: StopSignals, output: ChildOutput, stack: contextlib.ExitStack) -> NoReturn:
    settings, home = wanted.settings, wanted.home
    stack.enter_context(only_up(home))
    require_free(_places(wanted))
    open_stores(settings).close()  # report an unusable database once, not in every process
    if wanted.web and not settings.web.jwt_secret:
        make_home_secret(home)
    output.say("starting, which takes some seconds")
    valkey = _start_broker(settings, home, stack)
    supervisor = stack.enter_context(Supervisor(signals, output))
    kept = [Kept(life, time.monotonic, output.say) for life in _lives(wanted, supervisor)]
    for one in kept:
        if one.name == "flower":  # Flower logs warnings about workers that do not answer yet
            _wait(supervisor, kept[: kept.index(one)])
        one.start()
    _wait(supervisor, kept)
    output.show(summary(settings, broker=_described(settings, home, valkey), flower=wanted.flower, web=wanted.web))
    ground = Kept(ValkeyLife(valkey), time.monotonic, output.say) if valkey is not None and valkey.pid else None
    _watch(signals, ground, kept, ReloadMark(home), output.say)


def _places(wanted: _Wanted) -> list[Place]:
    settings = wanted.settings
    web = [Place("PORT", settings.web.port)] if wanted.web else []
    flower = [Place("FLOWER_PORT", settings.flower.port, settings.flower.address)] if wanted.flower else []
    return web + flower


def _wait(supervisor: Supervisor, kept: Sequence[Kept]) -> None:
    for one in kept:
        if one.name != _BEAT:
            supervisor.wait_until(one.check, one.name, START_SECONDS)


def _lives(wanted: _Wanted, supervisor: Supervisor) -> Iterator[ChildLife]:
    settings, services = wanted.settings, Services(wanted.home, _environment(wanted.settings))
    if wanted.web:
        port = settings.web.port
        yield ChildLife("web", supervisor, lambda: services.web(supervisor, port), lambda _: listens(port))
    yield ChildLife("worker", supervisor, lambda: services.worker(supervisor), services.takes_tasks)
    yield ChildLife("maintenance", supervisor, lambda: services.maintenance_worker(supervisor), services.takes_tasks)
    yield ChildLife(_BEAT, supervisor, lambda: services.beat(supervisor), _lived_for(_BEAT_UP_SECONDS))
    if wanted.flower:
        place, host = settings.flower.port, flower_host(settings)
        yield ChildLife(
            "flower", supervisor, lambda: services.flower(supervisor, place), lambda _: listens(place, host)
        )


def _environment(settings: Settings) -> dict[str, str]:
    """Return the children's environment. It sets LOG_FORMAT, because the children cannot detect the terminal."""
    chosen = {Format.JSON: "json", Format.TABLE: "text"}
    wanted = chosen_format()
    log_format = chosen[wanted] if wanted else settings.logs.format
    if log_format == "auto":
        log_format = "text" if plain_stderr().isatty() else "json"
    # with REMAP_SIGTERM, SIGTERM starts Celery's soft shutdown, which re-queues unfinished jobs
    return {**os.environ, "REMAP_SIGTERM": "SIGQUIT", "LOG_FORMAT": log_format}


def _lived_for(seconds: float) -> Callable[[Child], bool]:
    return lambda child: time.monotonic() - child.started_at >= seconds


def _watch(
    signals: StopSignals, ground: Kept | None, kept: Sequence[Kept], mark: ReloadMark, say: Callable[[str], None]
) -> NoReturn:
    while True:
        if signals.take_reload():
            _pass_on(mark, say)
        try:
            signals.check()
        except StopRequestedError:
            say("stopping: jobs under way have ten seconds, what is left is queued again")
            raise
        if ground is not None:
            ground.tend()
        if ground is None or not ground.is_down:  # without a broker, workers could not share the keys' state
            for one in kept:
                one.tend()
        signals.wait(_WATCH_SECONDS)


def _pass_on(mark: ReloadMark, say: Callable[[str], None]) -> None:
    """Make the workers and the web server reload the keys. Forwarding SIGHUP would end beat and Flower."""
    try:
        mark.set()
    except ConfigurationError as exc:
        say(str(exc))
    else:
        say("asked the workers and the web server to read the OpenAI keys again")


def _start_broker(settings: Settings, home: Path, stack: contextlib.ExitStack) -> EmbeddedValkey | None:
    """If REDIS_URL is set, check that the server answers.

    Else start the embedded Valkey, which `stack` stops at the end.
    """
    if settings.state.redis_url is not None:
        connect(settings).close()
        return None
    return stack.enter_context(EmbeddedValkey(home))


def _described(settings: Settings, home: Path, valkey: EmbeddedValkey | None) -> str:
    if settings.state.redis_url is not None:
        return shown_url(settings.state.redis_url.get_secret_value())
    ours = valkey is not None and valkey.pid
    return f"embedded Valkey in {home}{'' if ours else ' (already running, left running)'}"


#: The loopback address to use for a server that listens on all addresses ("", 0.0.0.0, or ::).
_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
#: The user name of a session that was started by the sign-in link.
_SUBJECT = "propintel up"


def summary(settings: Settings, *, broker: str, flower: bool, web: bool) -> str:
    """Return the text to print after the start. If `web`, it may contain a secret sign-in link."""
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
    """Return the address at which programs on this machine can reach Flower."""
    return _LOOPBACK.get(settings.flower.address, settings.flower.address)


def flower_url(settings: Settings) -> str:
    host = flower_host(settings)
    place = f"[{host}]" if ":" in host else host
    return f"http://{place}:{settings.flower.port}/{settings.flower.url_prefix}"


def _web_rows(settings: Settings) -> list[tuple[str, str]]:
    address = f"http://127.0.0.1:{settings.web.port}"
    rows = [("web", f"{address}/")]
    if settings.web.jwt_jwks_url is None:
        minutes = round(LINK_LIFETIME.total_seconds() / 60)
        manager = Caller(settings.web.jwt_issuer, _SUBJECT, Role.MANAGER)
        with contextlib.closing(PageSessions(settings, SystemClock())) as sessions:
            rows.append(("sign in", f"{address}{sessions.make_link(manager)}"))
        rows.append(("", f"(this link works once, within {counted(minutes, 'minute')};"))
        rows.append(("", " later: propintel token --role manager --subject NAME)"))
    return rows
