"""Initial inputs for fuzzing: the tests' invented pages, their scripts and styles, and words that readers look for."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.unit.reading.hostile.attacks import ATTACKS, HIDDEN, MARKUP
from tests.unit.reading.hostile.honest import HONEST

_PAGES = Path(__file__).parents[1] / "unit" / "reading" / "pages"
_SCRIPT = re.compile(r"<script([^>]*)>(.*?)</script>", re.DOTALL)
_STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)
PRICES = (
    *("$1.25M", "CHF 1’365", "18.5万円", "from £250,000", "1 200 000 zł", "980 € kalt", "$2,150/mo", "AU$ 500k - 550k"),
    *("1.234,56 €/m²", "Price on application", "3½ Zimmer", "131 m²", "1,840 sq ft", "2 full, 1 half", "05/14/2019"),
)
#: Tokens that the fuzzer inserts into inputs.
WORDS = (
    *('"@type"', '"@graph"', '"offers"', '"price"', '"priceCurrency"', '"address"', '"streetAddress"', '"geo"'),
    *('"latitude"', '"numberOfRooms"', '"floorSize"', '"value"', '"unitCode"', '"identifier"', '"House"', '"url"'),
    *('"bedrooms"', '"yearBuilt"', '"listPrice"', '"id":"8841207"', '"label"', "null", "1e999", "-1", "NaN", "[{"),
    *("window.a = ", "JSON.parse(", "<table>", "<tr>", "<td>", "<th>", "<dl>", "<dt>", "<dd>", "<h1>", "<template>"),
    *("<div itemscope itemtype='http://schema.org/House'>", "<i itemprop=price content=1>", "<meta property="),
    *("display:none", "visibility:hidden", "opacity:0", "@media screen{", ".a{", ":not(.b)", "!important", "}}", "/*"),
    *("Price:", "Year built:", "Bedrooms", "$310,000", "€", "zł", "kr", "m²", "sq ft", "acres", "万円", "½", "\u202e"),
)


def seeds(target: str) -> Iterator[bytes]:
    yield from {"price": _prices, "jsonbody": _bodies, "html": _pages, "styles": _styles}.get(target, _scripts)(target)


def _prices(_target: str) -> Iterator[bytes]:
    for text in PRICES:
        yield b"\x01" + text.encode()


def _bodies(_target: str) -> Iterator[bytes]:
    yield from (path.read_bytes() for path in sorted(_PAGES.glob("*/page.json")))


def _pages(_target: str) -> Iterator[bytes]:
    yield from (path.read_bytes() for path in sorted(_PAGES.glob("*/page.html")))
    for honest in HONEST.values():
        yield from (honest.page(**attack.writes).body for attack in ATTACKS.values())


def _scripts(target: str) -> Iterator[bytes]:
    wanted = target == "jsonld"
    bodies = [*_pages(target), *(a.encode() for attack in MARKUP.values() for a in attack.writes.values())]
    found = {
        script.encode()
        for body in bodies
        for kind, script in _SCRIPT.findall(body.decode())
        if ("ld+json" in kind) == wanted
    }
    for script in sorted(found):
        yield from ([script] if wanted else [bytes([form]) + script for form in range(6)])


def _styles(_target: str) -> Iterator[bytes]:
    for attack in HIDDEN.values():
        for text in attack.writes.values():
            for sheet in _STYLE.findall(text):
                yield sheet.encode()
            for style in re.findall(r'style="([^"]*)"', text):
                yield b".a{color:#fff}\x00" + style.encode()
