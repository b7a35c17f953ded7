"""`propintel show`: one property as it is stored."""

from __future__ import annotations

from typing import Annotated

import typer

from app.services.stores import open_stores
from app.settings import load_settings
from cli.output import FormatOption
from cli.output import show as show_result
from cli.property_tables import property_tables

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXAMPLES = """\b
Examples:
  propintel show 3f2c9a7be1d04f6f
  propintel show 3f2c9a7be1d04f6f --format json | jq .evidence.ListPrice
"""


@app.command(epilog=_EXAMPLES)
def show(
    property_id: Annotated[str, typer.Argument(metavar="PROPERTY", help="The id that jobs and export show.")],
    format_: FormatOption = None,
) -> None:
    """Show one property: its values, the evidence of each, its sources and where they disagree."""
    with open_stores(load_settings()) as stores:
        shown = stores.properties.get(property_id)
    show_result(shown, format_, lambda: property_tables(shown))
