"""`propintel properties`: find, show, export, split, and join stored properties."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Annotated, Any

import typer
from rich.table import Table

from app.property.fields.table import FIELDS
from app.property.presenting.sources import with_source_names
from app.property.storage.ids import DECISION, PROPERTY, find_id, short_ids
from app.property.storage.paging import every
from app.property.storage.properties.decisions import DecisionStore
from app.property.storage.properties.rebuild import STATUS
from app.property.storage.properties.repository import PropertyFilter
from app.property.storage.properties.tables import IdentityDecision
from app.property.values.vocabulary import require_status
from app.services.reports.identity_decisions import explanation, join, split, undo
from app.services.runtime.stores import Stores, open_stores
from app.services.scraping.sources import source_namer
from app.settings import load_settings
from cli.arguments import Limit, PropertyId, Reason, choice_option, id_argument, who
from cli.command import command, new_app
from cli.export import export
from cli.output import make_table, moment, show
from cli.property_tables import (
    all_values,
    conflict_table,
    explained_fields,
    explained_property,
    property_list,
    show_properties,
)

app = new_app("properties", "Find, show, export, split, and join stored properties.")


@command(app, "list", "", "elm springfield", "--status Active --json | jq -r '.[].property'")
def list_properties(
    words: Annotated[list[str] | None, typer.Argument(metavar="WORD", help="Words of its address or URLs.")] = None,
    status: Annotated[
        str | None, choice_option("--status", require_status, FIELDS[STATUS].values, "Only this RESO status.")
    ] = None,
    limit: Limit = 100,
) -> None:
    """List properties by words in their addresses or URLs, recently changed ones first. All WORDs must match.

    JSON: a list, each entry as in `propintel properties show`.
    """
    wanted = PropertyFilter(" ".join(words or ()), status)
    with open_stores(load_settings()) as stores:
        found = stores.properties.page(limit=limit, newest_first=True, only=wanted).items
        show(found, lambda: [property_list(found, _short(stores, found))])


@command(app, "conflicts", "")
def list_conflicts(limit: Limit = 100) -> None:
    """List values that sources disagree about. Recently changed properties come first.

    JSON: a list of `{"property", "conflicts"}`.
    """
    with open_stores(load_settings()) as stores:
        only = PropertyFilter(conflicts_only=True)
        found = stores.properties.page(limit=limit, newest_first=True, only=only).items
        data = [{name: one[name] for name in ("property", "conflicts")} for one in found]
        named = partial(with_source_names, name_of=source_namer(stores.settings))
        show(data, lambda: [conflict_table([*map(named, found)], _short(stores, found))])


@command(
    app,
    "show",
    "3f2c9a7b",
    "3f2c9a7b --explain",
    "3f2c9a7b --explain YearBuilt Roof",
    "3f2c9a7b --json | jq .evidence.ListPrice",
)
def show_property(
    property_id: PropertyId,
    fields: Annotated[list[str] | None, typer.Argument(metavar="FIELD", help="Fields to explain, by name.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show every value and source.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show why each value won, or all about FIELDs.")] = False,
) -> None:
    """Show a summary of one property, and where its sources disagree.

    JSON: `{"property", "record", "evidence", "as_of", "sources", "conflicts", "unverified", "tried", "replaces",
    "created_at", "updated_at"}`; with --explain `{"property", "sources", "values", "decisions"}`.
    """
    if fields and not explain:
        raise typer.BadParameter("name fields together with --explain", param_hint="FIELD")
    wanted = [_field(name) for name in fields or ()]
    with open_stores(load_settings()) as stores:
        full_id = find_id(stores.database, property_id, PROPERTY)
        shown, now = stores.properties.get(full_id), stores.database.clock.now()
        named = partial(with_source_names, name_of=source_namer(stores.settings))
        if explain:
            explained = explanation(stores.database, full_id)
            if wanted:
                explained["values"] = [value for value in explained["values"] if value["field"] in wanted]
            show(explained, lambda: _explained(stores, named(shown), explained, wanted))
        elif everything:
            show(shown, lambda: all_values(named(shown)))
        else:
            show_properties([shown], now, stores.settings, as_list=False)


_EXPORTS = (
    "--format csv -o properties.csv",
    "| jq -c .record.ListPrice",
    "--columns contractor --format csv -o homes.csv",
    "--changed-since 2026-01-31 -o changes.jsonl",
)
command(app, "export", *_EXPORTS)(export)


@command(app, "split", "3f2c9a7b --source https://www.example.com/homes/1")
def split_property(
    property_id: PropertyId,
    source: Annotated[list[str], typer.Option("--source", metavar="URL", help="A source to move; may be repeated.")],
    reason: Reason = "",
) -> None:
    """Split a property: move sources to a new property.

    Later scrapes keep both properties apart, until `propintel properties undo DECISION`.

    JSON: `{"id", "at", "who", "kind", "reason", "property", "other", "pages", "undone_at", "undone_by"}`.
    """
    with open_stores(load_settings()) as stores:
        full_id = find_id(stores.database, property_id, PROPERTY)
        _show_decision(stores, split(stores.database, full_id, source, who=who(), reason=reason))


@command(app, "join", "3f2c9a7b 77ab01c2 --reason 'a house on a corner'")
def join_properties(
    property_id: PropertyId, other: Annotated[str, id_argument(PROPERTY, "OTHER")], reason: Reason = ""
) -> None:
    """Merge OTHER into PROPERTY, even if their values contradict each other.

    Later scrapes keep them merged, until `propintel properties undo DECISION`.

    JSON: as for `propintel properties split`.
    """
    with open_stores(load_settings()) as stores:
        kept, joined = (find_id(stores.database, one, PROPERTY) for one in (property_id, other))
        _show_decision(stores, join(stores.database, kept, joined, who=who(), reason=reason))


@command(app, "decisions", "", "3f2c9a7b")
def list_decisions(property_id: Annotated[str | None, id_argument(PROPERTY)] = None) -> None:
    """List splits, joins, and reviews of a property, newest first.

    Without PROPERTY, list all open reviews, oldest first. A review marks two properties that may be the same: only a
    page of unknown kind connects them. Merge them (`propintel properties join`), or close the review (`undo`).

    JSON: a list, each entry as in `propintel properties split`.
    """
    with open_stores(load_settings()) as stores:
        store = DecisionStore(stores.database)
        if property_id is None:
            found = list(every(store.reviews))
        else:
            found = store.of(find_id(stores.database, property_id, PROPERTY))
        show([one.as_json() for one in found], lambda: [_decision_table(stores, [one.as_json() for one in found])])


@command(app, "undo", "0d9b41aa")
def undo_decision(decision: Annotated[str, id_argument(DECISION)]) -> None:
    """Undo a split or a join, or close a review.

    JSON: as for `propintel properties split`.
    """
    with open_stores(load_settings()) as stores:
        _show_decision(stores, undo(stores.database, find_id(stores.database, decision, DECISION), who=who()))


def _field(name: str) -> str:
    """Return the name of the field with this name or label, ignoring case, or raise `typer.BadParameter`."""
    names = {spec.label.lower(): field for field, spec in FIELDS.items()} | {field.lower(): field for field in FIELDS}
    if name.lower() in names:
        return names[name.lower()]
    close = [names[one] for one in get_close_matches(name.lower(), names)]
    hint = f"Did you mean {' or '.join(dict.fromkeys(close))}?" if close else "See docs/reference/fields.md."
    raise typer.BadParameter(f"there is no field {name!r}. {hint}", param_hint="FIELD")


def _short(stores: Stores, found: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    return short_ids(stores.database, PROPERTY, [one["property"] for one in found])


def _explained(
    stores: Stores, shown: Mapping[str, Any], explained: Mapping[str, Any], wanted: Sequence[str]
) -> Iterator[Table]:
    yield from explained_fields(shown, explained) if wanted else explained_property(shown, explained)
    if explained["decisions"] and not wanted:
        yield _decision_table(stores, explained["decisions"])


def _show_decision(stores: Stores, made: IdentityDecision) -> None:
    show(made.as_json(), lambda: [_decision_table(stores, [made.as_json()])])


def _decision_table(stores: Stores, made: Sequence[Mapping[str, Any]]) -> Table:
    ids = short_ids(stores.database, DECISION, [one["id"] for one in made])
    properties = short_ids(stores.database, PROPERTY, [one[side] for one in made for side in ("property", "other")])
    rows = []
    for one in made:
        undone = f"; undone by {one['undone_by']}, {moment(one['undone_at'])}" if one["undone_at"] else ""
        about = "\n".join(filter(None, [f"{one['who']}, {moment(one['at'])}{undone}", one["reason"], *one["pages"]]))
        rows.append((ids[one["id"]], one["kind"], properties[one["property"]], properties[one["other"]], about))
    return make_table("Decisions", ("decision", "kind", "property", "other", "who, why, and pages of the other"), rows)
