"""The HTTP application of all sites. The address of the request selects the site."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from html import escape

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from simulators.county import finding
from simulators.county.county import County
from simulators.county.pages import assessor, gis, hearth, mosaic, offices
from simulators.county.pages.writing import document
from simulators.county.results import ROBOTS, Results
from simulators.county.sites import GIS, LAYER, MOSAIC, RUMORS, SITES, VAULT, Page, Site

_ROBOTS = "User-agent: *\nDisallow: /signin\nDisallow: /apply\n"
_CLOSED = "User-agent: *\nDisallow: /\n"
_WALL = document("Just a moment...", "", "<h1>Verify you are human</h1><p>Complete the CAPTCHA below to continue.</p>")
_NEAR = 4
_BY_HOST: Mapping[str, Site] = {site.host: site for site in SITES}


class CountyServer:
    def __init__(self, county: County) -> None:
        self._county = county
        #: The number of requests by site key, except those for robots.txt.
        self.asked: Counter[str] = Counter()
        self._bodies: Mapping[str, Callable[[Page, str], str]] = {
            "assessor": lambda page, _: assessor.body(page),
            "hearth": lambda page, root: hearth.body(page, root, self._near(page)),
            "mosaic": lambda page, _: mosaic.body(page, self._near(page)),
            "association": lambda page, _: offices.association(page),
            "tax_roll": lambda page, _: offices.tax_bill(page),
            "permits": lambda page, _: offices.permits(page),
            "vault": lambda page, _: offices.archived(page),
        }
        self.app = Starlette(
            routes=[
                Route("/robots.txt", self._robots),
                Route("/rumors/{rest:path}", self._rumor),
                Route("/", self._front),
                Route(f"{LAYER}/query", self._query),
                Route("/lookup", self._lookup),
                Route("/search", self._lookup),
                *Results(county, _site, self._root).routes,
                Route("/{path:path}", self._page),
            ],
            middleware=[Middleware(BaseHTTPMiddleware, dispatch=self._counted)],
        )

    async def _robots(self, request: Request) -> Response:
        site = _site(request)
        return PlainTextResponse(_CLOSED if site is VAULT else _ROBOTS + (ROBOTS if site is MOSAIC else ""))

    async def _rumor(self, request: Request) -> Response:
        if _site(request) is not RUMORS:
            return _not_found()
        line = escape(request.path_params["rest"].replace("-", " ").title())
        facts = "<h1>{}</h1><p>9 beds, 9 baths, 9,999 sq ft, built in 1901, thatched roof. Asking $1.</p>"
        return HTMLResponse(document(RUMORS.name, "", facts.format(line)))

    async def _front(self, request: Request) -> Response:
        site = _site(request)
        form = '<form action="/lookup"><input name="address"><input name="zip"><button>Search</button></form>'
        return HTMLResponse(document(site.name, "", f"<h1>{site.name}</h1>{form}"))

    async def _query(self, request: Request) -> Response:
        """Answer a query of the GIS. Like ArcGIS, answer an invalid query with 200 and an error in the body."""
        if _site(request) is not GIS:
            return _not_found()
        try:
            return JSONResponse(gis.answer(self._county.of_site(GIS), request.query_params.get("where", "")))
        except gis.QueryError:
            refused = {"code": 400, "message": "Unable to complete operation.", "details": ["Unable to perform query."]}
            return JSONResponse({"error": refused})

    async def _lookup(self, request: Request) -> Response:
        asked = request.query_params
        found = finding.by_address(self._county, _site(request), asked)
        if len(found) == 1:
            return RedirectResponse(found[0].path, 302)
        return _results(f"{len(found)} results for {asked.get('address', '')}", found)

    @staticmethod
    def _root(request: Request, site: Site) -> str:
        return f"{request.url.scheme}://{site.host}:{request.scope['server'][1]}"

    async def _page(self, request: Request) -> Response:
        site, path = _site(request), request.url.path
        page = self._county.every_page.get((site.key, path))
        if page is None:
            return _not_found()
        if page.blocked:
            return HTMLResponse(_WALL, 403)
        return HTMLResponse(self._bodies[site.key](page, str(request.base_url).rstrip("/")))

    async def _counted(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        if request.url.path != "/robots.txt":
            self.asked[_site(request).key] += 1
        return await call_next(request)

    def _near(self, page: Page) -> Sequence[Page]:
        others = [p for p in self._county.of_site(page.site) if p.home.town is page.home.town and p.home != page.home]
        return sorted(others, key=lambda p: (abs(p.home.number - page.home.number), p.home.number))[:_NEAR]


def _site(request: Request) -> Site:
    host, _ = request.scope["server"]
    return _BY_HOST[host]


def _results(title: str, found: Sequence[Page]) -> Response:
    cards = "".join(
        f'<li class="result"><a href="{page.path}">{escape(page.line)}, {page.home.place}</a></li>' for page in found
    )
    none = "" if found else "<p>No properties matched your search.</p>"
    return HTMLResponse(document(title, "", f"<h1>{escape(title)}</h1><ul>{cards}</ul>{none}"))


def _not_found() -> Response:
    return HTMLResponse(document("Page not found", "", "<h1>404</h1><p>The page does not exist.</p>"), 404)
