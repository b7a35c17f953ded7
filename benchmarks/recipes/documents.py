"""Write the HTML of the generated pages."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from benchmarks.recipes import furniture, words
from benchmarks.recipes.homes import Fact, Home, Style, make_home
from benchmarks.recipes.layouts import Marks, facts_section, script


@dataclass(frozen=True, slots=True)
class Design:
    """A version of a site: its style and the structure of its pages.

    `layouts` and `orders` (of rows) are keyed by the kind of page. If `hashed`, some class names are new on every page.
    If `this_year`, the table of values begins with the current year, else with the previous year.
    """

    style: Style
    layouts: Mapping[str, str]
    prefix: str
    hashed: bool
    orders: Mapping[str, tuple[str, ...]]
    price_above: bool
    facts_first: bool
    this_year: bool


class Writer:
    def __init__(self, design: Design, slug: str, rng: random.Random) -> None:
        self._design, self._style, self._rng = design, design.style, rng
        self._mark = Marks(design.prefix, random.Random(slug), hashed=design.hashed)

    def property_page(self, what: str, home: Home, url: str) -> str:
        design, style, mark = self._design, self._style, self._mark
        line, layout = escape(_line(home.address)), design.layouts[what]
        rows = facts_section(layout, home, design.orders[what], style, mark)
        facts = f"<section {mark('overview')}>{rows}</section>"
        price = home.shown("ListPrice")
        top = f"<div {mark('price')}>{price.text}</div>" if price and design.price_above else ""
        remark = self._rng.choice(_REMARKS[style.lang])
        about = f"<section><h2>{words.HEADINGS[style.lang][1]}</h2><p>{remark}</p></section>"
        about += furniture.features(design.prefix, self._rng)
        main = [
            f"<h1 {mark('title')}>{line}</h1>",
            furniture.gallery(design.prefix, self._rng) + top,
            *((facts, about) if design.facts_first else (about, facts)),
            self._years(home),
            self._calculator(price),
            script(layout, home, url),
        ]
        return self._shell(line, "".join(main), self._cards(home), escape(_line(home.office)))

    def other_page(self, what: str) -> str:
        if what == "gone":
            return self._shell("Page not found", f"<h1 {self._mark('title')}>404</h1><p>Page not found.</p>")
        cards = self._cards(make_home(self._rng, self._style, "sale"))
        if what == "search":
            title = f"{self._rng.randint(12, 80)} homes for sale"
            return self._shell(title, f"<h1 {self._mark('title')}>{title}</h1>{cards}")
        name = f"{self._rng.choice(words.FIRST)} {self._rng.choice(words.LAST)}"
        about = f"<p>Real estate agent since {self._rng.randint(1990, 2020)}.</p>"
        return self._shell(f"{name}, agent", f"<h1 {self._mark('title')}>{name}</h1>{about}{cards}")

    def _years(self, home: Home) -> str:
        rows = [row for row in home.years if len(row) > 1]
        if not rows:
            return ""
        if self._design.this_year:
            rows.insert(0, tuple(one for earlier in rows[0] if (one := home.shown(earlier.field)) is not None))
        heads = "".join(f"<th>{escape(self._style.labels[one.field])}</th>" for one in rows[0])
        lines = "".join(f"<tr>{''.join(f'<td>{one.text}</td>' for one in row)}</tr>" for row in rows)
        return f"<h2>Values by year</h2><table {self._mark('history')}><tr>{heads}</tr>{lines}</table>"

    def _calculator(self, price: Fact | None) -> str:
        if price is None or self._style.lang != "en":
            return ""
        monthly, down = (self._style.money(round(price.value * share)) for share in (0.0056, 0.2))
        return (
            f"<div><h2>Mortgage calculator</h2><p>Est. payment {monthly}/mo</p>"
            f"<p>Down payment {down} (20%) at 6.1% for 30 years</p></div>"
        )

    def _cards(self, home: Home) -> str:
        style, mark = self._style, self._mark
        beds, baths = (escape(style.labels[name]) for name in ("BedroomsTotal", "BathroomsTotalInteger"))
        cards = "".join(
            f'<a href="/sale/{at}{card[0].text.replace(" ", "-").lower()}" {mark("card")}>'
            f"<h3>{escape(card[0].text)}</h3><div {mark('card-price')}>{card[1].text}</div>"
            f"<span>{card[2].text} {beds}</span> <span>{card[3].text} {baths}</span> "
            f"<span>{style.area(card[4].value)}</span></a>"
            for at, card in enumerate(home.similar)
        )
        return f"<aside {mark('similar')}><h2>{words.HEADINGS[style.lang][0]}</h2>{cards}</aside>"

    def _shell(self, title: str, main: str, beside: str = "", office: str = "") -> str:
        mark, prefix = self._mark, self._design.prefix
        firm = escape(words.FIRMS[len(prefix) % len(words.FIRMS)])
        return (
            f'<!doctype html>\n<html lang="{self._style.lang}"><head><meta charset="utf-8"><title>{title}</title>'
            f'<link rel="stylesheet" href="/assets/site.css">{furniture.styles(prefix)}</head><body>'
            f'<header {mark("header")}><a href="/">Home</a>{furniture.menu(prefix)}</header>'
            f"<main {mark('main')}>{main}</main>{beside}<section><p>{_NOTICE}</p></section>"
            f"<footer {mark('footer')}><p>{firm}, {office}</p>{furniture.links(prefix)}<p>© 2026</p></footer>"
            f"{furniture.scripts(random.Random(title))}</body></html>\n"
        )


def _line(address: tuple[Fact, ...]) -> str:
    texts = {one.field: one.text for one in address}
    if "StateOrProvince" in texts:
        return f"{texts['UnparsedAddress']}, {texts['City']}, {texts['StateOrProvince']} {texts['PostalCode']}"
    return f"{texts['UnparsedAddress']}, {texts['PostalCode']} {texts['City']}"


_NOTICE = (
    "Information is deemed reliable but not guaranteed and should be verified independently. Photos may be virtually "
    "staged. Data was last refreshed within 15 minutes. Equal housing opportunity. By sending a message you agree to "
    "our terms of use and privacy notice, and that agents may call you about this and other homes."
)
_REMARKS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "Only 3 minutes from the station, with morning light in the kitchen and a workshop at the back.",
        "Lovingly kept by one family. Two schools and a park are within walking distance; the market is close.",
        "A quiet street, a deep garden and new windows. Call us for a visit on any of the next 4 weekends.",
    ),
    "de": ("Ruhige Lage, heller Wohnraum und ein großer Garten. Zum Bahnhof sind es nur 5 Minuten.",),
    "fr": ("Au calme, proche des commerces et de la gare à 5 minutes. Visite sur rendez-vous.",),
    "es": ("Zona tranquila, muy luminosa y a 5 minutos de la estación. Visitas con cita previa.",),
    "pl": ("Cicha okolica, blisko do sklepów i 5 minut do stacji. Zapraszamy na prezentację.",),
}
