"""`propintel db`: the database's schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import typer
from rich.status import Status
from rich.text import Text

from app.property.storage.database import Database, database_url
from app.property.storage.inspection import inspect_database
from app.property.storage.schema import HEAD, upgrade
from app.services.reports.reindex import Reindexed, reindex
from app.settings import load_settings
from cli.output import FormatOption, note, show, stderr_console

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)

_UP_EXAMPLES = """\b
Examples:
  propintel db upgrade
  DATABASE_URL=postgresql+psycopg://user:password@host/db propintel db upgrade
"""
_REINDEX_EXAMPLES = """\b
Examples:
  propintel db reindex
  propintel db reindex --format json
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
        note(f"Properties filed by the rules of an older version: {due}. Run `propintel db reindex`.")


@app.command("reindex", epilog=_REINDEX_EXAMPLES)
def reindex_properties(format_: FormatOption = None) -> None:
    """File properties anew that an older version filed, so that they are found, and join those that are one.

    Workers may run meanwhile. You can stop it at any time: what was done stays done.

    JSON: `{"reindexed": n, "failed": [id], "left": n}`. Status 1 if a property could not be filed.
    """
    database = Database(database_url(load_settings()))
    database.open()
    try:
        with Status("Filing properties anew", console=stderr_console()) as status:
            run = reindex(database, lambda done: status.update(f"{done} properties filed anew"))
    finally:
        database.close()
    show(asdict(run), format_, lambda: _reindexed(run))
    if run.failed:
        note("The log has the reasons why some could not be filed anew. They are tried again next time.")
        raise typer.Exit(1)


def _reindexed(run: Reindexed) -> Iterator[Text]:
    yield Text(f"{run.reindexed} properties filed anew, {run.left} are still due")
    for property_id in run.failed:
        yield Text(f"{property_id} could not be filed anew")


def _show_change(database: Database, before: str | None, after: str | None, format_: FormatOption) -> None:
    text = (
        f"schema {after or 'none'}, as it was" if before == after else f"schema {before or 'none'} -> {after or 'none'}"
    )
    show({"before": before, "after": after}, format_, lambda: [Text(f"{database!r}: {text}")])
