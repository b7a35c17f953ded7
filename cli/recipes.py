"""`propintel recipes`: what was learned of sites, whose pages then need no model; and recipes that people write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from app.errors import ConfigurationError
from app.printable import printable
from app.property.recipes.form import as_json, as_toml
from app.property.storage.paging import every
from app.property.storage.properties.recipes import StoredRecipes
from app.services.reports.recipe_view import import_file, recipe_view
from app.services.runtime.stores import open_stores
from app.settings import load_settings
from cli.output import FormatOption, make_table, print_json, show

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False)

Named = Annotated[str, typer.Argument(metavar="HOST_OR_ID", help="A host, or the id of one recipe.")]
_LIST = """\b
Examples:
  propintel recipes list
  propintel recipes list --format json | jq -r '.[] | select(.state == "suspended") | .host'
"""
_SHOW = """\b
Examples:
  propintel recipes show www.example.com
"""
_FORGET = """\b
Examples:
  propintel recipes forget www.example.com
"""
_EXPORT = """\b
Examples:
  propintel recipes export > recipes.json
  propintel recipes export 0123456789ab --format toml > county.toml
"""
_IMPORT = """\b
Examples:
  propintel recipes import county.toml
"""


class FileFormat(StrEnum):
    """How recipes are exported."""

    JSON = "json"
    TOML = "toml"


@app.callback()
def _group() -> None:
    """What was learned of sites, whose pages then need no model; see docs/recipes.md."""


@app.command("list", epilog=_LIST)
def list_command(format_: FormatOption = None) -> None:
    """All recipes by host, with what they saved.

    JSON: a list of what `propintel recipes show` has.
    """
    settings = load_settings()
    with open_stores(settings) as stores:
        store = StoredRecipes(stores.database)
        found = sorted(every(store.page), key=lambda one: (one.host, one.id))
    shown = list(map(recipe_view(settings), found))
    show(shown, format_, lambda: [_table(shown)])


@app.command("show", epilog=_SHOW)
def show_command(name: Named, format_: FormatOption = None) -> None:
    """Where each field is found, how the recipe does, and why it or a field is suspended.

    JSON: a list of `{"id", "host", "pages_glob", "written", "state", "reason", "fields": [{"field", "anchors":
    [{"kind", "name", "relation", "within", "reads", "unit", "where"}], "suspended"}], "never", "learned_from",
    "learned_at", "audited_at", "counts": {"pages", "without_model", "hits", "misses", "contradicted", "audits"},
    "saved_calls", "saved_tokens", "saved_usd"}`.
    """
    settings = load_settings()
    with open_stores(settings) as stores:
        shown = list(map(recipe_view(settings), StoredRecipes(stores.database).named(name)))
    show(shown, format_, lambda: [part for one in shown for part in _whole(one)])


@app.command(epilog=_FORGET)
def forget(name: Named, format_: FormatOption = None) -> None:
    """Delete a recipe, or all of a host. Its pages are asked of the model again, and learned anew.

    JSON: `{"forgotten": [id]}`.
    """
    with open_stores(load_settings()) as stores:
        store = StoredRecipes(stores.database)
        gone = [one.id for one in store.named(name) if store.forget(one.id)]
    show({"forgotten": gone}, format_, lambda: [Text(f"{len(gone)} forgotten")])


@app.command(epilog=_EXPORT)
def export(
    name: Annotated[str | None, typer.Argument(metavar="[HOST_OR_ID]", help="Default: all.")] = None,
    format_: Annotated[FileFormat, typer.Option("--format", help="toml: of one recipe, to be edited.")] = (
        FileFormat.JSON
    ),
) -> None:
    """Print recipes as a file that `propintel recipes import` takes."""
    with open_stores(load_settings()) as stores:
        store = StoredRecipes(stores.database)
        found = store.named(name) if name is not None else list(every(store.page))
    if format_ is FileFormat.JSON:
        print_json(list(map(as_json, found)))
        return
    if len(found) != 1:
        ids = ", ".join(one.id for one in found[:5]) or "there is none"
        raise typer.BadParameter(f"a TOML file holds one recipe, not {len(found)}; name one by its id: {ids}")
    typer.echo("\n".join(map(printable, as_toml(found[0]).split("\n"))), nl=False)


@app.command("import", epilog=_IMPORT)
def import_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="TOML as in docs/recipes.md, or exported JSON.")],
    format_: FormatOption = None,
) -> None:
    """Store recipes from files. One with the same host and pages is replaced.

    JSON: as for `propintel recipes list`.
    """
    settings = load_settings()
    texts = {str(file): _text(file) for file in files}
    with open_stores(settings) as stores:
        store = StoredRecipes(stores.database)
        found = [one for source, text in texts.items() for one in import_file(store, text, source)]
    shown = list(map(recipe_view(settings), found))
    show(shown, format_, lambda: [_table(shown)])


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
        raise ConfigurationError(str(file), f"cannot be read: {reason}", "Name a file in TOML or JSON") from None


def _table(found: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        (one["id"], one["host"], one["state"], one["counts"]["pages"], _share(one["counts"]), _saved(one))
        for one in found
    ]
    return make_table("Recipes", ("recipe", "host", "state", "pages", "no model", "saved"), rows)


def _whole(one: Mapping[str, Any]) -> Iterator[Table]:
    counts = one["counts"]
    learned = f"from {one['learned_from']} pages, {_moment(one['learned_at'])}" if one["learned_at"] else ""
    facts = [
        ("state", f"{one['state']}: {one['reason']}" if one["reason"] else one["state"]),
        ("pages", one["pages_glob"] or "of one template" if not one["written"] else one["pages_glob"] or "all"),
        ("learned", "written by hand" if one["written"] else learned),
        ("last audit", _moment(one["audited_at"]) or "never"),
        ("pages read", f"{counts['pages']}, {counts['without_model']} without a model"),
        ("fields", f"{counts['hits']} found, {counts['misses']} not, {counts['contradicted']} contradicted"),
        ("saved", f"{one['saved_calls']} calls, {one['saved_tokens']} tokens, {_saved(one)}"),
        ("never there", ", ".join(one["never"])),
    ]
    yield make_table(f"Recipe {one['id']} of {one['host']}", ("", ""), facts)
    rows = [
        (field["field"], "\n".join(anchor["where"] for anchor in field["anchors"]), field["suspended"] or "")
        for field in one["fields"]
    ]
    yield make_table(None, ("field", "where", "suspended because"), rows)


def _moment(at: str | None) -> str:
    return f"{at[:16].replace('T', ' ')} UTC" if at else ""


def _share(counts: Mapping[str, int]) -> str:
    return f"{counts['without_model'] / counts['pages']:.0%}" if counts["pages"] else ""


def _saved(one: Mapping[str, Any]) -> str:
    return "" if one["saved_usd"] is None else f"${one['saved_usd']:.2f}"
