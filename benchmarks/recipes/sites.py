"""Generate sites from a seed: templates, a redesign halfway on every third site, and the true values of every page."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from app.property.page import Page
from benchmarks.recipes import words
from benchmarks.recipes.documents import Design, Writer
from benchmarks.recipes.homes import RECORD, SALE, Home, Style, make_home
from benchmarks.recipes.layouts import IN_SCRIPTS, VISIBLE, layer

PAGES = 40
SiteKind = Literal["portal", "county"]
_LAYOUTS = (*VISIBLE, *IN_SCRIPTS)
#: The weight of each kind of page, by the kind of site.
_MIX: Mapping[str, Mapping[str, int]] = {
    "portal": {"sale": 58, "record": 28, "search": 7, "agent": 4, "gone": 3},
    # outside the US, few sites show sold homes, so the second template is for new homes
    "abroad": {"sale": 58, "new": 28, "search": 7, "agent": 4, "gone": 3},
    "county": {"record": 52, "layer": 36, "search": 7, "agent": 2, "gone": 3},
}
_LANGUAGES = ("en", "en", "de", "en", "en", "en", "fr", "en", "en", "es", "pl", "en")
_DATES = ("{m:02}/{d:02}/{y}", "{b} {d}, {y}", "{y}-{m:02}-{d:02}")
_NAMES = ("lantern", "oxbow", "gables", "meadow", "keystone", "harbor", "linden", "quill", "juniper", "ember")


@dataclass(frozen=True, slots=True)
class SitePage:
    """A page of a generated site. `template` names its structure (`sale/1` before the redesign, `sale/2` after it).

    `home` is None if the page is not about a home.
    """

    url: str
    content_type: str
    text: str
    template: str
    layout: str
    home: Home | None = None

    def page(self, at: datetime) -> Page:
        """Return a new copy of the page, fetched at `at`.

        The copy is new because readers add their CPU time to it (`Page.spent`).
        """
        return Page(self.url, self.url, self.content_type, self.text, self.text.encode(), at)

    @property
    def truth(self) -> dict[str, tuple[Any, str | None]]:
        return self.home.truth if self.home else {}


@dataclass(frozen=True, slots=True)
class Site:
    host: str
    kind: SiteKind
    lang: str
    redesigned: bool
    pages: tuple[SitePage, ...]


def make_sites(count: int = 30, *, pages: int = PAGES, seed: int = 23) -> Iterator[Site]:
    """Yield `count` sites. Every third site is redesigned halfway; every fourth site is a county's."""
    for at in range(count):
        yield _site(at, pages, random.Random(f"{seed}-{at}"))


def _site(at: int, pages: int, rng: random.Random) -> Site:
    kind: SiteKind = "county" if at % 4 == 3 else "portal"
    lang = "en" if kind == "county" else _LANGUAGES[at % len(_LANGUAGES)]
    redesigned = at % 3 == 1
    host = f"{_NAMES[at % len(_NAMES)]}-{at}.example"
    first = _design(at, lang, rng)
    second = _redesigned(first, at, rng)
    mix = _MIX[kind if lang == "en" else "abroad"]
    designs = {1: first, 2: second}
    made = list[SitePage]()
    for number in range(pages):
        version = 2 if redesigned and number >= pages // 2 else 1
        what = rng.choices(list(mix), list(mix.values()))[0]
        slug = f"{rng.getrandbits(28):07x}-{number}"
        made.append(_page(host, slug, f"{what}/{version}", designs[version], rng))
    return Site(host, kind, lang, redesigned, tuple(made))


def _design(at: int, lang: str, rng: random.Random) -> Design:
    layouts = {
        "sale": _LAYOUTS[at % len(_LAYOUTS)],
        "record": _LAYOUTS[(at + 5) % len(_LAYOUTS)],
        "new": _LAYOUTS[(at + 5) % len(_LAYOUTS)],
        "layer": ("attributes", "captions")[at // 4 % 2],
    }
    rows = {"sale": _kept(SALE, lang, rng), "new": _kept(SALE, lang, rng), "record": _kept(RECORD, lang, rng)}
    keys = words.LAYER_KEYS[at // 4 % 2]
    rows["layer"] = tuple(name for name in RECORD if name in keys)
    style = Style(lang, _labels(lang, rng), rows, rng.random() < 0.75, rng.choice(_DATES), keys)
    return _styled(style, layouts, rng)


def _styled(style: Style, layouts: Mapping[str, str], rng: random.Random) -> Design:
    prefix = rng.choice(("", "pd-", "listing__", "x-", "prop_", "c-detail-"))
    orders = {kind: tuple(rng.sample(rows, len(rows))) for kind, rows in style.rows.items()}
    return Design(
        style, layouts, prefix, rng.random() < 0.3, orders, rng.random() < 0.6, rng.random() < 0.7, rng.random() < 0.7
    )


def _redesigned(first: Design, at: int, rng: random.Random) -> Design:
    drawn = _labels(first.style.lang, rng)
    labels = {name: drawn[name] if rng.random() < 0.5 else label for name, label in first.style.labels.items()}
    keys = words.LAYER_KEYS[(at // 4 + 1) % 2]
    rows = {**first.style.rows, "layer": tuple(name for name in RECORD if name in keys)}
    style = replace(first.style, labels=labels, keys=keys, rows=rows)
    layouts = {name: _LAYOUTS[(_LAYOUTS.index(layout) + 4) % len(_LAYOUTS)] if layout in _LAYOUTS else layout
               for name, layout in first.layouts.items()}  # fmt: skip
    layouts["layer"] = "captions" if first.layouts["layer"] == "attributes" else "attributes"
    second = _styled(style, layouts, rng)
    return second if second.prefix != first.prefix else replace(second, prefix="v2-")


def _kept(rows: tuple[str, ...], lang: str, rng: random.Random) -> tuple[str, ...]:
    known = words.COMMON if lang == "en" else words.FOREIGN[lang]
    possible = [name for name in rows if name in known]
    must = {"ListPrice", "BedroomsTotal", "LivingArea", "ParcelNumber", "YearBuilt", "TaxYear", "TaxAssessedValue"}
    return tuple(name for name in possible if name in must or rng.random() < 0.66)


def _labels(lang: str, rng: random.Random) -> dict[str, str]:
    if lang != "en":
        foreign = words.FOREIGN[lang]
        return {name: rng.choice(options) for name, options in foreign.items()}
    chosen = dict[str, str]()
    for name, common in words.COMMON.items():
        kind = rng.choices((common, words.SHORT.get(name, common), words.ODD.get(name, common)), (74, 14, 12))[0]
        chosen[name] = rng.choice(kind)
    return chosen


def _page(host: str, slug: str, template: str, design: Design, rng: random.Random) -> SitePage:
    what, _, version = template.partition("/")
    if what == "layer":
        number = int(slug.rpartition("-")[2])
        url = f"https://gis.{host}/arcgis/rest/services/parcels/MapServer/{version}/query?where=ID%3D{number}&f=json"
        home = make_home(rng, design.style, what)
        shape = design.layouts[what]
        return SitePage(url, "application/json", layer(shape, home, 90_000 + number), template, shape, home)
    url = f"https://www.{host}/{what}/{slug}"
    writer = Writer(design, slug, rng)
    if what not in design.layouts:
        return SitePage(url, "text/html", writer.other_page(what), template, what)
    home = make_home(rng, design.style, what)
    return SitePage(url, "text/html", writer.property_page(what, home, url), template, design.layouts[what], home)
