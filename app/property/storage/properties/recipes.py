"""Store recipes (`app/property/recipes`) and their examples in the database.

An example refers to its page by the hash of the body. Recipes in another format version are not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, or_, select

from app.errors.recipes import RecipeNotFoundError
from app.property.recipes.form import as_json, from_json
from app.property.recipes.recipe import FORMAT, MOST_EXAMPLES, MOST_OF_HOST, Recipe, recipe_host
from app.property.storage.pages.repository import page_by_body
from app.property.storage.paging import Order, Page
from app.property.storage.privacy.suppressions import purged_since
from app.property.storage.properties.tables import RecipeExample, RecipeRow
from app.property.storage.statements import Store, clean, upsert
from app.property.urls.targets import MAX_URL_CHARS

if TYPE_CHECKING:  # the modules load all readers, which the web server does not need
    from app.property.recipes.keeper import RecipeChange
    from app.property.recipes.learning import Example

ORDER = Order("recipes", (RecipeRow.id,))
_USABLE = select(RecipeRow).where(RecipeRow.format == FORMAT)


class StoredRecipes(Store):
    """Stores recipes, each call in one transaction. Implements `RecipeStore`, which documents the shared methods."""

    def of_host(self, host: str) -> Sequence[Recipe]:
        with self._database.reading() as connection:
            return _found(connection, RecipeRow.host == host)

    def find_or_add(self, recipe: Recipe) -> Recipe:
        """Find or store a recipe. If the host has too many learned recipes, delete the least recently updated ones."""
        from app.property.recipes.template import likest  # noqa: PLC0415

        def work(connection: Connection) -> Recipe:
            self._database.advisory_lock(connection, f"recipes of {recipe.host}")
            known = [one for one in _found(connection, RecipeRow.host == recipe.host) if not one.written]
            if alike := likest((one for one in known if one.kind == recipe.kind), recipe.fingerprint):
                return alike[0]
            c, kept = RecipeRow, [one.id for one in known[: MOST_OF_HOST - 1]]
            connection.execute(delete(RecipeRow).where(c.host == recipe.host, ~c.written, c.id.not_in(kept)))
            self._put(connection, recipe)
            return recipe

        return self._database.repeat(work)

    def add_example(self, recipe_id: str, example: Example) -> None:
        """Store an example, unless its page must not be stored, was purged, or contains the name of a purged person."""
        page = example.page
        if page.validators.no_store or len(page.final_url) > MAX_URL_CHARS:  # a longer URL does not fit into the index
            return
        stated = {
            "values": {name: list(pair) for name, pair in example.values.items()},
            "absent": sorted(example.absent),
            "unanswered": sorted(example.unanswered),
            "row": example.row,
        }
        row = {"content_sha256": page.sha256, "example": stated, "at": self._database.clock.now()}

        def work(connection: Connection) -> None:
            purged = purged_since(self._database, connection, page.fetched_at, (page.url, page.final_url))
            if purged.urls or purged.names.is_in([page.text, stated]):
                return
            if connection.execute(_locked(recipe_id)).one_or_none() is None:
                return
            c = RecipeExample
            upsert(connection, RecipeExample, {"recipe_id": recipe_id, "page_url": clean(page.final_url)}, row)
            mine = select(c.page_url).where(c.recipe_id == recipe_id).order_by(c.at.desc(), c.page_url)
            old = connection.execute(mine.offset(MOST_EXAMPLES)).scalars().all()
            connection.execute(delete(RecipeExample).where(c.recipe_id == recipe_id, c.page_url.in_(old)))

        self._database.repeat(work)

    def examples(self, recipe_id: str) -> list[Example]:
        from app.property.recipes.learning import Example  # noqa: PLC0415

        c, found = RecipeExample, list[Example]()
        with self._database.reading() as connection:
            mine = select(RecipeExample).where(c.recipe_id == recipe_id).order_by(c.at, c.page_url)
            for row in connection.execute(mine).all():
                page = page_by_body(connection, row.content_sha256, row.page_url)
                if page is None:
                    continue
                values = {name: (value, unit) for name, (value, unit) in row.example["values"].items()}
                absent, unanswered = frozenset(row.example["absent"]), frozenset(row.example["unanswered"])
                found.append(Example(page, values, absent, unanswered, row.example["row"]))
        return found

    def forget_examples(self, recipe_id: str) -> None:
        which = delete(RecipeExample).where(RecipeExample.recipe_id == recipe_id)
        self._database.repeat(lambda connection: connection.execute(which))

    def update(self, recipe_id: str, change: RecipeChange) -> Recipe | None:
        def work(connection: Connection) -> Recipe | None:
            row = connection.execute(_locked(recipe_id)).one_or_none()
            if row is None:
                return None
            changed = change(_recipe(row))
            self._put(connection, changed)
            return changed

        return self._database.repeat(work)

    def page(self, cursor: str | None = None, *, host: str | None = None, limit: int = 100) -> Page[Recipe]:
        """Return a page of recipes, of `host` or (None) of all hosts, ordered by id. Raises `InvalidCursorError`."""
        query = _USABLE if host is None else _USABLE.where(RecipeRow.host == host)
        rows = self._rows(ORDER.page_query(query, cursor, limit))
        return Page([_recipe(row) for row in rows[:limit]], ORDER.next_cursor(rows, limit))

    def get(self, recipe_id: str) -> Recipe:
        return self._found(recipe_id, RecipeRow.id == recipe_id)[0]

    def named(self, name: str) -> Sequence[Recipe]:
        """Return the recipes whose id or host is `name`. Raises `RecipeNotFoundError`."""
        return self._found(name, or_(RecipeRow.id == name, RecipeRow.host == recipe_host(name)))

    def _found(self, name: str, which: ColumnElement[bool]) -> list[Recipe]:
        with self._database.reading() as connection:
            if found := _found(connection, which):
                return found
        raise RecipeNotFoundError(name)

    def put(self, recipe: Recipe) -> None:
        """Store a handwritten or exported recipe, replacing a recipe with the same id."""
        self._database.repeat(lambda connection: self._put(connection, recipe))

    def forget(self, recipe_id: str) -> bool:
        gone = delete(RecipeRow).where(RecipeRow.id == recipe_id)
        return self._database.repeat(lambda connection: connection.execute(gone).rowcount) > 0

    def _put(self, connection: Connection, recipe: Recipe) -> None:
        row = {"host": recipe.host, "written": recipe.written, "format": FORMAT}
        row |= {"document": as_json(recipe), "updated_at": self._database.clock.now()}
        upsert(connection, RecipeRow, {"id": recipe.id}, row)


def _locked(recipe_id: str) -> Select[Any]:
    return _USABLE.where(RecipeRow.id == recipe_id).with_for_update()


def _recipe(row: Row[Any]) -> Recipe:
    found = from_json(row.document)
    if found is None:
        raise AssertionError("the query selects recipes of this format")
    return found


def _found(connection: Connection, which: ColumnElement[bool]) -> list[Recipe]:
    c = RecipeRow
    newest = _USABLE.where(which).order_by(c.written.desc(), c.updated_at.desc(), c.id)
    return [_recipe(row) for row in connection.execute(newest.limit(MOST_OF_HOST))]
