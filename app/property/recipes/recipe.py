"""A recipe describes where the pages of one template on a host state each field.

Recipes are plain data: JSON in the database, TOML if an operator writes them. Text from pages never becomes code or a
regular expression.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple

#: A stored recipe of another version is not used.
FORMAT = 1
#: Maximum number of examples stored per recipe, and maximum number of recipes used per host.
MOST_EXAMPLES, MOST_OF_HOST = 12, 50
AnchorKind = Literal["label", "attribute", "path", "reader"]


class RecipeState(StrEnum):
    """The state of a recipe.

    Only active recipes are used. A suspended recipe becomes active when it is learned again.
    """

    LEARNING = "learning"
    ACTIVE = "active"
    SUSPENDED = "suspended"


class Anchor(NamedTuple):
    """A rule that finds one field's value on a page.

    - `label`: `name` is the label's words. `relation` says where the value is, seen from the label: `cell` (next cell
      of the row), `term` (the `<dd>` of a `<dt>`), `colon` (in the same text, after a colon), `next` or `previous` (the
      next or previous text), `after` (later in the same clause), or `before` (a count earlier in the same clause).
    - `attribute`: `name` is `itemprop=price`, `id=price`, `data-price`, `div.price`, `meta=og:title`, or a tag (`h1`).
    - `path`: `name` is a path of key names such as `/features/*/attributes/YEARBLT` or `/facts/*[caption=TLA]/value`.
      `relation` says in which JSON the path is: `body`, `ld+json`, or `state` (data embedded for scripts).
    - `reader`: `name` is a reader, and `relation` is the locator at which it finds the value, without list indexes.

    `within` names a block around the value (`#facts`, `.summary`); empty means the whole page. `reads` is the field or
    composite to parse the text as, if it is not the anchor's field: `_Address` for the town in a one-line address.
    `unit` is the unit of an area that the page shows without a unit.
    """

    kind: AnchorKind
    name: str
    relation: str = ""
    within: str = ""
    reads: str = ""
    unit: str = ""

    @property
    def bare(self) -> Anchor:
        return Anchor(self.kind, self.name, self.relation) if self.within or self.reads or self.unit else self


@dataclass(frozen=True, slots=True)
class Counts:
    """Counters of an active recipe since it was first learned or last relearned after a suspension.

    `pages` counts pages of the template, and `without_model` those for which no model was asked. `hits` and `misses`
    add up the fields found and not found on all pages. `contradicted` counts values that were ambiguous, or that a
    model or another reader contradicted. `audits` counts audited pages, and `saved_tokens` prompt tokens that were not
    sent.
    """

    pages: int = 0
    without_model: int = 0
    hits: int = 0
    misses: int = 0
    contradicted: int = 0
    audits: int = 0
    saved_tokens: int = 0

    def plus(self, other: Counts) -> Counts:
        return Counts(*(one + two for one, two in zip(asdict(self).values(), asdict(other).values(), strict=True)))


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe for pages of `host` that share a template.

    - `fingerprint` identifies the template, and `kind` is the `PageKind` of its pages (empty: any). A handwritten
      recipe (`written`) has no fingerprint; its `pages` is a glob on the path and query of a URL (empty: all pages).
    - `fields` maps each field to its anchors, best first. `suspended` maps each field whose anchors are no longer used
      to the reason.
    - No model is asked for `never` fields, which hardly any page has, or for `unanswered` fields, which readers find
      and no model confirms. For an `unsure` field, a model is asked if the anchors find nothing, because the page may
      still state it.
    - For an `outvoted` field, readers were wrong on example pages where the anchors were right. If a reader's value
      differs from the anchors' value again, this does not count as a contradiction.
    - `usual` is the mean share of `fields` that the anchors find on a page, 0 to 1. `recent` lists, for the newest
      pages, the number of found fields divided by the usual number (at most 1), newest page last.
    - `taught` counts all examples so far. `tried` is the value of `taught` at the last attempt to learn.
      `learned_from` is the number of pages from which the anchors were learned.
    - `reason` says why the recipe is suspended. Times are ISO 8601; empty means never.
    """

    id: str
    host: str
    fingerprint: frozenset[int] = frozenset()
    kind: str = ""
    pages: str = ""
    written: bool = False
    state: RecipeState = RecipeState.LEARNING
    reason: str = ""
    fields: Mapping[str, tuple[Anchor, ...]] = field(default_factory=dict)
    suspended: Mapping[str, str] = field(default_factory=dict)
    never: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    outvoted: tuple[str, ...] = ()
    usual: float = 1.0
    learned_from: int = 0
    taught: int = 0
    tried: int = 0
    learned_at: str = ""
    relearned_at: str = ""
    audited_at: str = ""
    recent: tuple[float, ...] = ()
    counts: Counts = Counts()

    @property
    def usable(self) -> dict[str, tuple[Anchor, ...]]:
        return {name: anchors for name, anchors in self.fields.items() if name not in self.suspended}


def recipe_host(host: str | None) -> str:
    """Return a host in the spelling of `Recipe.host`: lowercase, without `www.`. Return "" for None."""
    return (host or "").strip().lower().removeprefix("www.")


def new_recipe(host: str, fingerprint: frozenset[int], kind: str = "") -> Recipe:
    known = hashlib.sha256(f"{host} {kind} {sorted(fingerprint)}".encode()).hexdigest()
    return Recipe(known[:12], host, fingerprint, kind=kind)
