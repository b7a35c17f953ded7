"""`propintel db`: the database's schema."""

from __future__ import annotations

from collections.abc import Iterator

import typer
from rich.status import Status
from rich.text import Text

from app.property.storage.engine import Database, database_url
from app.property.storage.inspection import inspect_database
from app.property.storage.schema import HEAD, upgrade
from app.services.reports.refiling import Refiling, refile_properties
from app.settings import load_settings
from cli.output import FormatOption, note, show, stderr_console

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)

_UP_EXAMPLES = """\b
Examples:
  propintel db upgrade
  DATABASE_URL=postgresql+psycopg://user:password@host/db propintel db upgrade
"""
_REFILE_EXAMPLES = """\b
Examples:
  propintel db refile
  propintel db refile --format json
"""
_CURRENT_EXAMPLES = """\b
Examples:
  propintel db current
  propintel db current --format json
"""


@app.callback()
def _group() -> None:
    """The database's schema."""


@app.command("current", epilog=_CURRENT_EXAMPLES)
def current_revision(format_: FormatOption = None) -> None:
    """Show the revision that the database is at, and the one that this version needs. Changes nothing.

    JSON: `{"current": revision or null, "head": revision}`.
    """
    found = inspect_database(database_url(load_settings()))
    text = f"schema {found.revision or 'none'}, this version's is {HEAD}"
    show({"current": found.revision, "head": HEAD}, format_, lambda: [Text(f"{found.shown}: {text}")])


@app.command("upgrade", epilog=_UP_EXAMPLES)
def upgrade_database(format_: FormatOption = None) -> None:
    """Bring the database to this version's schema, in one transaction. SQLite does so by itself.

    JSON: `{"before": revision or null, "after": revision}`.
    """
    url = database_url(load_settings())
    database = Database(url)
    if database.is_sqlite:
        database.open()  # makes its folder
        database.close()
    before, after = upgrade(url)
    _show_change(database, before, after, format_)
    due = inspect_database(url).due
    if due:
        note(f"Properties filed by the rules of an older version: {due}. Beat and a worker file them anew by and by,")
        note("`propintel db refile` does so now.")


@app.command("refile", epilog=_REFILE_EXAMPLES)
def refile(format_: FormatOption = None) -> None:
    """File properties anew that an older version filed, so that they are found, and join those that are one.

    Workers may run meanwhile. It may be ended at any time: what was done stays done. `apart` has those with one
    address that were left apart, and why.

    JSON: `{"refiled": n, "joined": [{"property": id, "joined": [id]}], "apart": [{"property": id, "other": id, "why":
    text}], "failed": [id], "left": n}`. Status 1 if a property could not be filed.
    """
    settings = load_settings()
    database = Database(database_url(settings))
    database.open()
    try:
        with Status("Filing properties anew", console=stderr_console()) as status:
            run = refile_properties(
                database,
                database.clock,
                told=lambda run: status.update(f"{run.refiled} properties filed anew, {len(run.joined)} joined"),
            )
    finally:
        database.close()
    show(run.as_json(), format_, lambda: _refiled(run))
    if run.failed:
        note("Of some, the log has the reason why they could not be filed anew; they are tried again.")
        raise typer.Exit(1)


def _refiled(run: Refiling) -> Iterator[Text]:
    yield Text(f"{run.refiled} properties filed anew, {run.left} are due yet")
    for one in run.joined:
        yield Text(f"{one.id} is {', '.join(one.joined)} as well")
    for one in run.apart:
        for other in one.apart:
            yield Text(f"{one.id} is left apart from {other.id}: {other.why}")
    for property_id in run.failed:
        yield Text(f"{property_id} could not be filed anew")


def _show_change(database: Database, before: str | None, after: str | None, format_: FormatOption) -> None:
    text = (
        f"schema {after or 'none'}, as it was" if before == after else f"schema {before or 'none'} -> {after or 'none'}"
    )
    show({"before": before, "after": after}, format_, lambda: [Text(f"{database!r}: {text}")])
