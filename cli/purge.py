"""`propintel purge`: remove all that is stored of a page, a host, a property, an address or a person."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from app.property.storage.privacy.scope import PurgeKind
from app.services.privacy.purging import PurgeResult, purge
from app.services.runtime.stores import open_stores
from app.settings import load_settings
from cli.failures import say_error
from cli.output import FormatOption, make_table, note, show
from cli.whoami import who

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXAMPLES = """\b
Examples:
  propintel purge --url https://www.example.com/homes/123-main-st     what would go
  propintel purge --url https://www.example.com/homes/123-main-st --yes
  propintel purge --host example.com --yes                            with all hosts below it
  propintel purge --property 0f6c2d... --yes
  propintel purge --address "12 Main St, Springfield, IL 62701" --yes
  propintel purge --person "Doe, Jane"                                what would go
  propintel purge --person "Jane Doe" --yes
"""


@app.command(epilog=_EXAMPLES)
def purge_command(
    *,
    url: Annotated[str | None, typer.Option("--url", help="One page, by any of its URLs.")] = None,
    host: Annotated[str | None, typer.Option("--host", help="All pages of a host and of those below it.")] = None,
    property_id: Annotated[
        str | None, typer.Option("--property", metavar="ID", help="A property with all its pages.")
    ] = None,
    address: Annotated[
        str | None, typer.Option("--address", help="What was looked up for an address, and its properties.")
    ] = None,
    person: Annotated[
        str | None, typer.Option("--person", metavar="NAME", help="A person's name, wherever it stands.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it is only counted.")] = False,
    format_: FormatOption = None,
) -> None:
    """Remove all that is stored of a page, a host, a property or an address: copies, values, evidence, history, what
    models said, jobs. It cannot be undone. What other pages say of the same property stays.

    Of a person the name is removed, wherever it stands, and is not stored again. "Jane Doe" is also JANE DOE, "Doe,
    Jane", "Jane Q. Doe", DOE JANE and jane-doe in a URL; it is neither "Jane Quincy Doe" nor "Jane Doe-Smith".

    Workers may run meanwhile: jobs for it are removed, and what they have in hand is not stored.

    A backup that was made before brings it back when it is restored: keep a list of your purges, and run it again then.

    JSON: `{"kind", "dry_run", "removed": {table: rows}, "wiped"}`; "wiped" is whether the database's files hold nothing
    of it any more.
    """
    asked = zip(PurgeKind, (url, host, property_id, address, person), strict=True)
    named = {kind: name for kind, name in asked if name is not None}
    if len(named) != 1:
        raise typer.BadParameter("name one of --url, --host, --property, --address and --person")
    ((kind, name),) = named.items()
    settings = load_settings()
    with open_stores(settings) as stores:
        result = purge(settings, stores.database, kind, name, who=who(), dry_run=not yes)
    show(result.as_json(), format_, lambda: [_counts(result)])
    if result.dry_run:
        note("nothing was removed: add --yes to do it")
        return
    if not result.wiped:
        say_error("Deleted rows may still stand in free space of the database's files: see docs/retention.md.")


def _counts(result: PurgeResult) -> Table:
    title = "would be removed" if result.dry_run else "removed"
    return make_table(None, ("table", title), list(result.removed.items()) or [("nothing", 0)])
