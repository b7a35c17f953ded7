"""`propintel keys`: what the OpenAI keys do, and whether they are good."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer
from rich.live import Live
from rich.table import Table
from rich.text import Text

from app.errors.keys import NoKeysError
from app.redaction import shown_url
from app.services.keys.view import fleet_stats
from app.services.openai_client_manager import build_manager
from app.settings import Settings, load_settings
from cli.failures import FAILED, say_error
from cli.key_actions import add_to
from cli.key_check import check_keys
from cli.output import Format, FormatOption, make_table, print_json, show, stdout_console, wants_json
from cli.processes import StopRequestedError, StopSignals

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXAMPLES = """\b
Examples:
  propintel keys                    requests, failures and state of every key
  propintel keys --watch            the same, every two seconds
  propintel keys --format json
  propintel keys check              ask the API about every key
  propintel keys disable MASK       give one no request; enable, probe
"""
_CHECK_EXAMPLES = """\b
Examples:
  propintel keys check
  propintel keys check --format json && echo all good
"""
_WATCH_SECONDS = 2.0
_BAD = ("invalid", "no access")
add_to(app)
_COLUMNS = ("requests", "successes", "failures", "circuit_open", "rate_limited", "last_used")


@app.callback(invoke_without_command=True, epilog=_EXAMPLES)
def keys(
    context: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", help="Show them again every two seconds, until Ctrl-C.")] = False,
    format_: FormatOption = None,
) -> None:
    """Show the OpenAI keys by their masks: requests, failures and state, summed over all processes.

    A key that was taken out of the configuration is "draining": it gets no new request, and once its last use is long
    ago it may be revoked.

    JSON: `{"total_keys", "healthy_keys", "rotation_strategy", "keys": {mask: {...}}}`; with --watch one line each time.
    """
    if context.invoked_subcommand is not None:
        return
    settings = load_settings()
    if watch:
        _watch(settings, format_)
        return
    stats = fleet_stats(settings)
    show(stats, format_, lambda: _tables(stats))


@app.command("check", epilog=_CHECK_EXAMPLES)
def check(format_: FormatOption = None) -> None:
    """Ask the API about every configured key; costs nothing. Exit code 1 if any is not good.

    JSON: `{"keys": {mask: {"status", "http_status", "detail"}}}` with the status "valid", "invalid", "no access" or
    "unknown".
    """
    settings = load_settings()
    with build_manager(settings) as manager:
        if not manager.keys:
            raise NoKeysError
        proxy = settings.openai.proxy.get_secret_value() if settings.openai.proxy else None
        results = check_keys(manager.keys, settings.openai.base_url, proxy=proxy)
    rows = [(mask, r["status"], r["http_status"], r["detail"]) for mask, r in results.items()]
    show({"keys": results}, format_, lambda: [make_table(None, ("key", "status", "HTTP", "detail"), rows)])
    if problem := _problem(results, settings.openai.base_url):
        say_error(problem)
        raise typer.Exit(FAILED)


def _problem(results: Mapping[str, Mapping[str, Any]], base_url: str) -> str:
    """How many keys are not good and what to do about it, on one line; "" if all are good."""
    bad = sum(result["status"] in _BAD for result in results.values())
    unknown = [result for result in results.values() if result["status"] not in ("valid", *_BAD)]
    parts: list[str] = []
    if bad:
        parts.append(f"{bad} of {len(results)} keys are bad: replace them where they are configured.")
    if unknown:
        url = f"{shown_url(base_url).rstrip('/')}/models"
        silent = all(result["http_status"] is None for result in unknown)
        what = "does not answer" if silent else "gave no usable answer"
        remedy = "check OPENAI_BASE_URL, the proxy and the network, then ask again."
        parts.append(f"{len(unknown)} of {len(results)} keys are unknown, {url} {what}: {remedy}")
    return " ".join(parts)


def _watch(settings: Settings, chosen: Format | None) -> None:
    """Show the keys again and again until a signal. The signal is noted: a `KeyboardInterrupt` can get lost."""
    with StopSignals() as signals, contextlib.ExitStack() as stack:
        live = None if wants_json(chosen) else stack.enter_context(Live(console=stdout_console(), auto_refresh=False))
        try:
            while True:
                stats = fleet_stats(settings)
                if live is None:
                    print_json(stats, indent=None)
                else:
                    live.update(_table(stats), refresh=True)
                signals.check()
                signals.wait(_WATCH_SECONDS)
        except StopRequestedError as exc:
            raise typer.Exit(exc.exit_code) from None


def _tables(stats: dict[str, Any]) -> Iterator[Table | Text]:
    yield _table(stats)


def _table(stats: dict[str, Any]) -> Table:
    scope = "all processes" if stats.get("scope") == "fleet" else "no process has reported"
    health = f"{stats['healthy_keys']} of {stats['total_keys']} keys healthy"
    for state in ("disabled", "draining"):
        if count := sum(figures.get("state") == state for figures in stats["keys"].values()):
            health += f", {count} {state}"
    title = f"{health}, {stats['rotation_strategy']}, {scope}"
    rows = [
        (mask, figures.get("state"), *(figures[name] for name in _COLUMNS)) for mask, figures in stats["keys"].items()
    ]
    return make_table(title, ("key", "state", *(name.replace("_", " ") for name in _COLUMNS)), rows)
