"""`propintel db`: upgrade the database's schema, and reindex properties."""

from collections.abc import Iterator
from dataclasses import asdict

import typer
from rich.status import Status
from rich.text import Text

from app.plurals import counted
from app.property.storage.database import Database, database_url
from app.property.storage.inspection import inspect_database
from app.property.storage.schema import HEAD, upgrade
from app.services.reports.reindex import Reindexed, reindex
from app.settings import load_settings
from cli.command import command, new_app
from cli.output import note, show, stderr_console

app = new_app("db", "Upgrade the database's schema, and reindex properties.")


@command(app, "current", "")
def current_revision() -> None:
    """Show the database's schema revision, and the revision that this version needs. Changes nothing.

    JSON: `{"current": revision or null, "head": revision}`.
    """
    found = inspect_database(database_url(load_settings()))
    text = f"schema {found.revision or 'none'}; this version needs {HEAD}"
    show({"current": found.revision, "head": HEAD}, lambda: [Text(f"{found.shown}: {text}")])


@command(app, "upgrade", "")
def upgrade_database() -> None:
    """Upgrade the database to this version's schema. The upgrade is one transaction. SQLite is upgraded automatically.

    JSON: `{"before": revision or null, "after": revision}`.
    """
    url = database_url(load_settings())
    database = Database(url)
    if database.is_sqlite:
        database.open()  # creates the database's folder
        database.close()
    before, after = upgrade(url)
    change = f"{after}, unchanged" if before == after else f"{before or 'none'} -> {after}"
    show({"before": before, "after": after}, lambda: [Text(f"{database!r}: schema {change}")])
    due = inspect_database(url).due
    if due:
        indexed = counted(due, "property was indexed", "properties were indexed")
        note(f"{indexed} by an older version. Run `propintel db reindex`.")


@command(app, "reindex", "")
def reindex_properties() -> None:
    """Reindex properties that older versions stored, and join duplicates.

    Until a property is reindexed, a new page about it may create a duplicate. Workers may keep running. You can stop
    the command at any time: finished properties stay reindexed. Exit code 1 if a property failed.

    JSON: `{"reindexed": n, "failed": [id], "left": n}`.
    """
    database = Database(database_url(load_settings()))
    database.open()
    try:
        with Status("Reindexing properties", console=stderr_console()) as status:
            run = reindex(database, lambda done: status.update(f"{counted(done, 'property')} reindexed"))
    finally:
        database.close()
    show(asdict(run), lambda: _reindexed(run))
    if run.failed:
        note("The log says why some failed. The next run tries them again.")
        raise typer.Exit(1)


def _reindexed(run: Reindexed) -> Iterator[Text]:
    yield Text(f"{counted(run.reindexed, 'property')} reindexed, {run.left} still to do")
    for property_id in run.failed:
        yield Text(f"{property_id} failed")
