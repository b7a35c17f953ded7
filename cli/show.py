"""`propintel show`: one property as it is stored."""

from __future__ import annotations

from typing import Annotated

import typer

from app.services.reports.identity_decisions import explanation
from app.services.runtime.stores import open_stores
from app.settings import load_settings
from cli.identity import explanation_tables
from cli.output import Format, PropertyFormat, PropertyFormatOption
from cli.output import show as show_result
from cli.property_output import said_of, show_properties

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
    explain: Annotated[
        bool, typer.Option("--explain", help="Show why each source belongs to it, and why each value won.")
    ] = False,
    format_: PropertyFormatOption = None,
) -> None:
    """Show one property: its values, the evidence of each, its sources and where they disagree."""
    if explain:
        _explain(property_id, format_)
        return
    with open_stores(load_settings()) as stores:
        shown = stores.properties.get(property_id)
        said = said_of(stores.properties, [shown], format_)
        now = stores.database.clock.now()
    show_properties([shown], format_, said, now, as_list=False)


def _explain(property_id: str, format_: PropertyFormat | None) -> None:
    if format_ is PropertyFormat.BRIEF:
        raise typer.BadParameter("an explanation has no brief", param_hint="--format")
    with open_stores(load_settings()) as stores:
        told = explanation(stores.database, property_id)
    show_result(told, Format(format_) if format_ else None, lambda: explanation_tables(told))
