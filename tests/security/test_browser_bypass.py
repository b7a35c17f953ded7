"""A page in the browser cannot bypass the request filter with requests that Playwright's routes do not see.

The tests count the requests and connections that a server received.
"""

from collections.abc import Callable
from typing import Any

import pytest

from app.property.fetch.browser.renderer import RenderLimits
from tests.integration.fetch.browser.conftest import chromium, drawing, make_browser_fetcher, shell

__all__ = ["chromium", "make_browser_fetcher"]

_REQUESTS = 5

#: Scripts that each send 200 requests within seconds, which is forty times a page's limit. A test with more requests
#: would exhaust memory. `u()` returns a new URL of the page's own site, and `other` is a URL of another host.
FLOODS = {
    "audio worklet": "const c = new OfflineAudioContext(1, 128, 44100); again(() => c.audioWorklet.addModule(u()))",
    "paint worklet": "again(() => CSS.paintWorklet.addModule(u()))",
    "fetch later": "again(() => fetchLater(u(), {activateAfter: 0}))",
    "worker": "again(() => new Worker(u()))",
    "worker of a blob": "work(`again(() => fetch('${u()}' + Math.random()))`)",
    "worker's scripts": "work(`again(() => importScripts('${u()}' + Math.random()))`)",
    "worker's methods": "work(`for (const method of ['PUT', 'DELETE', 'PATCH']) again(() => fetch('${u()}',"
    " {method, mode: 'same-origin'}))`)",
    "worker's worker": "work(`new Worker(URL.createObjectURL(new Blob(['const again = ' + again, "
    "\"; again(() => fetch('${u()}'))\"])))`)",
    "shared worker": "again(() => new SharedWorker(u()))",
    "socket": "again(() => new WebSocket(u().replace('http', 'ws')))",
    "worker's socket": "work(`again(() => new WebSocket('${u()}'.replace('http', 'ws')))`)",
    "events": "again(() => new EventSource(u()))",
    "worker's events": "work(`again(() => new EventSource('${u()}'))`)",
    "methods": "for (const method of ['PUT', 'DELETE', 'PATCH']) again(() => fetch(u(), {method}))",
    "beacon": "again(() => navigator.sendBeacon(u(), 'x'))",
    "modules": "again(() => import(u()))",
    "fetch": "again(() => fetch(u()))",
    "another host": "again(() => fetch(other, {mode: 'no-cors', keepalive: true})); again(() => new WebSocket("
    "other.replace('http', 'ws'))); work(`again(() => fetch('${other}', {mode: 'no-cors'}))`)",
}
_HELPERS = """let n = 0; const u = () => location.origin + '/flood/' + n++; const other = 'OTHER';
const again = (act, left = 200) => { const id = setInterval(() => { if (!left--) return clearInterval(id);
  try { Promise.resolve(act()).catch(() => 0) } catch {} }, 5) };
const work = code => new Worker(URL.createObjectURL(new Blob([`const again = ${again}; ${code}`])));
"""


@pytest.mark.parametrize("way", FLOODS)
def test_no_page_exceeds_its_request_limit(
    make_site: Callable[..., Any], make_browser_fetcher: Callable[..., Any], way: str
) -> None:
    home, other = make_site("127.0.0.1"), make_site("127.0.0.2")
    home.answers_all = other.answers_all = True
    url = home.page("/home", shell(f"{_HELPERS.replace('OTHER', other.base)} {drawing()} {FLOODS[way]};"))
    limits = RenderLimits(settle_seconds=3.0, quiet_seconds=2.5, requests=_REQUESTS)
    assert "12 Elm Street" in make_browser_fetcher(render_limits=limits).fetch(url).text
    asked = [path for path in home.hits + other.hits if path not in ("/robots.txt", "/home")]
    assert len(asked) <= _REQUESTS
    assert {*home.methods, *other.methods} <= {"GET", "HEAD", "POST"}
    assert home.connections + other.connections <= _REQUESTS + 3, (
        "more connections than requests, robots.txt of both hosts, and the page"
    )
