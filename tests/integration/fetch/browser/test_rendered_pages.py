"""Rendered pages have the right content, and make only allowed requests."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from app.errors.fetching import FetchError, RobotsDisallowedError, TooManyRedirectsError
from app.property.fetch.browser.renderer import RenderLimits
from app.property.fetch.client.fetcher import Fetcher
from app.property.reading.pipeline import extract
from tests.integration.fetch.browser.conftest import FACTS, QUICK, drawing, shell


@pytest.fixture(scope="module")
def render_limits() -> RenderLimits:
    """Return limits with a longer quiet time, so that a slow browser does not end a visit between two requests."""
    return replace(QUICK, quiet_seconds=1.5)


def test_a_page_rendered_by_its_script_gives_its_facts(site: Any, browser_fetcher: Fetcher) -> None:
    """The script is a separate file, and fetches data that is not in the HTML."""
    site.page("/data.json", b'{"html": "%s"}' % FACTS.replace("\n", "").encode(), content_type="application/json")
    script = "fetch('/data.json').then(r => r.json()).then(d => {document.getElementById('root').innerHTML = d.html})"
    site.page("/app.js", script.encode(), content_type="text/javascript")
    url = site.page("/home", b"<!doctype html><title>Homes</title><div id=root></div><script src=/app.js></script>")
    page = browser_fetcher.fetch(url)
    record = extract(page).record
    values = record.values
    assert record.evidence["ListPrice"].model_dump()["rendered"], "the evidence does not name the rendered page"
    assert (values["ListPrice"], values["BedroomsTotal"], values["YearBuilt"]) == (250_000, 3, 1987)
    assert "12 Elm Street" in values["UnparsedAddress"]
    assert (page.rendered, page.url, page.final_url, page.content_type) == (True, url, url, "text/html")
    assert site.hits == ["/robots.txt", "/home", "/app.js", "/data.json"], "the document was not fetched exactly once"


def test_a_complete_page_is_not_rendered(site: Any, browser_fetcher: Fetcher) -> None:
    url = site.page("/home", f"<!doctype html><title>Homes</title>{FACTS}<script src=/app.js></script>".encode())
    page = browser_fetcher.fetch(url)
    assert not page.rendered
    assert "rendered" not in extract(page).record.evidence["ListPrice"].model_dump()
    assert site.hits == ["/robots.txt", "/home"]


def test_pages_of_a_chosen_host_are_always_rendered_and_the_browser_identifies_itself(
    site: Any, make_browser_fetcher: Any
) -> None:
    agent = "homes-bot/1.0 (+mailto:web@homes.example)"
    fetcher = make_browser_fetcher(fetch_browser_hosts=("127.0.0.1",), fetch_user_agent=agent)
    show = "<script>document.title = navigator.userAgent + ' ' + navigator.webdriver; fetch('/x')</script>"
    page = fetcher.fetch(site.page("/home", f"<!doctype html><div id=root>{FACTS}</div>{show}".encode()))
    assert page.rendered
    assert f"<title>{agent} true</title>" in page.text
    assert {headers["User-Agent"] for headers in site.headers} == {agent}
    assert site.hits == ["/robots.txt", "/home", "/x"]


def test_resources_without_effect_on_the_text_are_not_loaded(site: Any, browser_fetcher: Fetcher) -> None:
    """A script that waits for a style still continues."""
    head = """<link rel=stylesheet href=/a.css><link rel=prefetch href=/prefetch><link rel=icon href=/i.ico>
    <style>@font-face{font-family:f;src:url(/f.woff2)}body{font-family:f;background:url(/b.png)}</style>
    <link rel=manifest href=/m.json>
    <script type=speculationrules>{"prefetch":[{"urls":["/speculated"],"eagerness":"immediate"}]}</script>"""
    more = "<img src=/p.png><iframe src=/frame></iframe><video src=/v.mp4 autoplay></video><object data=/o></object>"
    script = f"""{drawing(FACTS + more)} navigator.sendBeacon('/beacon', 'x'); new EventSource('/events');
    new WebSocket(location.origin.replace('http', 'ws') + '/socket'); new Image().src = '/image';
    const sheet = document.createElement('link'); sheet.rel = 'stylesheet'; sheet.href = '/late.css';
    sheet.onload = () => {{document.title = 'styled'}}; document.head.append(sheet);
    navigator.serviceWorker?.register('/worker.js'); fetch('/kept', {{method: 'DELETE'}}).catch(() => 0);"""
    page = browser_fetcher.fetch(site.page("/home", shell(script, head=head)))
    assert "<title>styled</title>" in page.text
    assert site.hits == ["/robots.txt", "/home"]


@pytest.mark.parametrize(
    "leads_on",
    [
        "location.href = '/next'",
        "location.replace('/next')",
        "setTimeout(() => document.querySelector('form').submit(), 50)",
        "const a = document.createElement('a'); a.href = '/next'; document.body.append(a); a.click()",
        "document.head.insertAdjacentHTML('beforeend', '<meta http-equiv=refresh content=\"0; url=/next\">')",
    ],
)
def test_a_navigation_is_followed_like_a_redirect(site: Any, browser_fetcher: Fetcher, leads_on: str) -> None:
    url = site.page("/home", shell("document.body.innerHTML = '<form action=/next></form>';" + leads_on))
    site.page("/next", f"<!doctype html>{FACTS}".encode())
    site.page("/next?", f"<!doctype html>{FACTS}".encode())
    page = browser_fetcher.fetch(url)
    assert page.url == url
    assert page.final_url.rstrip("?") == f"{site.base}/next"
    assert "12 Elm Street" in page.text
    assert [path.rstrip("?") for path in site.hits] == ["/robots.txt", "/home", "/next"]


def test_robots_rules_apply_to_a_scripts_navigation(site: Any, browser_fetcher: Fetcher) -> None:
    site.page("/robots.txt", b"User-agent: *\nDisallow: /private", content_type="text/plain")
    url = site.page("/home", shell("location.href = '/private/1'"))
    with pytest.raises(RobotsDisallowedError):
        browser_fetcher.fetch(url)
    assert site.hits == ["/robots.txt", "/home"]


def test_robots_rules_apply_to_loaded_resources(site: Any, browser_fetcher: Fetcher) -> None:
    site.page("/robots.txt", b"User-agent: *\nDisallow: /api/", content_type="text/plain")
    script = f"fetch('/api/1').catch(() => fetch('/open')).then(() => {{{drawing()}}})"
    assert "12 Elm Street" in browser_fetcher.fetch(site.page("/home", shell(script))).text
    assert site.hits == ["/robots.txt", "/home", "/open"]


def test_endless_navigation_ends(site: Any, browser_fetcher: Fetcher) -> None:
    for number in range(12):
        site.page(f"/{number}", shell(f"location.href = '/{number + 1}'"))
    with pytest.raises(TooManyRedirectsError):
        browser_fetcher.fetch(f"{site.base}/0")
    assert len(site.hits) == 12, "the visit did not end after robots.txt and eleven pages"


def test_a_reload_is_ignored(site: Any, browser_fetcher: Fetcher) -> None:
    """A challenge page reloads itself to test the browser. The fetcher still returns the challenge page."""
    url = site.page("/home", shell("document.cookie = 'seen=1'; document.title = 'wall'; location.reload()"))
    assert "<title>wall</title>" in browser_fetcher.fetch(url).text
    assert site.hits == ["/robots.txt", "/home"]


@pytest.mark.parametrize("write", ["history.pushState", "history.replaceState"])
def test_an_address_set_by_a_script_does_not_change_the_pages_url(
    site: Any, browser_fetcher: Fetcher, write: str
) -> None:
    """The new URL was neither requested nor checked against robots.txt."""
    url = site.page("/home", shell(f"{write}({{}}, '', '/homes/12-elm-street#photos'); {drawing()}"))
    page = browser_fetcher.fetch(url)
    assert (page.final_url, "12 Elm Street" in page.text) == (url, True)


_BLOB = "URL.createObjectURL(new Blob(['secret'], {type: 'text/html'}))"


@pytest.mark.parametrize("place", ["about:blank", "data:text/html,x", "blob", "file:///etc/passwd", "view-source:x"])
def test_a_page_cannot_navigate_the_browser_elsewhere(site: Any, browser_fetcher: Fetcher, place: str) -> None:
    target = _BLOB if place == "blob" else f"'{place}'"
    url = site.page("/home", shell(f"{drawing()} location.href = {target}"))
    try:
        page = browser_fetcher.fetch(url)
    except FetchError as exc:
        outcome = str(exc)
    else:
        outcome = "it was read" if page.final_url == url and "12 Elm Street" in page.text else page.final_url
    assert "it left for" in outcome or outcome == "it was read"
    assert site.hits == ["/robots.txt", "/home"]


def test_a_page_that_navigates_while_it_is_read_is_a_navigation(site: Any, browser_fetcher: Fetcher) -> None:
    """Reading the page's size calls the page's own `then` function, which navigates away and never returns."""
    url = site.page("/home", shell(f"{drawing()} Array.prototype.then = () => {{ location.href = {_BLOB} }}"))
    with pytest.raises(FetchError, match="it left for"):
        browser_fetcher.fetch(url)


def test_popups_dialogs_downloads_and_permissions_do_not_block_rendering(site: Any, browser_fetcher: Fetcher) -> None:
    script = f"""window.open('/popup'); alert('stop'); confirm('stop'); prompt('stop');
    const a = document.createElement('a'); a.href = 'data:text/plain,x'; a.download = 'x';
    document.body.append(a); a.click(); a.href = '/download'; a.click(); {drawing()}
    navigator.geolocation.getCurrentPosition(() => 0, () => 0);
    navigator.permissions.query({{name: 'geolocation'}}).then(answer => {{document.title = answer.state}});"""
    page = browser_fetcher.fetch(site.page("/home", shell(script)))
    assert "12 Elm Street" in page.text
    assert "<title>denied</title>" in page.text
    assert site.hits == ["/robots.txt", "/home"]


def test_a_page_gets_its_redirects_cookies_and_leaves_none(site: Any, browser_fetcher: Fetcher) -> None:
    show = f"{drawing('<p id=c></p>')} document.getElementById('c').textContent = 'cookies: ' + document.cookie"
    site.page("/shown", shell(f"{show}; document.cookie = 'mine=1; max-age=999'; localStorage.mine = 1"))
    url = site.page("/home", status=302, Location="/shown", Set_Cookie="lang=en; path=/")
    assert "cookies: lang=en<" in browser_fetcher.fetch(url).text
    assert "cookies: <" in browser_fetcher.fetch(f"{site.base}/shown").text


def test_resources_are_loaded_one_at_a_time(site: Any, make_browser_fetcher: Any) -> None:
    """All twenty requests of the page are made during one visit, and never two at the same time."""
    browser_fetcher = make_browser_fetcher(render_limits=RenderLimits(settle_seconds=60, quiet_seconds=5))
    under_way, most, lock = 0, 0, threading.Lock()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        threading.Event().wait(0.03)
        with lock:
            under_way -= 1
        handler.send_response(200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    for number in range(20):
        site.handle(f"/{number}", answer)
    script = f"Promise.all([...Array(20).keys()].map(n => fetch('/' + n))).then(() => {{{drawing()}}})"
    assert "12 Elm Street" in browser_fetcher.fetch(site.page("/home", shell(script))).text
    assert (len(site.hits), most) == (22, 1)


def test_a_page_loads_only_up_to_its_limits(site: Any, make_browser_fetcher: Any) -> None:
    """The page makes its requests one after another, and continues after a blocked request."""
    limits = RenderLimits(settle_seconds=60, quiet_seconds=5, requests=10)
    requests = "for (let n = 0; n < 20; n++) await fetch('/' + n).catch(() => 0)"
    script = f"(async () => {{{requests}; {drawing()}}})()"
    page = make_browser_fetcher(render_limits=limits).fetch(site.page("/home", shell(script)))
    assert "12 Elm Street" in page.text
    assert site.hits == ["/robots.txt", "/home", *(f"/{n}" for n in range(10))]


def test_threads_share_one_browser(site: Any, browser_fetcher: Fetcher) -> None:
    urls = [site.page(f"/{n}", shell(drawing(f"<h1>{n} Elm Street</h1>"))) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        pages = list(pool.map(browser_fetcher.fetch, urls))
    assert all(f"<h1>{n} Elm Street</h1>" in page.text for n, page in enumerate(pages))
