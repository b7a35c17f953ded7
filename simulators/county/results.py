"""Result pages of the two portals, with traps for crawlers that follow them.

Hearthlist lists a town's homes in numbered pages. The last home of a page is also the first home of the next page. A
sponsored card links to House Rumors. A card on the first page links to the other portal. Each month of the open-house
calendar links to the next. A page number that is too high shows the last page. `/fresh/` has endless pages with the
same homes in another order. `/endless/` has endless pages with homes that do not exist. Mosaic Homes shows nine homes
of each page as cards. Its JSON state contains all homes of the page. Its robots.txt forbids the third page of each
town.
"""

import json
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from simulators.county.county import County
from simulators.county.pages import mosaic
from simulators.county.pages.writing import document, dollars, number
from simulators.county.sites import HEARTH, MOSAIC, RUMORS, Page, Site, slug

#: The number of homes on a result page, and how many of them Mosaic Homes shows as cards.
PER_PAGE, SHOWN = 12, 9
#: The robots.txt of Mosaic Homes forbids this page of each town.
FORBIDDEN_PAGE = 3
ROBOTS = f"Disallow: /for-sale/*/{FORBIDDEN_PAGE}\n"


class Results:
    def __init__(
        self, county: County, site_of: Callable[[Request], Site], root_of: Callable[[Request, Site], str]
    ) -> None:
        self._county = county
        self._site_of = site_of
        self._root_of = root_of
        self.routes = [
            Route("/homes/st/{town}", self._town),
            Route("/homes/st/{town}/open-houses", self._calendar),
            Route("/fresh/{town}", self._fresh),
            Route("/endless/{town}", self._endless),
            Route("/for-sale/{town}", self._for_sale),
            Route("/for-sale/{town}/{page:int}", self._for_sale),
        ]

    def homes(self, site: Site, town: str) -> list[Page]:
        return [page for page in self._county.of_site(site) if slug(page.home.town.name) == town]

    async def _town(self, request: Request) -> Response:
        found = self._asked(request, HEARTH)
        if not found:
            return _not_found()
        here, last = _page_number(request), -(-len(found) // PER_PAGE)
        here = min(here, last)
        start = (here - 1) * PER_PAGE
        shown = found[max(0, start - 1) : start + PER_PAGE]
        path, town = request.url.path, found[0].home.town.name
        cards = [_card(page) for page in shown]
        cards.insert(2, self._sponsored(request))
        if here == 1:
            cards.append(self._elsewhere(request, found))
        items = [{"@type": "ListItem", "position": n, "url": page.path} for n, page in enumerate(shown, start=1)]
        ld = {"@context": "https://schema.org", "@type": "ItemList", "itemListElement": items}
        head = f'<script type="application/ld+json">{json.dumps(ld)}</script>\n'
        if here < last:
            head += f'<link rel="next" href="{path}?page={here + 1}">\n'
        title = f"{len(found)} homes in {town}, ST"
        body = (
            f'<nav><a href="/">Hearthlist</a> <a href="/agents">Find an agent</a></nav><h1>{title}</h1>'
            f'<p>Sort: <a href="{path}?sort=price">Price</a> <a href="{path}?sort=newest">Newest</a></p>'
            f'<ul class="results">{"".join(cards)}</ul>{_numbers(path, here, last)}{_month(path)}'
            '<div class="towns"><h2>Homes in other towns</h2><a href="/homes/st/elsewhere">Elsewhere</a></div>'
        )
        return HTMLResponse(document(title, head, body))

    async def _calendar(self, request: Request) -> Response:
        if not self._asked(request, HEARTH):
            return _not_found()
        year, month = (int(part) for part in request.query_params.get("month", "2026-12").split("-"))
        following = f"{year + month // 12}-{month % 12 + 1:02}"
        link = f'<a rel="next" href="{request.url.path}?month={following}">Next &rsaquo;</a>'
        return HTMLResponse(document("Open houses", "", f"<h1>Open houses {year}-{month:02}</h1><p>None.</p>{link}"))

    async def _fresh(self, request: Request) -> Response:
        found, here = self._asked(request, HEARTH), _page_number(request)
        if not found:
            return _not_found()
        turn = here % len(found)
        shown = (found[turn:] + found[:turn])[-PER_PAGE:] if here > 1 else found
        return _forever(
            request, f"{len(found)} homes for sale in {found[0].home.town.name}", [_card(page) for page in shown]
        )

    async def _endless(self, request: Request) -> Response:
        found, here = self._asked(request, HEARTH), _page_number(request)
        if not found:
            return _not_found()
        homes = [(f"{here * 100 + n} Nowhere Ln", f"/homes/st/nowhere/{here * 100 + n}-nowhere-ln") for n in range(6)]
        cards = [
            f'<li class="result"><a href="{path}">{line}</a> $250,000 3 bd 1,200 sqft</li>' for line, path in homes
        ]
        return _forever(request, "9,999 homes", cards)

    async def _for_sale(self, request: Request) -> Response:
        found, here = self._asked(request, MOSAIC), request.path_params.get("page", 1)
        start = (here - 1) * PER_PAGE
        shown = found[start : start + PER_PAGE]
        if not shown:
            return _not_found()
        town, place = found[0].home.town.name, f"/for-sale/{request.path_params['town']}"
        rows = [mosaic.state_of(page) for page in shown]
        state = {"props": {"pageProps": {"searchResults": {"listings": rows, "total": len(found)}, "nearbyHomes": [
            mosaic.state_of(page) for page in self.homes(MOSAIC, "farview")[:3]]}}}  # fmt: skip
        last = -(-len(found) // PER_PAGE)
        pages = "".join(
            f'<a href="{place}/{n}">{n}</a> ' if n != here else f'<span aria-current="page">{n}</span> '
            for n in range(1, last + 1)
        )
        body = (
            f'<div id="__next"><h1>{len(found)} homes for sale in {town}</h1><div class="grid">'
            f"{''.join(map(_tile, shown[:SHOWN]))}</div><div class='pages'>{pages}</div></div>"
            f'<script id="__NEXT_DATA__" type="application/json">{json.dumps(state)}</script>'
        )
        return HTMLResponse(document(f"{len(found)} homes for sale in {town}, ST", "", body))

    def _asked(self, request: Request, site: Site) -> list[Page]:
        return self.homes(site, request.path_params["town"]) if self._site_of(request) is site else []

    def _sponsored(self, request: Request) -> str:
        href = f"{self._root_of(request, RUMORS)}/rumors/1-paid-for-st"
        return (
            f'<li class="result"><span>Sponsored</span> <a rel="sponsored" href="{href}">1 Paid-For St</a> '
            "$199,000 5 bd 3,000 sqft</li>"
        )

    def _elsewhere(self, request: Request, found: Sequence[Page]) -> str:
        there = self.homes(MOSAIC, slug(found[0].home.town.name))[0]
        return (
            f'<li class="result"><a href="{self._root_of(request, MOSAIC)}{there.path}">{escape(there.line)}</a> '
            f"{_price(there)} {there.says.get('BedroomsTotal', 2)} bd</li>"
        )


def _forever(request: Request, title: str, cards: Sequence[str]) -> Response:
    link = f'<a href="{request.url.path}?page={_page_number(request) + 1}">Next</a>'
    return HTMLResponse(document(title, "", f"<h1>{title}</h1><ul>{''.join(cards)}</ul>{link}"))


def _page_number(request: Request) -> int:
    asked = request.query_params.get("page", "1")
    return max(1, int(asked)) if asked.isdecimal() else 1


def _price(page: Page) -> str:
    return dollars(page.says.get("ListPrice") or page.says.get("X_EstimatedValueHigh") or 250_000)


def _card(page: Page) -> str:
    return (
        f'<li class="result"><a href="{page.path}?from=results">{escape(page.line)}, {page.home.place}</a> '
        f"{_price(page)} {page.says.get('BedroomsTotal', 2)} bd {number(page.says['LivingArea'])} sqft "
        f'<a href="{page.path}#photos">Photos</a> <a href="/saved?add={page.home.number}">Save</a></li>'
    )


def _tile(page: Page) -> str:
    says: Any = page.says
    return (
        f'<div class="home-card"><a href="{page.path}"><span>{escape(page.line)}</span></a><b>{_price(page)}</b>'
        f"<span>{says.get('BedroomsTotal', 2)} bd</span><span>{number(says['LivingArea'])} sqft</span></div>"
    )


def _numbers(path: str, here: int, last: int) -> str:
    links = "".join(f'<a href="{path}?page={n}">{n}</a> ' for n in range(1, last + 1) if n != here)
    return f'<div class="pages">{links}</div>'


def _month(path: str) -> str:
    return (
        f'<div class="calendar"><b>December 2026</b> <a href="{path}/open-houses?month=2027-01">Next &rsaquo;</a></div>'
    )


def _not_found() -> Response:
    return HTMLResponse(document("Page not found", "", "<h1>404</h1><p>The page does not exist.</p>"), 404)
