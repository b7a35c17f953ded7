"""Show recipes with their savings, and import recipe files."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from app.errors import ConfigurationError
from app.property.fields.table import FIELDS
from app.property.recipes.form import from_json, written
from app.property.recipes.recipe import Anchor, Recipe
from app.property.storage.properties.recipes import StoredRecipes
from app.services.keys.store import pricing_of
from app.settings import Settings

_WHERE = {
    "cell": "in the cell beside {name!r}",
    "term": "in the definition of {name!r}",
    "colon": "after {name!r} in the same text",
    "next": "in the text after {name!r}",
    "previous": "in the text before {name!r}",
    "after": "after {name!r} in a sentence",
    "before": "a count before {name!r} in a sentence",
}


def savings(settings: Settings) -> Callable[[int], float | None]:
    """Return a function that converts prompt tokens to US dollars, or to None if the model's price is unknown."""
    price, model, tier = pricing_of(settings), settings.openai.model, settings.openai.service_tier or ""
    is_priced = price(model, 1_000, 0, tier) > 0
    return lambda tokens: round(price(model, tokens, 0, tier) / 1_000_000, 4) if is_priced else None


def recipe_view(settings: Settings) -> Callable[[Recipe], dict[str, Any]]:
    """Return a function that converts a recipe to JSON types and adds its savings in US dollars (`saved_usd`)."""
    saved_usd = savings(settings)

    def view(recipe: Recipe) -> dict[str, Any]:
        counts = recipe.counts
        return {
            "id": recipe.id,
            "host": recipe.host,
            "pages_glob": recipe.pages or None,
            "written": recipe.written,
            "state": str(recipe.state),
            "reason": recipe.reason or None,
            "fields": [
                {
                    "field": name,
                    "anchors": [one._asdict() | {"where": where(one)} for one in anchors],
                    "suspended": recipe.suspended.get(name),
                }
                for name, anchors in sorted(recipe.fields.items())
            ],
            "never": list(recipe.never),
            "learned_from": recipe.learned_from,
            "learned_at": recipe.learned_at or None,
            "audited_at": recipe.audited_at or None,
            "counts": {name: getattr(counts, name) for name in asdict(counts) if name != "saved_tokens"},
            "saved_calls": counts.without_model,
            "saved_tokens": counts.saved_tokens,
            "saved_usd": saved_usd(counts.saved_tokens),
        }

    return view


def where(anchor: Anchor) -> str:
    if anchor.kind == "label":
        place = _WHERE[anchor.relation].format(name=anchor.name)
    elif anchor.kind == "path":
        place = f"{anchor.name} in the JSON ({anchor.relation})"
    elif anchor.kind == "reader":
        place = f"what {anchor.name} reads at {anchor.relation}"
    else:
        place = f"the element with {anchor.name}"
    return f"{place} within {anchor.within}" if anchor.within else place


def import_file(store: StoredRecipes, text: str, source: str) -> list[Recipe]:
    """Store a handwritten recipe (TOML) or exported recipes (`.json`).

    Raises `ConfigurationError` with `source` and the bad line or recipe.
    """
    found = _exported(text, source) if source.endswith(".json") else [written(text, source)]
    found = [replace(one, id=one.id if one.written else store.find_or_add(one).id) for one in found]
    for one in found:
        store.put(one)
    return found


def _exported(text: str, source: str) -> list[Recipe]:
    remedy = "Export it again with `propintel recipes export`"
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ConfigurationError(source, f"is not JSON: {exc}", remedy) from None
    found = list[Recipe]()
    for number, one in enumerate(data if isinstance(data, list) else [data], 1):
        place = f"{source}, recipe {number}"
        try:
            recipe = from_json(one)
        except (AttributeError, KeyError, TypeError, ValueError) as exc:
            raise ConfigurationError(place, f"is not an exported recipe ({exc!r})", remedy) from None
        if recipe is None:
            raise ConfigurationError(place, "has another version of the format", "Let it be learned again")
        if unknown := sorted(recipe.fields.keys() - FIELDS.keys()):
            raise ConfigurationError(place, f"{unknown[0]} is not a field", remedy)
        found.append(recipe)
    return found
