"""`propintel recipes`: list, export, import, and delete recipes. A recipe reads a site's pages without a model."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from app.errors import ConfigurationError
from app.plurals import counted
from app.printable import printable
from app.property.recipes.form import as_json, as_toml
from app.property.recipes.recipe import Recipe
from app.property.storage.ids import RECIPE, find_id, ids_from, short_ids
from app.property.storage.paging import every
from app.property.storage.properties.recipes import StoredRecipes
from app.services.reports.recipe_view import import_file, recipe_view
from app.services.runtime.stores import Stores, open_stores
from app.settings import load_settings
from cli.command import command, new_app
from cli.output import make_facts, make_table, moment, print_json, show

app = new_app("recipes", "See what was learned about sites, whose pages then need no model; see docs/recipes.md.")

Named = Annotated[str, typer.Argument(metavar="HOST_OR_ID", help="A host, or the ID of a recipe.")]


class FileFormat(StrEnum):
    JSON = "json"
    TOML = "toml"


@command(app, "list", "", "--json | jq -r '.[].host'")
def list_recipes() -> None:
    """List recipes by host, with the model costs they saved.

    JSON: a list, each entry as in `propintel recipes show`.
    """
    settings = load_settings()
    with open_stores(settings) as stores:
        store = StoredRecipes(stores.database)
        found = sorted(every(store.page), key=lambda one: (one.host, one.id))
        shown = list(map(recipe_view(settings), found))
        show(shown, lambda: [_table(stores, shown)])


@command(app, "show", "www.example.com")
def show_recipes(name: Named) -> None:
    """Show recipes: where each field is found, and how often that worked. Suspended recipes and fields show the reason.

    JSON: a list of `{"id", "host", "pages_glob", "written", "state", "reason", "fields": [{"field", "anchors":
    [{"kind", "name", "relation", "within", "reads", "unit", "where"}], "suspended"}], "never", "learned_from",
    "learned_at", "audited_at", "counts": {"pages", "without_model", "hits", "misses", "contradicted", "audits"},
    "saved_calls", "saved_tokens", "saved_usd"}`.
    """
    settings = load_settings()
    with open_stores(settings) as stores:
        shown = list(map(recipe_view(settings), _named(stores, name)))
    show(shown, lambda: [part for one in shown for part in _whole(one)])


@command(app, "forget", "www.example.com")
def forget(name: Named) -> None:
    """Delete a recipe, or all recipes of a host. The model then reads the pages again until new recipes are learned.

    JSON: `{"forgotten": [id]}`.
    """
    with open_stores(load_settings()) as stores:
        store = StoredRecipes(stores.database)
        gone = [one.id for one in _named(stores, name) if store.forget(one.id)]
    show({"forgotten": gone}, lambda: [Text(f"{len(gone)} forgotten")])


@command(app, "export", "> recipes.json", "0123456789ab --format toml > county.toml")
def export(
    name: Annotated[str | None, typer.Argument(metavar="[HOST_OR_ID]", help="Default: all.")] = None,
    format_: Annotated[
        FileFormat | None, typer.Option("--format", help="json: the default. toml: one recipe, to edit.")
    ] = None,
) -> None:
    """Print recipes for `propintel recipes import`."""
    with open_stores(load_settings()) as stores:
        found = _named(stores, name) if name is not None else list(every(StoredRecipes(stores.database).page))
    if format_ is not FileFormat.TOML:
        print_json(list(map(as_json, found)))
        return
    if len(found) != 1:
        ids = ", ".join(one.id for one in found[:5]) or "there is none"
        raise typer.BadParameter(f"a TOML file holds one recipe, not {len(found)}; name one by its ID: {ids}")
    typer.echo("\n".join(map(printable, as_toml(found[0]).split("\n"))), nl=False)


@command(app, "import", "county.toml")
def import_recipes(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="TOML as in docs/recipes.md, or exported JSON.")],
) -> None:
    """Store recipes from files. An imported recipe replaces a stored recipe for the same host and pages.

    JSON: as for `propintel recipes list`.
    """
    settings = load_settings()
    texts = {str(file): _text(file) for file in files}
    with open_stores(settings) as stores:
        store = StoredRecipes(stores.database)
        found = [one for source, text in texts.items() for one in import_file(store, text, source)]
        shown = list(map(recipe_view(settings), found))
        show(shown, lambda: [_table(stores, shown)])


def _named(stores: Stores, name: str) -> Sequence[Recipe]:
    is_id = ids_from(stores.database, name, RECIPE, limit=1)
    return StoredRecipes(stores.database).named(find_id(stores.database, name, RECIPE) if is_id else name)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
        raise ConfigurationError(str(file), f"cannot be read: {reason}", "Name a file in TOML or JSON") from None


def _table(stores: Stores, found: Sequence[Mapping[str, Any]]) -> Table:
    ids = short_ids(stores.database, RECIPE, [one["id"] for one in found])
    rows = [
        (ids[one["id"]], one["host"], one["state"], one["counts"]["pages"], _share(one["counts"]), _saved(one))
        for one in found
    ]
    return make_table("Recipes", ("recipe", "host", "state", "pages", "no model", "saved"), rows)


def _whole(one: Mapping[str, Any]) -> Iterator[Table]:
    counts = one["counts"]
    learned = f"from {counted(one['learned_from'], 'page')}, {moment(one['learned_at'])}" if one["learned_at"] else ""
    facts = [
        ("state", f"{one['state']}: {one['reason']}" if one["reason"] else one["state"]),
        ("pages", one["pages_glob"] or "of one template" if not one["written"] else one["pages_glob"] or "all"),
        ("learned", "written by hand" if one["written"] else learned),
        ("last audit", moment(one["audited_at"]) or "never"),
        ("pages read", f"{counts['pages']}, {counts['without_model']} without a model"),
        ("fields", f"{counts['hits']} found, {counts['misses']} not, {counts['contradicted']} contradicted"),
        ("saved", f"{counted(one['saved_calls'], 'call')}, {counted(one['saved_tokens'], 'token')}, {_saved(one)}"),
        ("never there", ", ".join(one["never"])),
    ]
    yield make_facts(f"Recipe {one['id']} of {one['host']}", facts)
    rows = [
        (field["field"], "\n".join(anchor["where"] for anchor in field["anchors"]), field["suspended"] or "")
        for field in one["fields"]
    ]
    yield make_table(None, ("field", "where", "suspended because"), rows)


def _share(counts: Mapping[str, int]) -> str:
    return f"{counts['without_model'] / counts['pages']:.0%}" if counts["pages"] else ""


def _saved(one: Mapping[str, Any]) -> str:
    return "" if one["saved_usd"] is None else f"${one['saved_usd']:.2f}"
