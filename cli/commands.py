"""The list of all commands, and the function that runs one. A failure becomes one line on stderr and an exit code."""

import io
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from app.logs import guard_stderr
from cli.command import Lazy, lazy_group
from cli.failures import report
from cli.main import started

COMMANDS = {
    "demo": Lazy("cli.demo", "Run the whole system with nothing installed or configured."),
    "up": Lazy("cli.up", "Run workers and their schedule until Ctrl-C."),
    "scrape": Lazy("cli.scrape", "Scrape pages or addresses now, without a broker."),
    "extract": Lazy("cli.extract", "Read a saved page without network, key, or database."),
    "enqueue": Lazy("cli.enqueue", "Enqueue pages or addresses for the workers."),
    "jobs": Lazy("cli.jobs", "See jobs and why they failed; retry or cancel them.", "jobs_app"),
    "batches": Lazy("cli.jobs", "See, retry, and cancel batches of jobs.", "batches_app"),
    "properties": Lazy("cli.properties", "Find, show, export, split, and join stored properties."),
    "changes": Lazy("cli.changes", "List property changes since a given time."),
    "watches": Lazy("cli.watches", "Refresh properties on a schedule, within a day's budget."),
    "recipes": Lazy("cli.recipes", "See what was learned about sites, whose pages then need no model."),
    "purge": Lazy("cli.purge", "Remove all that is stored about a page, host, property, address, or person."),
    "keys": Lazy("cli.keys", "See, check, disable, and enable OpenAI keys."),
    "alerts": Lazy("cli.alerts", "List alerts about keys, budgets, and the schedule."),
    "token": Lazy("cli.token", "Sign a token for the HTTP API and the web pages."),
    "db": Lazy("cli.database", "Upgrade the database's schema, and reindex properties."),
    "doctor": Lazy("cli.doctor", "Find what is wrong with this installation, and what to do."),
}

app = typer.Typer(
    name="propintel",
    cls=lazy_group(COMMANDS),
    help="Turn property web pages into verified records, sharing many OpenAI keys as if they were one.\n\n"
    "Results go to stdout, notes and progress to stderr. Exit codes: 0 success, 1 failure, "
    "2 wrong usage or configuration.",
    epilog="Start with `propintel demo`: it needs no key, no Redis, and no database.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("property-intelligence"))
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    started()  # Click has imported the command, so Ctrl-C may raise KeyboardInterrupt from now on


def run() -> int:
    """Run the command in `sys.argv`. Return the exit code, unless Click raises `SystemExit`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # write UTF-8 in every locale, and escape lone surrogates
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    guard_stderr()  # Click's messages quote unknown arguments, which may contain secrets
    try:
        app(prog_name="propintel")
    except Exception as exc:  # noqa: BLE001 (the last resort, so that users see no traceback)
        return report(exc)
    return 0
