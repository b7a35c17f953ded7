"""`propintel show`: one property as it is stored."""

from __future__ import annotations

from typing import Annotated

import typer

from app.services.stores import open_stores
from app.settings import load_settings
from cli.output import PropertyFormatOption
from cli.property_output import said_of, show_properties

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXAMPLES = """\b
Examples:
  propintel show 3f2c9a7be1d04f6f
  propintel show 3f2c9a7be1d04f6f --format json | jq .evidence.ListPrice
  propintel show 3f2c9a7be1d04f6f --format brief
"""


@app.command(epilog=_EXAMPLES)
def show(
    property_id: Annotated[str, typer.Argument(metavar="PROPERTY", help="The id that jobs and export show.")],
    format_: PropertyFormatOption = None,
) -> None:
    """Show one property: its values, the evidence of each, its sources and where they disagree."""
    with open_stores(load_settings()) as stores:
        shown = stores.properties.get(property_id)
        said = said_of(stores.database, [shown], format_)
        now = stores.database.clock.now()
    show_properties([shown], format_, said, now, as_list=False)
