"""A recipe: where the pages of one template of a host state each field.

Recipes are data only, stored as JSON and written as TOML. Page text never becomes code or a pattern.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple

#: The version of the format. Stored recipes in another version are discarded and learned again.
FORMAT = 1
#: Maximum number of examples that are kept per recipe, and the maximum number of recipes that are considered per host.
MOST_EXAMPLES, MOST_OF_HOST = 12, 50
AnchorKind = Literal["label", "attribute", "path", "reader"]


class RecipeState(StrEnum):
    """learning: not used yet · active: its values are used · suspended: not used until it is learned again."""

    LEARNING = "learning"
    ACTIVE = "active"
    SUSPENDED = "suspended"


class Anchor(NamedTuple):
    """A rule that finds one field's value on a page.

    - `label`: `name` is the label's words. `relation` is where the value is: `cell` (next cell of the row), `term`
      (`<dt>`, `<dd>`), `colon` (same text), `next` or `previous` (the text after or before it), `after` (the text after
      it in a clause) or `before` (the count before it in a clause).
    - `attribute`: `name` is `itemprop=price`, `id=price`, `data-price`, `div.price`, `meta=og:title`, or a tag (`h1`).
    - `path`: `name` is a path of key names such as `/features/*/attributes/YEARBLT` or `/facts/*[caption=TLA]/value`;
      `relation` names the JSON: `body`, `ld+json`, or `state`.
    - `reader`: the value that the reader `name` finds at a place like `relation`.

    `within` names a block around the value (`#facts`, `.summary`; empty: the whole page). `reads` is the field to parse
    the text as, if different: `_Address` for the town in a one-line address. `unit` is the unit of an area that the
    page does not write.
    """

    kind: AnchorKind
    name: str
    relation: str = ""
    within: str = ""
    reads: str = ""
    unit: str = ""

    @property
    def bare(self) -> Anchor:
        """The anchor without `within`, `reads`, and `unit`."""
        return Anchor(self.kind, self.name, self.relation) if self.within or self.reads or self.unit else self


@dataclass(frozen=True, slots=True)
class Counts:
    """Counters since the recipe was learned.

    `pages` were read with the recipe; `without_model` of them needed no model. `hits` are fields it found, and `misses`
    fields whose anchors found nothing. `contradicted` are fields for which a model, or a reader with confidence 0.9,
    found something else. `audits` are pages on which a model was asked for all fields. `saved_tokens` counts prompt
    tokens that were not sent.
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
    """The knowledge about one template of `host`.

    - `fingerprint` is the template's; `kind` is the `PageKind` of its pages (empty: any). A written recipe has no
      fingerprint; its `pages` is a glob on path and query.
    - `fields` are the anchors by field, best first. `suspended` maps fields whose anchors are no longer used to the
      reason.
    - A model is not asked again for `never`, which hardly any page has, or for `unanswered`, which readers find and no
      model confirms. For `unsure` fields, it is asked when the anchors find nothing, because a page may still state
      them.
    - For `outvoted` fields, readers found other values and were wrong.
    - `usual` is the mean share of `fields` that a page has (0 to 1). `recent` are the shares of `fields` on the newest
      pages, newest last.
    - `taught` counts examples. `tried` is the number of examples when anchors were last searched for. `learned_from` is
      the number of pages that the anchors came from.
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
        """The anchors of fields that are not suspended."""
        return {name: anchors for name, anchors in self.fields.items() if name not in self.suspended}


def recipe_host(host: str | None) -> str:
    """Return a host as recipes name it: lower case, without `www.`; empty for None."""
    return (host or "").strip().lower().removeprefix("www.")


def new_recipe(host: str, fingerprint: frozenset[int], kind: str = "") -> Recipe:
    """Return an empty recipe for a new template of `host`. `kind` is its pages' kind."""
    known = hashlib.sha256(f"{host} {kind} {sorted(fingerprint)}".encode()).hexdigest()
    return Recipe(known[:12], host, fingerprint, kind=kind)
