"""Pages whose scripts use every browser feature that can reach an internal address.

Chromium treats loopback and link-local addresses specially, so every method tries them. Each method also tries every
fourth of the other addresses, so four successive methods try them all. That is enough, because the request filter
decides by the address alone, not by the method.
"""

import html
import json
import re
from collections.abc import Callable

from tests.security import ssrf_corpus

#: Internal addresses: corpus URLs that a page can contain, names that rebind, and forms that only browsers accept.
_PLACES = [
    *(url.replace("PORT", "8080") for url in ssrf_corpus.INSIDE if url.startswith("http") and "\t" not in url),
    *(f"http://rebind{n}.example:8080/" for n in range(1, 5)),
    "http://x.localhost:8080/",
    "http://127.0.0.1/",
    "http://[::1]/",
    "http://10.0.0.1/",
    "http://192.168.1.1/",
    "http://169.254.169.254:8080/",
]
#: Internal hosts over TLS and at other ports, such as those of databases.
_MORE = [
    f"{scheme}://{host}{port}/"
    for host in ("127.0.0.1", "[::1]", "localhost", "169.254.169.254", "10.0.0.1", "rebind1.example", "inside.example")
    for scheme, port in (("https", ""), ("https", ":8080"), ("http", ":6379"), ("http", ":5432"), ("http", ":3000"))
]
#: Addresses that every method tries: those that Chromium treats specially, an internal name, and a name that rebinds.
_ALWAYS = [
    f"http://{host}:8080/"
    for host in (
        "127.0.0.1",
        "[::1]",
        "localhost",
        "x.localhost",
        "169.254.169.254",
        "inside.example",
        "rebind1.example",
    )
]
_SHARE = 4

#: The script of each method, which requests the URL `u`. `say` counts how often a page was able to read a secret.
_WAYS: dict[str, str] = {
    "fetch": "fetch(u).then(r => r.text()).then(say)",
    "opaque": "fetch(u, {mode: 'no-cors', method: 'POST', body: 'x', keepalive: true})",
    "xhr": "const x = new XMLHttpRequest(); x.onload = () => say(x.responseText); x.open('GET', u); x.send()",
    "image": "new Image().src = u",
    "script": "add('script', {src: u})",
    "module": "import(u).catch(() => 0)",
    "frame": "add('iframe', {src: u})",
    "object": "add('object', {data: u}); add('embed', {src: u})",
    "media": "add('video', {src: u, autoplay: true}); add('audio', {src: u, autoplay: true})",
    "sheet": "add('link', {rel: 'stylesheet', href: u}); add('style', {textContent: `@import '${u}'`})",
    "hints": "for (const rel of ['prefetch', 'preload', 'preconnect', 'dns-prefetch', 'modulepreload', 'prerender',"
    " 'icon', 'manifest']) add('link', {rel, href: u, as: 'script'})",
    "speculation": "add('script', {type: 'speculationrules', textContent: JSON.stringify({prefetch: [{urls: [u],"
    " eagerness: 'immediate'}], prerender: [{urls: [u], eagerness: 'immediate'}]})})",
    "beacon": "navigator.sendBeacon(u, 'x')",
    "events": "new EventSource(u)",
    "socket": "new WebSocket(u.replace('http', 'ws'))",
    "transport": "new WebTransport(u.replace('http:', 'https:'))",
    "form": "const i = add('iframe', {name: 'f' + n++}); add('form', {action: u, method: 'POST', target: i.name})"
    ".submit()",
    "popup": "window.open(u)",
    "ping": "const a = add('a', {href: '#x', ping: u}); a.click()",
    "download": "const a = add('a', {href: u, download: 'x'}); a.click()",
    "svg": "add('div', {innerHTML: `<svg><image href='${u}'/><use href='${u}#x'/></svg>`})",
    "worker": "work(`fetch('${u}').catch(() => 0); try { importScripts('${u}') } catch {}; new WebSocket("
    "'${u}'.replace('http', 'ws')); const x = new XMLHttpRequest(); x.open('GET', '${u}'); x.send()`)",
    "shared worker": "new SharedWorker(blob(`fetch('${u}').catch(() => 0)`))",
    "redirect": "fetch('/to?' + u).then(r => r.text()).then(say)",
    "opaque redirect": "new Image().src = '/to?' + u; add('script', {src: 'http://api.site.example/to?' + u})",
    "rtc": "const login = {username: 'x', credential: 'x'}; const c = new RTCPeerConnection({iceServers: [{urls:"
    " 'stun:' + h}, {urls: `turn:${h}?transport=udp`, ...login}, {urls: `turn:${h}?transport=tcp`, ...login}]});"
    " c.createDataChannel('x'); c.createOffer().then(o => c.setLocalDescription(o)).catch(() => 0);"
    " setTimeout(() => c.close(), 900)",
}
_HELPERS = """let n = 0; const said = [];
const say = text => {if (text === 'secret') document.title = 'said ' + said.push(text)};
const add = (name, properties) => {const e = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {try {e[key] = value} catch {}
    if (typeof value === 'string' && key !== 'textContent' && key !== 'innerHTML') e.setAttribute(key, value)}
  document.body.append(e); return e};
const blob = code => URL.createObjectURL(new Blob([code], {type: 'text/javascript'}));
const work = code => new Worker(blob(code));
document.getElementById('root').textContent = 'drawn';
fetch('http://api.site.example/allowed').then(r => r.text())
  .then(text => {document.getElementById('root').textContent += text});
"""


def _page(script: str) -> bytes:
    return f"<!doctype html><title>x</title><body><div id=root></div><script>{_HELPERS}\n{script}</script>".encode()


def _targets(number: int) -> list[str]:
    others = [url for url in (*_PLACES, *_MORE) if url not in _ALWAYS]
    return [*_ALWAYS, *others[number % _SHARE :: _SHARE]]


def _tries(number: int, way: str) -> bytes:
    targets = json.dumps(_targets(number))
    return _page(f"for (const u of {targets}) {{ try {{ const h = u.split('/')[2]; {_WAYS[way]} }} catch {{}} }}")


def _leads(how: Callable[[str], str]) -> dict[str, bytes]:
    """Return one page per target, because a page can navigate to only one."""
    return {f"{index}": _page(how(json.dumps(url))) for index, url in enumerate(_PLACES)}


_PAGES = {f"/{way.replace(' ', '-')}": _tries(number, way) for number, way in enumerate(_WAYS)}
_PAGES["/service-worker"] = _page("navigator.serviceWorker.register('/sw.js').catch(() => 0)")
for _name, _how in {
    "location": lambda url: f"location.href = {url}",
    "refresh": lambda url: f"add('meta', {{httpEquiv: 'refresh', content: '0; url=' + {url}}})",
    "post": lambda url: f"add('form', {{action: {url}, method: 'POST'}}).submit()",
    "hop": lambda url: f"location.href = '/to?' + {url}",
}.items():
    _PAGES.update({f"/{_name}/{number}": body for number, body in _leads(_how).items()})

#: The visited pages: one for each method, and every fifteenth target for each kind of navigation.
PAGES = [
    path
    for path in _PAGES
    if not (found := re.search(r"^/(location|refresh|post|hop)/(\d+)$", path))
    or int(found[2]) % 15 == ["location", "refresh", "post", "hop"].index(found[1])
]


def answer(path: str) -> tuple[bytes, dict[str, str]]:
    """Return the body and header fields of a public site's response."""
    if path.startswith("/to?"):
        return b"", {"Location": path[4:].encode().decode("latin-1")}
    if path == "/sw.js":
        targets = json.dumps(_PLACES)
        return f"for (const u of {targets}) fetch(u).catch(() => 0)".encode(), {"Content-Type": "text/javascript"}
    if path == "/allowed":
        return b" and allowed", {"Content-Type": "text/plain"}
    return _PAGES.get(path, b""), {"Content-Type": "text/html; charset=utf-8"}


def result(text: str) -> str:
    """Return the rendered text, including allowed responses, and the title, which counts the secrets that were read."""
    root = re.search(r"<div id=\"?root\"?>([^<]*)", text)
    title = re.search(r"<title>([^<]*)", text)
    return html.unescape(f"{root[1] if root else None}; {title[1] if title else None}")
