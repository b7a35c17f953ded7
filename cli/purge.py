"""`propintel purge`: remove all that is stored about a page, host, property, address, or person."""

from typing import Annotated

import typer
from rich.table import Table

from app.property.storage.ids import PROPERTY, find_id
from app.property.storage.privacy.scope import PurgeKind
from app.property.urls.targets import is_property_id
from app.services.privacy.purging import PurgeResult, purge
from app.services.runtime.stores import open_stores
from app.settings import load_settings
from cli.arguments import who
from cli.command import command, new_app
from cli.failures import say_error
from cli.output import make_table, note, show

app = new_app("purge")


@command(
    app,
    "",
    "--url https://www.example.com/homes/1",
    "--url https://www.example.com/homes/1 --yes",
    "--host example.com --yes",
    "--property 0f6c2d91 --yes",
    '--address "12 Main St, Springfield, IL 62701" --yes',
    '--person "Doe, Jane" --yes',
)
def purge_command(
    *,
    url: Annotated[str | None, typer.Option("--url", help="One page, by any of its URLs.")] = None,
    host: Annotated[str | None, typer.Option("--host", help="All pages of a host and of those below it.")] = None,
    property_id: Annotated[
        str | None, typer.Option("--property", metavar="PROPERTY", help="A property with all its pages.")
    ] = None,
    address: Annotated[
        str | None, typer.Option("--address", help="The lookups of an address, and its properties.")
    ] = None,
    person: Annotated[
        str | None, typer.Option("--person", metavar="NAME", help="A person's name, wherever it occurs.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; without this, only count.")] = False,
) -> None:
    """Remove all that is stored about a page, host, property, or address: copies, values, evidence, history, model
    answers, and jobs. This cannot be undone. Values that other pages state about the same property are kept.

    For a person, the name is removed wherever it occurs, and is not stored again. The name "Jane Doe" also matches JANE
    DOE, "Doe, Jane", jane-doe in a URL, and a name with a middle initial. It matches neither "Jane Quincy Doe" nor
    "Jane Doe-Smith".

    Workers may keep running. An older backup still contains the removed data: keep a list of your purges, and repeat
    them after you restore a backup.

    JSON: `{"kind", "dry_run", "removed": {table: rows}, "wiped"}`; "wiped": removed rows are overwritten in the
    database's files.
    """
    asked = zip(PurgeKind, (url, host, property_id, address, person), strict=True)
    named = {kind: name for kind, name in asked if name is not None}
    if len(named) != 1:
        raise typer.BadParameter("name one of --url, --host, --property, --address and --person")
    ((kind, name),) = named.items()
    settings = load_settings()
    with open_stores(settings) as stores:
        if kind is PurgeKind.PROPERTY and not is_property_id(name):
            name = find_id(stores.database, name, PROPERTY)
        result = purge(settings, stores.database, kind, name, who=who(), dry_run=not yes)
    show(result.as_json(), lambda: [_counts(result)])
    if result.dry_run:
        note("Nothing was removed. Add --yes to remove it.")
        return
    if not result.wiped:
        say_error("Deleted rows may still be in free space of the database's files: see docs/retention.md.")


def _counts(result: PurgeResult) -> Table:
    title = "would be removed" if result.dry_run else "removed"
    return make_table(None, ("table", title), list(result.removed.items()) or [("nothing", 0)])
