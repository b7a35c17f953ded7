"""`propintel keys`: see, check, disable, and enable OpenAI keys."""

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from typing import Annotated, Any

import httpx2
import typer
from rich.live import Live
from rich.table import Table
from rich.text import Text

from app.clock import SystemClock
from app.errors.keys import NoKeysError
from app.keypool.attempts import BoundedTransport
from app.keypool.keys import ApiKey
from app.keypool.snapshots import Action
from app.keypool.transport import LimitedTransport
from app.keypool.wire import read_object
from app.plurals import counted
from app.printable import printable
from app.redaction import shown_url
from app.services.keys.actions import act
from app.services.keys.panel import STATES
from app.services.keys.view import KeyView, fleet_stats
from app.services.openai_client_manager import build_manager
from app.services.runtime.stores import open_stores
from app.settings import Settings, load_settings
from cli.arguments import Reason, who
from cli.command import command, new_app
from cli.failures import FAILED, say_error
from cli.output import make_table, moment, print_json, show, stdout_console, wants_json
from cli.processes import StopRequestedError, StopSignals

app = new_app("keys", "See, check, disable, and enable OpenAI keys.")

_FOLLOW_SECONDS = 2.0
_TIMEOUT_SECONDS = 15.0
#: The pattern of error codes of the OpenAI API.
_CODE = re.compile(r"[a-z0-9_.-]{1,60}", re.IGNORECASE)
_NOT_OPENAI = "not an OpenAI answer: check OPENAI_BASE_URL"
_BAD = ("invalid", "no access")
_COLUMNS = {"requests": "requests", "successes": "ok", "failures": "failed", "rate_limits": "limited"}
KeyName = Annotated[
    str,
    typer.Argument(
        metavar="MASK", help="The key as `propintel keys list` shows it, or its last four characters or its ID."
    ),
]


@command(app, "list", "", "--follow")
def list_keys(
    follow: Annotated[bool, typer.Option("--follow", help="Show them again every two seconds, until Ctrl-C.")] = False,
) -> None:
    """List OpenAI keys: masks, states, requests, and failures. The counts are sums over all processes.

    A key that was removed from the configuration is "draining": it gets no new request. Revoke the key when it has not
    been used for a long time.

    JSON: `{"total_keys", "healthy_keys", "rotation_strategy", "keys": {mask: {...}}}`; with --follow one line each.
    """
    settings = load_settings()
    if follow:
        _follow(settings)
        return
    stats = fleet_stats(settings)
    show(stats, lambda: [_table(stats)])


@command(app, "check", "&& echo all valid")
def check() -> None:
    """Check every configured key with a free API request. Exit code 1 if any key is not valid.

    JSON: `{"keys": {mask: {"status", "http_status", "detail"}}}`; "status" is "valid", "invalid", "no access", or
    "unknown".
    """
    settings = load_settings()
    with build_manager(settings) as manager:
        if not manager.keys:
            raise NoKeysError
        proxy = settings.openai.proxy.get_secret_value() if settings.openai.proxy else None
        results = check_keys(manager.keys, settings.openai.base_url, proxy=proxy)
    rows = [(mask, r["status"], r["http_status"], r["detail"]) for mask, r in results.items()]
    show({"keys": results}, lambda: [make_table(None, ("key", "status", "HTTP", "detail"), rows)])
    if problem := _problem(results, settings.openai.base_url):
        say_error(problem)
        raise typer.Exit(FAILED)


@command(app, "disable", "'sk-proj-abc...xyz1' --reason 'leaked'", "xyz1")
def disable(name: KeyName, reason: Reason = "") -> None:
    """Stop new requests with a key until it is enabled again, in all processes. Requests in progress finish.

    JSON: `{"key", "mask", "action", "outcome", "state", "message", "recorded_at"}`.
    """
    _act(name, "disable", reason)


@command(app, "enable", "'sk-proj-abc...xyz1'")
def enable(name: KeyName, reason: Reason = "") -> None:
    """Use a disabled key again, in its previous state.

    JSON: as for `propintel keys disable`.
    """
    _act(name, "enable", reason)


@command(app, "probe", "'sk-proj-abc...xyz1' --reason 'credit was added'")
def probe(name: KeyName, reason: Reason = "") -> None:
    """Let the next request try a failed key at once, even if the key is invalid or out of quota.

    This does not change a healthy key.

    JSON: as for `propintel keys disable`.
    """
    _act(name, "probe", reason)


def _act(name: str, action: Action, reason: str) -> None:
    settings = load_settings()
    with closing(KeyView(settings)) as view, ExitStack() as opened:
        done = act(
            view, lambda: opened.enter_context(open_stores(settings)).database, name, action, who=who(), reason=reason
        )
    show(done.as_json(), lambda: [Text(printable(done.sentence))])


def _problem(results: Mapping[str, Mapping[str, Any]], base_url: str) -> str:
    bad = sum(result["status"] in _BAD for result in results.values())
    unknown = [result for result in results.values() if result["status"] not in ("valid", *_BAD)]
    parts: list[str] = []
    if bad:
        parts.append(f"{bad} of {counted(len(results), 'key')} are bad: replace them where they are configured.")
    if unknown:
        url = f"{shown_url(base_url).rstrip('/')}/models"
        silent = all(result["http_status"] is None for result in unknown)
        what = "does not answer" if silent else "gave no usable answer"
        remedy = "check OPENAI_BASE_URL, the proxy and the network, then ask again."
        parts.append(f"{len(unknown)} of {counted(len(results), 'key')} are unknown, {url} {what}: {remedy}")
    return " ".join(parts)


def _follow(settings: Settings) -> None:
    """Show the keys until a signal arrives. This uses `StopSignals`, because a `KeyboardInterrupt` can get lost."""
    with StopSignals() as signals, ExitStack() as stack:
        live = None if wants_json() else stack.enter_context(Live(console=stdout_console(), auto_refresh=False))
        try:
            while True:
                stats = fleet_stats(settings)
                if live is None:
                    print_json(stats, indent=None)
                else:
                    live.update(_table(stats), refresh=True)
                signals.check()
                signals.wait(_FOLLOW_SECONDS)
        except StopRequestedError as exc:
            raise typer.Exit(exc.exit_code) from None


def _table(stats: dict[str, Any]) -> Table:
    scope = "all processes" if stats.get("scope") == "fleet" else "no process has reported"
    health = f"{stats['healthy_keys']} of {counted(stats['total_keys'], 'key')} healthy"
    for state in ("disabled", "draining"):
        if count := sum(figures.get("state") == state for figures in stats["keys"].values()):
            health += f", {count} {state}"
    title = f"{health}, {stats['rotation_strategy']}, {scope}"
    rows = [
        (mask, STATES[figures["state"]][0], *(figures[name] for name in _COLUMNS), moment(figures["last_used"]))
        for mask, figures in stats["keys"].items()
    ]
    return make_table(title, ("key", "state", *_COLUMNS.values(), "last used"), rows)


def check_keys(
    keys: Sequence[ApiKey], base_url: str, *, proxy: str | None = None, transport: httpx2.BaseTransport | None = None
) -> dict[str, dict[str, Any]]:
    """Check each key with a request, and return `{"status", "http_status", "detail"}` by mask.

    The request goes to the key's own base URL if it has one, else to `base_url`. The status is "valid" (200, or 429 for
    a rate-limited key), "invalid" (401), "no access" (403), or "unknown". `http_status` is None if there was no answer.
    `transport` replaces the HTTP transport in tests.
    """
    inner = LimitedTransport(transport or BoundedTransport(proxy=proxy), SystemClock())
    with httpx2.Client(transport=inner, timeout=_TIMEOUT_SECONDS, trust_env=False, follow_redirects=False) as client:
        return {key.mask: _check(client, f"{key.base_url or base_url.rstrip('/')}/models", key) for key in keys}


def _check(client: httpx2.Client, url: str, key: ApiKey) -> dict[str, Any]:
    try:
        answer = client.get(url, headers={"Authorization": f"Bearer {key.secret.get_secret_value()}"})
    except httpx2.HTTPError as exc:
        detail = f"{shown_url(url)} does not answer ({type(exc).__name__})"
        return {"status": "unknown", "http_status": None, "detail": detail}
    status = {200: "valid", 401: "invalid", 403: "no access", 429: "valid"}.get(answer.status_code, "unknown")
    body = read_object(answer.content)
    if status == "valid" and answer.status_code == 200 and not body:
        return {"status": "unknown", "http_status": 200, "detail": _NOT_OPENAI}
    return {"status": status, "http_status": answer.status_code, "detail": _detail(answer.status_code, body)}


def _detail(status: int, body: Mapping[str, Any]) -> str:
    """Return OpenAI's error code, but not OpenAI's message, because the message may contain a part of the key."""
    if status == 200:
        return ""
    error = body.get("error")
    if not isinstance(error, dict) or "code" not in error:
        return _NOT_OPENAI if status == 404 else ""
    code = error.get("code")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""
