"""Puts the commands of `propintel` together and turns every failure into one line and an exit code."""

from __future__ import annotations

import io
import logging
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from app.logs import configure_logging, guard_stderr
from app.settings import load_log_settings
from app.settings.names import log_near_misses
from cli.failures import report
from cli.lazy import Lazy, lazy_group
from cli.main import started

COMMANDS = {
    "demo": Lazy("cli.launch", "The whole system with nothing installed or configured.", "demo_app"),
    "up": Lazy("cli.launch", "Run workers and their schedule until Ctrl-C.", "up_app"),
    "scrape": Lazy("cli.scrape", "Scrape pages here and now, without a broker."),
    "extract": Lazy("cli.extract", "Read a saved page without network, key or database."),
    "enqueue": Lazy("cli.enqueue", "Give targets to the workers."),
    "jobs": Lazy("cli.jobs", "See how far jobs are, retry, cancel."),
    "show": Lazy("cli.show", "Show one property with its evidence."),
    "export": Lazy("cli.export", "Export all properties as CSV, JSON Lines, Parquet or GeoJSON."),
    "changes": Lazy("cli.changes", "What changed of the properties, since when one likes."),
    "split": Lazy("cli.identity", "Part a property in two.", "split_app"),
    "join": Lazy("cli.identity", "Make two properties one.", "join_app"),
    "decisions": Lazy("cli.identity", "What people decided on a property, and take it back.", "decisions_app"),
    "watch": Lazy("cli.watch", "Refresh properties on a schedule, within a day's budget."),
    "recipes": Lazy("cli.recipes", "What was learned of sites, whose pages then need no model."),
    "purge": Lazy("cli.purge", "Remove all that is stored of a page, a host, a property, an address or a person."),
    "keys": Lazy("cli.keys", "What the OpenAI keys do, and whether they are good."),
    "alerts": Lazy("cli.alerts", "What is wrong with the keys and with beat, and what was."),
    "token": Lazy("cli.token", "Sign a token for the web door."),
    "db": Lazy("cli.database", "The database's schema."),
    "doctor": Lazy("cli.doctor", "What is wrong with this installation, and what to do."),
}

app = typer.Typer(
    name="propintel",
    cls=lazy_group(COMMANDS),
    help="Property pages become records with evidence, on a pool of OpenAI keys.\n\n"
    "Results go to stdout, remarks and progress to stderr. Exit codes: 0 done, 1 the job failed, "
    "2 wrong usage or configuration.",
    epilog="Start with `propintel demo`: it needs no key, no Redis and no database.",
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
    context: typer.Context,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show what happens, on stderr.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    started()  # Click has imported the command before it calls this
    chosen = load_log_settings()
    configure_logging(
        level=logging.INFO if verbose else chosen.level or logging.WARNING,
        log_format="json" if chosen.format == "json" else "text",
    )
    if context.invoked_subcommand != "doctor":  # which lists them among its findings
        log_near_misses()


def run() -> int:
    """Run the command that `sys.argv` names; -> the exit code. Click's own exits pass as `SystemExit`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # UTF-8 whatever the locale; a lone surrogate stays a JSON escape
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    guard_stderr()  # Click quotes arguments that it does not take
    try:
        app(prog_name="propintel")
    except Exception as exc:  # noqa: BLE001 (the last line of defence: nobody sees a traceback)
        return report(exc)
    return 0
