"""A recipe: where the pages of one template of a host state each field.

Data only, in JSON and TOML. Text of a page becomes neither code nor a pattern.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Literal, NamedTuple

#: recipes of another version are learned anew
FORMAT = 1
#: examples that are kept of a recipe, and recipes of one host that are looked at
MOST_EXAMPLES, MOST_OF_HOST = 12, 50
AnchorKind = Literal["label", "attribute", "path", "reader"]


class RecipeState(StrEnum):
    """What a recipe is used for: nothing yet, its values, or nothing any more until it is learned again."""

    LEARNING = "learning"
    ACTIVE = "active"
    SUSPENDED = "suspended"


class Anchor(NamedTuple):
    """How one field's value is found on a page.

    `label`: `name` is the label's words, `relation` where the value stands: `cell` (next cell of the row), `term`
    (`<dt>`, `<dd>`), `colon` (same text), `next` or `previous` (the text after or before it), `after` (what follows it
    in a clause of running text) or `before` (the count before it there). `attribute`: `name` is
    `itemprop=price`, `id=price`, `data-price`, `div.price`, `meta=og:title` or a tag (`h1`). `path`: `name` is a path
    of key names such as `/features/*/attributes/YEARBLT` or `/facts/*[caption=TLA]/value`; `relation` says which JSON:
    `body`, `ld+json`, or `state`. `reader`: the value that the reader `name` finds at a place like `relation`.
    `within` names a block around the value (`#facts`, `.summary`; empty: the whole page). `reads` is what the text is
    parsed as, where that is not the field itself: `_Address`, for the town in an address in one line. `unit` is the
    unit of an area that the page does not write.
    """

    kind: AnchorKind
    name: str
    relation: str = ""
    within: str = ""
    reads: str = ""
    unit: str = ""

    @property
    def bare(self) -> Anchor:
        """The anchor without the block around the value, and without what its text is parsed as."""
        return Anchor(self.kind, self.name, self.relation) if self.within or self.reads or self.unit else self


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of pages, since the recipe was learned; `saved_tokens` are prompt tokens that were not sent.

    `pages` were read with the recipe, `without_model` of them asked no model, `hits` are fields that it found,
    `misses` fields with an anchor of which nothing was found, `contradicted` fields of which a model or a reader at
    0.9 said something else, `audits` pages that a model was asked about although nothing was open.
    """

    pages: int = 0
    without_model: int = 0
    hits: int = 0
    misses: int = 0
    contradicted: int = 0
    audits: int = 0
    saved_tokens: int = 0

    def plus(self, other: Counts) -> Counts:
        """Return the sums of both."""
        return Counts(*(one + two for one, two in zip(asdict(self).values(), asdict(other).values(), strict=True)))


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is known of one template of `host`.

    `fingerprint` is the template's, `kind` the `PageKind` of its pages (empty: any). A written recipe has no
    fingerprint and names its pages by `pages`, a glob on path and query. `fields` are the anchors by field, best first;
    `suspended` are fields whose anchors are not used any more, and why. A model is not asked again for `never`, which
    hardly a page has, nor for `unanswered`, which readers find and no model confirms. `unsure` are fields of which a
    page may say more than the anchors find: where they find nothing, a model is asked. Of `outvoted`, readers read
    something else and were wrong. `usual` is the mean share of `fields` that a page has, 0 to 1; `recent` are the
    shares of these usual fields that the newest pages have, newest last. `taught` counts examples, `tried` is how many
    there were when anchors were last looked for, `learned_from` how many pages these came from. `reason` says
    why the recipe is suspended. Times are ISO 8601, empty for never.
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
        """The anchors that are used."""
        return {name: anchors for name, anchors in self.fields.items() if name not in self.suspended}


def recipe_host(host: str | None) -> str:
    """Return a host as recipes name it: in small letters, without `www.`; empty for none."""
    return (host or "").strip().lower().removeprefix("www.")


def new_recipe(host: str, fingerprint: frozenset[int], kind: str = "") -> Recipe:
    """Return an empty recipe for a template of `host` that was seen for the first time; `kind` is its pages'."""
    known = hashlib.sha256(f"{host} {kind} {sorted(fingerprint)}".encode()).hexdigest()
    return Recipe(known[:12], host, fingerprint, kind=kind)
