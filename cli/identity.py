"""`propintel split`, `join` and `decisions`: say which pages are one property, and take it back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.table import Table

from app.property.storage.paging import every
from app.property.storage.properties.decisions import DecisionStore
from app.services.reports.identity_decisions import join, split, undo
from app.services.runtime.stores import open_stores
from app.settings import load_settings
from cli.output import FormatOption, make_table, show
from cli.whoami import Reason, who

split_app = typer.Typer(add_completion=False, rich_markup_mode=None)
join_app = typer.Typer(add_completion=False, rich_markup_mode=None)
decisions_app = typer.Typer(add_completion=False, rich_markup_mode=None)

PropertyId = Annotated[str, typer.Argument(metavar="PROPERTY", help="The id that jobs and export show.")]

_SPLIT = """\b
Examples:
  propintel split 3f2c9a7be1d04f6f --source https://www.example.com/homes/1 --reason 'the house behind'
  propintel decisions 3f2c9a7be1d04f6f --undo 0d9b...
"""
_JOIN = """\b
Examples:
  propintel join 3f2c9a7be1d04f6f 77ab01c2d3e4f506 --reason 'one house on a corner, two addresses'
"""
_DECISIONS = """\b
Examples:
  propintel decisions
  propintel decisions 3f2c9a7be1d04f6f
  propintel decisions 3f2c9a7be1d04f6f --undo 0d9b...
"""


@split_app.command(epilog=_SPLIT)
def split_command(
    property_id: PropertyId,
    source: Annotated[list[str], typer.Option("--source", metavar="URL", help="A source that goes; may be repeated.")],
    reason: Reason = "",
    format_: FormatOption = None,
) -> None:
    """Part a property in two: the named sources become one of their own.

    Later scrapes of these pages respect it, until `propintel decisions PROPERTY --undo ID`.

    JSON: `{"id", "at", "who", "kind", "reason", "property", "other", "pages", "undone_at", "undone_by"}`.
    """
    with open_stores(load_settings()) as stores:
        made = split(stores.database, property_id, source, who=who(), reason=reason)
    show(made.as_json(), format_, lambda: [decision_table([made.as_json()])])


@join_app.command(epilog=_JOIN)
def join_command(
    property_id: PropertyId,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The property that becomes a part of it.")],
    reason: Reason = "",
    format_: FormatOption = None,
) -> None:
    """Make two properties one, whatever their pages say. JSON as for `propintel split`."""
    with open_stores(load_settings()) as stores:
        made = join(stores.database, property_id, other, who=who(), reason=reason)
    show(made.as_json(), format_, lambda: [decision_table([made.as_json()])])


@decisions_app.command(epilog=_DECISIONS)
def decisions_command(
    property_id: Annotated[
        str | None, typer.Argument(metavar="PROPERTY", help="The id that jobs and export show; none: what waits.")
    ] = None,
    undo_: Annotated[str | None, typer.Option("--undo", metavar="ID", help="Put things back as they were.")] = None,
    format_: FormatOption = None,
) -> None:
    """What people decided on the property, the newest first; with --undo one of it is taken back.

    Without PROPERTY: the reviews that wait for a person, the oldest first. Each is of two properties that only a page
    of unknown kind makes one. `propintel join` makes them one, --undo closes the review.

    JSON: a list of what `propintel split` shows.
    """
    if property_id is None and undo_ is not None:
        raise typer.BadParameter("name the property too: propintel decisions PROPERTY --undo ID", param_hint="--undo")
    with open_stores(load_settings()) as stores:
        if property_id is not None and undo_ is not None:
            undo(stores.database, property_id, undo_, who=who())
        found = (
            every(DecisionStore(stores.database).reviews)
            if property_id is None
            else DecisionStore(stores.database).of(property_id)
        )
        made = [one.as_json() for one in found]
    show(made, format_, lambda: [decision_table(made)])


def decision_table(made: Sequence[Mapping[str, Any]]) -> Table:
    """One line a decision."""
    rows = [
        (
            one["id"],
            one["kind"],
            one["property"],
            one["other"],
            " ".join(one["pages"]),
            f"{one['who']} {one['at']}",
            f"{one['undone_by']} {one['undone_at']}" if one["undone_at"] else "",
            one["reason"],
        )
        for one in made
    ]
    columns = ("decision", "kind", "property", "other", "pages of the other", "made", "undone", "reason")
    return make_table("Decisions", columns, rows)


def explanation_tables(told: Mapping[str, Any]) -> Iterator[Table]:
    """Why each source belongs, and why each value won."""
    sources = [
        (
            one["url"],
            one["source_kind"] or "",
            f"{one['age_days']:.1f}",
            one["belongs"]["key"],
            one["belongs"]["why"],
            "; ".join(_compared(fact) for fact in one["belongs"]["compared"]),
        )
        for one in told["sources"]
    ]
    columns = ("source", "kind", "days old", "by", "because", "compared")
    yield make_table("Why each source belongs", columns, sources)
    rows = [row for value in told["values"] for row in _value_rows(value)]
    yield make_table("Why each value won", ("field", "value", "days old", "source", "verdict", "why", "weight"), rows)
    if told["decisions"]:
        yield decision_table(told["decisions"])


def _compared(fact: Mapping[str, Any]) -> str:
    both = "" if fact["result"] == "same" else f" ({fact['one']} / {fact['other']})"
    return f"{fact['what']} {fact['result']}{both}"


def _value_rows(value: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    if not value["said"]:
        yield value["field"], value["value"], f"{value['age_days']:.1f}", "", "derived", value["why"], ""
    for n, say in enumerate(value["said"]):
        weight = say["weight"]
        factors = " × ".join(f"{weight[name]:.2f}" for name in ("rank", "method", "confidence", "freshness", "fit"))
        name = value["field"] if n == 0 else ""
        votes = f"{factors}: {weight['vote']:.2f} of {say['votes']:.2f} votes"
        yield name, say["value"], f"{say['age_days']:.1f}", say["url"], say["verdict"], say["reason"], votes
