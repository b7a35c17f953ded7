"""Sites made from a seed: templates, a redesign halfway on every third site, and what every page truly says."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape
from typing import Any, Literal

from app.property.page import Page
from benchmarks.recipes import furniture, words
from benchmarks.recipes.homes import RECORD, SALE, Fact, Home, Style, make_home
from benchmarks.recipes.layouts import IN_SCRIPTS, VISIBLE, Marks, facts_section, layer, script

PAGES = 40
#: the page with which a redesigned site looks and speaks differently
REDESIGN = PAGES // 2
SiteKind = Literal["portal", "county"]
_LAYOUTS = (*VISIBLE, *IN_SCRIPTS)
#: how often each kind of page comes up on a site of a kind
_MIX: Mapping[str, Mapping[str, int]] = {
    "portal": {"sale": 58, "record": 28, "search": 7, "agent": 4, "gone": 3},
    # elsewhere sold homes are hardly shown: new homes have a template of their own
    "abroad": {"sale": 58, "new": 28, "search": 7, "agent": 4, "gone": 3},
    "county": {"record": 52, "layer": 36, "search": 7, "agent": 2, "gone": 3},
}
_LANGUAGES = ("en", "en", "en", "de", "en", "en", "fr", "en", "en", "es", "en", "pl")
_DATES = ("{m:02}/{d:02}/{y}", "{b} {d}, {y}", "{y}-{m:02}-{d:02}")
_NAMES = ("lantern", "oxbow", "gables", "meadow", "keystone", "harbor", "linden", "quill", "juniper", "ember")


@dataclass(frozen=True, slots=True)
class SitePage:
    """One page. `template` names its structure (`sale/1` before the redesign, `sale/2` after it), `home` is None for a
    page of another kind; `layout` is how it states its facts."""

    url: str
    content_type: str
    text: str
    template: str
    layout: str
    home: Home | None = None

    def page(self, at: datetime) -> Page:
        """The page as fetched now. Each call makes a new one: what reading costs is counted on the page."""
        return Page(self.url, self.url, self.content_type, self.text, self.text.encode(), at)

    @property
    def truth(self) -> dict[str, tuple[Any, str | None]]:
        return self.home.truth if self.home else {}


@dataclass(frozen=True, slots=True)
class Site:
    """A host and its pages in the order in which they are read."""

    host: str
    kind: SiteKind
    lang: str
    redesigned: bool
    pages: tuple[SitePage, ...]


@dataclass(frozen=True, slots=True)
class _Design:
    """One version of a site: how it writes and what its pages are made of."""

    style: Style
    layouts: Mapping[str, str]
    prefix: str
    hashed: bool
    orders: Mapping[str, tuple[str, ...]]
    price_above: bool
    facts_first: bool
    this_year: bool


def make_sites(count: int = 30, *, pages: int = PAGES, seed: int = 23) -> Iterator[Site]:
    """`count` sites; every third one is redesigned halfway, every fourth one is a county's."""
    for at in range(count):
        yield _site(at, pages, random.Random(f"{seed}-{at}"))


def _site(at: int, pages: int, rng: random.Random) -> Site:
    kind: SiteKind = "county" if at % 4 == 3 else "portal"
    lang = "en" if kind == "county" else _LANGUAGES[at % len(_LANGUAGES)]
    redesigned = at % 3 == 1
    host = f"{_NAMES[at % len(_NAMES)]}-{at}.example"
    first = _design(at, kind, lang, rng)
    second = _redesigned(first, at, kind, rng)
    mix = _MIX[kind if lang == "en" else "abroad"]
    made = list[SitePage]()
    for number in range(pages):
        version = 2 if redesigned and number >= pages // 2 else 1
        what = rng.choices(list(mix), list(mix.values()))[0]
        made.append(_page(host, number, what, version, second if version == 2 else first, rng))
    return Site(host, kind, lang, redesigned, tuple(made))


def _design(at: int, kind: SiteKind, lang: str, rng: random.Random) -> _Design:
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


def _styled(style: Style, layouts: Mapping[str, str], rng: random.Random) -> _Design:
    prefix = rng.choice(("", "pd-", "listing__", "x-", "prop_", "c-detail-"))
    orders = {kind: tuple(rng.sample(rows, len(rows))) for kind, rows in style.rows.items()}
    return _Design(style, layouts, prefix, rng.random() < 0.3, orders, rng.random() < 0.6, rng.random() < 0.7, rng.random() < 0.7)


def _redesigned(first: _Design, at: int, kind: SiteKind, rng: random.Random) -> _Design:
    """The same site with other layouts, classes, and an order of its own; half of its labels are new."""
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
    """The rows that a site has at all: two thirds of those that its language has words for."""
    known = words.COMMON if lang == "en" else words.FOREIGN[lang]
    possible = [name for name in rows if name in known]
    must = {"ListPrice", "BedroomsTotal", "LivingArea", "ParcelNumber", "YearBuilt", "TaxYear", "TaxAssessedValue"}
    return tuple(name for name in possible if name in must or rng.random() < 0.66)


def _labels(lang: str, rng: random.Random) -> dict[str, str]:
    """One label for each field: in English an odd one now and then, and an abbreviation; no label twice."""
    if lang != "en":
        foreign = words.FOREIGN[lang]
        return {name: rng.choice(options) for name, options in foreign.items()}
    chosen = dict[str, str]()
    for name, common in words.COMMON.items():
        kind = rng.choices((common, words.SHORT.get(name, common), words.ODD.get(name, common)), (74, 14, 12))[0]
        chosen[name] = rng.choice(kind)
    return chosen


# --- pages -----------------------------------------------------------------------------------------------------------


def _page(host: str, number: int, what: str, version: int, design: _Design, rng: random.Random) -> SitePage:
    template = f"{what}/{version}"
    slug = f"{rng.getrandbits(28):07x}"
    if what == "layer":
        url = f"https://gis.{host}/arcgis/rest/services/parcels/MapServer/{version}/query?where=ID%3D{number}&f=json"
        home = make_home(rng, design.style, "layer")
        text = layer(design.layouts["layer"], home, 90_000 + number)
        return SitePage(url, "application/json", text, template, design.layouts["layer"], home)
    url = f"https://www.{host}/{what}/{slug}-{number}"
    mark = Marks(design.prefix, random.Random(slug), hashed=design.hashed)
    if what not in design.layouts:
        return SitePage(url, "text/html", _other(what, design, mark, rng), template, what)
    home = make_home(rng, design.style, what)
    layout = design.layouts[what]
    return SitePage(url, "text/html", _document(what, layout, home, design, mark, url, rng), template, layout, home)


def _document(
    what: str, layout: str, home: Home, design: _Design, mark: Marks, url: str, rng: random.Random
) -> str:
    style = design.style
    line = escape(_line(home.address))
    facts = f"<section {mark('overview')}>{facts_section(layout, home, design.orders[what], style, mark)}</section>"
    price = home.shown("ListPrice")
    top = f"<div {mark('price')}>{price.text}</div>" if price and design.price_above else ""
    about = f"<section><h2>{words.HEADINGS[style.lang][1]}</h2><p>{rng.choice(_REMARKS[style.lang])}</p></section>"
    about += furniture.features(design.prefix, rng)
    parts = [facts, about] if design.facts_first else [about, facts]
    top = furniture.gallery(design.prefix, rng) + top
    blocks = [f"<h1 {mark('title')}>{line}</h1>", top, *parts, _years(home, design, mark), _calculator(price, style)]
    return _shell(line, "".join(blocks) + script(layout, home, url), _cards(home, style, mark), design, mark, home)


def _line(address: tuple[Fact, ...]) -> str:
    """`12 Larkspur Ln, Sampleton, OH 44099`; outside America `Lindenweg 12, 12345 Musterstadt`."""
    said = {one.field: one.text for one in address}
    if "StateOrProvince" in said:
        return f"{said['UnparsedAddress']}, {said['City']}, {said['StateOrProvince']} {said['PostalCode']}"
    return f"{said['UnparsedAddress']}, {said['PostalCode']} {said['City']}"


def _years(home: Home, design: _Design, mark: Marks) -> str:
    """The table of the values by year; on some sites it begins with the year before."""
    style = design.style
    rows = [row for row in home.years if len(row) > 1]
    if rows and design.this_year:
        rows.insert(0, tuple(one for name in (one.field for one in rows[0]) if (one := home.shown(name)) is not None))
    if not rows:
        return ""
    heads = "".join(f"<th>{escape(style.labels[one.field])}</th>" for one in rows[0])
    lines = "".join(f"<tr>{''.join(f'<td>{one.text}</td>' for one in row)}</tr>" for row in rows)
    return f"<h2>Values by year</h2><table {mark('history')}><tr>{heads}</tr>{lines}</table>"


def _calculator(price: Fact | None, style: Style) -> str:
    """What a loan would cost, which is no price of the home."""
    if price is None or style.lang != "en":
        return ""
    monthly, down = round(price.value * 0.0056), round(price.value * 0.2)
    return (
        f"<div><h2>Mortgage calculator</h2><p>Est. payment {style.money(monthly)}/mo</p>"
        f"<p>Down payment {style.money(down)} (20%) at 6.1% for 30 years</p></div>"
    )


def _cards(home: Home, style: Style, mark: Marks) -> str:
    cards = "".join(
        f'<a href="/sale/{at}{card[0].text.replace(" ", "-").lower()}" {mark("card")}>'
        f"<h3>{escape(card[0].text)}</h3><div {mark('card-price')}>{card[1].text}</div>"
        f"<span>{card[2].text} {escape(style.labels['BedroomsTotal'])}</span> "
        f"<span>{card[3].text} {escape(style.labels['BathroomsTotalInteger'])}</span> "
        f"<span>{style.area(card[4].value)}</span></a>"
        for at, card in enumerate(home.similar)
    )
    return f"<aside {mark('similar')}><h2>{words.HEADINGS[style.lang][0]}</h2>{cards}</aside>"


def _shell(title: str, main: str, beside: str, design: _Design, mark: Marks, home: Home | None) -> str:
    lang, prefix = design.style.lang, design.prefix
    office = escape(_line(home.office)) if home else ""
    return (
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>'
        f'<link rel="stylesheet" href="/assets/site.css">{furniture.styles(prefix)}</head><body>'
        f'<header {mark("header")}><a href="/">Home</a>{furniture.menu(prefix)}</header>'
        f"<main {mark('main')}>{main}</main>{beside}"
        f"<section><p>{_NOTICE}</p></section>"
        f"<footer {mark('footer')}><p>{escape(words.FIRMS[len(design.prefix) % 5])}, {office}</p>{furniture.links(prefix)}<p>© 2026</p></footer>"
        f"{furniture.scripts(random.Random(title))}</body></html>\n"
    )


def _other(what: str, design: _Design, mark: Marks, rng: random.Random) -> str:
    """A page of results, of an agent, or one that is gone."""
    style = design.style
    if what == "gone":
        return _shell("Page not found", f"<h1 {mark('title')}>404</h1><p>Page not found.</p>", "", design, mark, None)
    home = make_home(rng, style, "sale")
    if what == "search":
        count = rng.randint(12, 80)
        head = f"<h1 {mark('title')}>{count} homes for sale</h1>"
        return _shell(f"{count} homes for sale", head + _cards(home, style, mark), "", design, mark, None)
    name = f"{rng.choice(words.FIRST)} {rng.choice(words.LAST)}"
    head = f"<h1 {mark('title')}>{name}</h1><p>Real estate agent since {rng.randint(1990, 2020)}.</p>"
    return _shell(f"{name}, agent", head + _cards(home, style, mark), "", design, mark, None)


_NOTICE = (
    "Information is deemed reliable but not guaranteed and should be verified independently. Photos may be virtually "
    "staged. Data was last refreshed within 15 minutes. Equal housing opportunity. By sending a message you agree to "
    "our terms of use and privacy notice, and that agents may call you about this and other homes."
)
_REMARKS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "Only 3 minutes from the station, with morning light in the kitchen and a workshop at the back.",
        "Lovingly kept by one family. Two schools and a park are within walking distance; the market is 5 minutes away.",
        "A quiet street, a deep garden and new windows. Call us for a visit on any of the next 4 weekends.",
    ),
    "de": ("Ruhige Lage, heller Wohnraum und ein großer Garten. Zum Bahnhof sind es nur 5 Minuten.",),
    "fr": ("Au calme, proche des commerces et de la gare à 5 minutes. Visite sur rendez-vous.",),
    "es": ("Zona tranquila, muy luminosa y a 5 minutos de la estación. Visitas con cita previa.",),
    "pl": ("Cicha okolica, blisko do sklepów i 5 minut do stacji. Zapraszamy na prezentację.",),
}
