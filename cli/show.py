"""`propintel show`: one property as it is stored."""

from __future__ import annotations

from typing import Annotated

import typer

from app.services.identity_decisions import explanation
from app.services.stores import open_stores
from app.settings import load_settings
<<<<<<< HEAD
from cli.output import PropertyFormatOption
from cli.property_output import said_of, show_properties
=======
from cli.identity import explanation_tables
from cli.output import FormatOption
from cli.output import show as show_result
from cli.property_tables import property_tables
>>>>>>> 3cece8f (Let people say which pages are one property, take it back, and ask why)

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXAMPLES = """\b
Examples:
  propintel show 3f2c9a7be1d04f6f
  propintel show 3f2c9a7be1d04f6f --explain
  propintel show 3f2c9a7be1d04f6f --format json | jq .evidence.ListPrice
  propintel show 3f2c9a7be1d04f6f --format brief
"""


@app.command(epilog=_EXAMPLES)
def show(
    property_id: Annotated[str, typer.Argument(metavar="PROPERTY", help="The id that jobs and export show.")],
<<<<<<< HEAD
    format_: PropertyFormatOption = None,
) -> None:
    """Show one property: its values, the evidence of each, its sources and where they disagree."""
    with open_stores(load_settings()) as stores:
        shown = stores.properties.get(property_id)
        said = said_of(stores.database, [shown], format_)
        now = stores.database.clock.now()
    show_properties([shown], format_, said, now, as_list=False)
=======
    explain: Annotated[
        bool, typer.Option("--explain", help="Show why each source belongs to it, and why each value won.")
    ] = False,
    format_: FormatOption = None,
) -> None:
    """Show one property: its values, the evidence of each, its sources and where they disagree."""
    with open_stores(load_settings()) as stores:
        if explain:
            told = explanation(stores.database, property_id)
        else:
            shown = stores.properties.get(property_id)
    if explain:
        show_result(told, format_, lambda: explanation_tables(told))
    else:
        show_result(shown, format_, lambda: property_tables(shown))
>>>>>>> 3cece8f (Let people say which pages are one property, take it back, and ask why)
