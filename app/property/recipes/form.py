"""Convert recipes to and from JSON for storage, and to and from TOML for operators (docs/recipes.md)."""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, get_args

from pydantic import TypeAdapter

from app.errors import ConfigurationError
from app.property.fields.table import FIELDS
from app.property.recipes.recipe import FORMAT, Anchor, AnchorKind, Recipe, RecipeState

#: Allowed relations of each kind of anchor; the first is the default.
RELATIONS: Mapping[str, tuple[str, ...]] = {
    "label": ("cell", "term", "colon", "next", "previous", "after", "before"),
    "attribute": ("",),
    "path": ("body", "ld+json", "state"),
    "reader": (),
}
_KINDS = get_args(AnchorKind)
_STORED = TypeAdapter(Recipe)
_UNITS = ("Square Feet", "Square Meters", "Acres", "Hectares")
_KEYS = frozenset({"format", "host", "pages", "fields"})
_SEE = "Correct it; docs/recipes.md shows every form of an anchor"


def as_json(recipe: Recipe) -> dict[str, Any]:
    data = asdict(recipe) | {"format": FORMAT, "fingerprint": sorted(recipe.fingerprint)}
    data["fields"] = {
        name: [{key: value for key, value in anchor._asdict().items() if value} for anchor in anchors]
        for name, anchors in recipe.fields.items()
    }
    return data


def from_json(data: Mapping[str, Any]) -> Recipe | None:
    """Return the recipe that `data` (a result of `as_json`) contains, or None if `data` has another format version."""
    if data.get("format") != FORMAT:
        return None
    known = {name: anchors for name, anchors in data["fields"].items() if name in FIELDS}
    return _STORED.validate_python({**data, "fields": known})


def as_toml(recipe: Recipe) -> str:
    """Return `recipe` as TOML in the form that operators write: without counters and reader anchors."""
    lines = [f"format = {FORMAT}", f"host = {_quoted(recipe.host)}"]
    lines += [f"pages = {_quoted(recipe.pages)}"] if recipe.pages else []
    lines += ["", "[fields]"]
    for name, anchors in recipe.fields.items():
        forms = [
            ", ".join(
                f"{key} = {_quoted(value)}"
                for key, value in ((one.kind, one.name), *list(one._asdict().items())[2:])
                if value
            )
            for one in anchors
            if one.kind != "reader"
        ]
        lines += [] if not forms else [f"{name} = [{', '.join(f'{{ {one} }}' for one in forms)}]"]
    return "\n".join(lines) + "\n"


def written(text: str, source: str) -> Recipe:
    """Parse a TOML recipe that an operator wrote. `source` names the file in error messages.

    Raises `ConfigurationError` if the recipe is invalid.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise ConfigurationError(source, f"is not TOML: {exc}", "Correct that line; see docs/recipes.md") from None
    wrong = _Wrong(text, source)
    if unknown := sorted(data.keys() - _KEYS):
        raise wrong.at(unknown[0], f"unknown key {unknown[0]!r}; known are {', '.join(sorted(_KEYS))}")
    if data.get("format") != FORMAT:
        raise wrong.at("format", "the version of the format is missing or another one", f"Set format = {FORMAT}")
    host, pages, named = data.get("host"), data.get("pages", ""), data.get("fields")
    if not isinstance(host, str) or not re.fullmatch(r"[a-z0-9.-]+\.[a-z0-9-]+", host):
        raise wrong.at("host", "host must be a host name in small letters", 'Write it as host = "gis.example.gov"')
    if not isinstance(pages, str) or (pages and not pages.startswith(("/", "*"))):
        raise wrong.at("pages", "pages must be a glob on the URL's path that begins with / or *")
    if not isinstance(named, dict) or not named:
        raise wrong.at("fields", "there are no [fields]")
    anchors = {name: _anchors(name, value, wrong) for name, value in named.items()}
    known = hashlib.sha256(f"written {host} {pages}".encode()).hexdigest()[:12]
    return Recipe(
        known, host.removeprefix("www."), pages=pages, written=True, state=RecipeState.ACTIVE, fields=anchors, usual=0.5
    )


class _Wrong:
    def __init__(self, text: str, source: str) -> None:
        self._lines = text.splitlines()
        self._source = source

    def at(self, word: str, problem: str, remedy: str = _SEE) -> ConfigurationError:
        found = re.compile(rf"^\s*\[?{re.escape(word)}\b")
        line = next((number for number, text in enumerate(self._lines, 1) if found.search(text)), 1)
        return ConfigurationError(f"{self._source}, line {line}", problem, remedy)


def _anchors(name: str, value: Any, wrong: _Wrong) -> tuple[Anchor, ...]:
    if name not in FIELDS or FIELDS[name].derived:
        raise wrong.at(name, f"{name} is not a field that is read; see the reference of fields")
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        raise wrong.at(name, f"{name} must be a list of anchors", f'Write {name} = [{{ path = "/attributes/X" }}]')
    return tuple(_anchor(name, one, wrong) for one in value)


def _anchor(name: str, data: dict[str, Any], wrong: _Wrong) -> Anchor:
    from app.property.recipes.spots import folded  # noqa: PLC0415 (imports all readers, which the web server does not need)
    from app.property.recipes.typed import parsers  # noqa: PLC0415

    kinds = [kind for kind in _KINDS if kind in data]
    others = data.keys() - {*kinds, "relation", "within", "reads", "unit"}
    if len(kinds) != 1 or kinds == ["reader"] or others or not all(isinstance(one, str) for one in data.values()):
        raise wrong.at(
            name, "an anchor has one of label, attribute, and path, and may have relation, within, reads, and unit"
        )
    kind = kinds[0]
    relation = data.get("relation", RELATIONS[kind][0])
    if relation not in RELATIONS[kind]:
        raise wrong.at(name, f"relation {relation!r} must be one of {', '.join(RELATIONS[kind])}")
    if data.get("unit", "") not in ("", *_UNITS):
        raise wrong.at(name, f"unit {data['unit']!r} must be one of {', '.join(_UNITS)}")
    if data.get("reads", "") not in parsers(name):
        raise wrong.at(
            name, f"reads {data['reads']!r} must be one of {', '.join(filter(None, parsers(name))) or 'none'}"
        )
    words = folded(data[kind]) if kind == "label" else data[kind]
    if not words or (kind == "path" and not words.startswith("/")):
        raise wrong.at(
            name, "a path begins with /, as /features/*/attributes/X" if words else "an anchor names nothing"
        )
    return Anchor(kind, words, relation, data.get("within", ""), data.get("reads", ""), data.get("unit", ""))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # JSON and basic TOML strings have the same syntax
