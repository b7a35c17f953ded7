"""The number of function calls for a page grows linearly with the page's size. Excess blocks, scripts, and attributes
are cut off.
"""

import sys
from collections.abc import Callable
from types import FrameType

import pytest

from app.property.page import Page
from app.property.reading import attribute_limit, jsonld
from app.property.reading.base import Extraction
from app.property.reading.document import Document
from app.property.reading.model.prompt import build_prompt
from app.property.reading.pipeline import extract
from app.property.reading.state import blobs
from tests.plugins.read_pages import page_of

_SMALL, _TIMES = 100, 8
_CARD = "<div class=c><a href=/p/{}>$100,000</a></div>"
_STATE = '<script>window.a = {"price": 310000, "bedrooms": 3, "bathrooms": 2, "yearBuilt": 1998, "city": "X"};</script>'
_HOUSE = '<script type="application/ld+json">{"@type": "House", "numberOfRooms": 3, "yearBuilt": 1998}</script>'

_PAGES: dict[str, Callable[[int], str]] = {
    "words": lambda n: "<p>" + "word " * n,
    "amounts": lambda n: "<p>" + "1," * n,
    "tables": lambda n: "<table><tr><td>Year built<td>1998</table>" * n,
    "sales": lambda n: "<table><tr><th>Sale date<th>Sale price" + "<tr><td>1/1/2020<td>$5" * n,
    "pairs": lambda n: "<p>Year built: 1998</p>" * n,
    "definitions": lambda n: "<dl>" + "<dt>Bedrooms<dd>3" * n,
    "headings": lambda n: "<h2>Similar homes</h2>" * n,
    "cards": lambda n: "".join(_CARD.format(i) for i in range(n)),
    "addresses": lambda n: "<p>12 Elm St, Springfield, IL 62701</p>" * n,
    "attributes": lambda n: "<p " + " ".join(f"a{i}=b" for i in range(n)) + ">x",
    "JSON-LD in one": lambda n: (
        '<script type="application/ld+json">[' + ",".join(['{"@type":"House"}'] * n) + "]</script>"
    ),
    "scripts": lambda n: _STATE * n,
    "keys": lambda n: (
        '<script type="application/json">{' + ",".join(f'"price{i}":{i}' for i in range(n)) + "}</script>"
    ),
    "objects": lambda n: '<script type="application/json">[' + ",".join(['{"price":1,"beds":2}'] * n) + "]</script>",
    "open brackets": lambda n: "<script>" + 'a={"b":[' * n + "</script>",
    "escapes": lambda n: '<script>a={"b":"' + '\\"' * n + '"};</script>',
    "microdata": lambda n: "<div itemscope itemtype='http://schema.org/House'>" + "<i itemprop=price>5</i>" * n,
    "meta tags": lambda n: '<meta property="place:price:amount" content="310000">' * n,
    "hidden": lambda n: '<p style="display:none">x</p>' * n,
    "hidden in hidden": lambda n: '<div style="display:none">' * n + "x",
    "panels": lambda n: "".join(f'<a href="#i{i}">More</a><p id=i{i} hidden>x</p>' for i in range(n)),
    "one control for many": lambda n: "<div>" + "<p hidden>x</p>" * n + "<button>Show more</button></div>",
    "white on white": lambda n: '<p style="color:white">x</p>' * n,
    "rules": lambda n: "<style>" + "".join(f".a{i}{{display:none}}" for i in range(n)) + "</style><p class=a1>x",
    "rules for every element": lambda n: "<style>" + "div p{display:none}" * n + "</style>" + "<p>x" * n,
}


def _page(text: str, kind: str = "text/html") -> Page:
    return page_of(text, "https://h.example/p/12345", kind)


def _calls(page: Page) -> int:
    count = 0

    def counted(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        build_prompt(extract(page))
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", _PAGES)
def test_work_is_linear_in_the_page(name: str) -> None:
    """A page of eight times the size costs at most ten times the calls. Quadratic work would cost 64 times as many."""
    make = _PAGES[name]
    build_prompt(extract(_page(make(_SMALL * _TIMES))))  # fills caches before calls are counted
    small, large = _calls(_page(make(_SMALL))), _calls(_page(make(_SMALL * _TIMES)))
    assert large <= _TIMES * 1.25 * small


def test_excess_blocks_scripts_and_attributes_are_cut_off() -> None:
    """Without limits, counting siblings for XPaths and comparing attributes in libxml2 would take quadratic time."""
    document = Document(_page(_HOUSE * 3_000))
    assert len({c.locator.partition("#")[0] for c in jsonld.read(document)}) == 200
    assert len(list(blobs(Document(_page(_STATE * 3_000))))) == 300
    flood = "<p " + " ".join(f'a{i}="{i}"' for i in range(5_000)) + " id=z>Year built: 1998</p>"
    assert attribute_limit.limit_attributes(flood).count("=") == 300
    assert extract(_page(flood)).record.values["YearBuilt"] == 1998


def test_excessive_style_rules_hide_the_page() -> None:
    """If rules above the limit were ignored, text that they hide would be read."""
    rules = "".join(f"div .a{{color:#{i:06x}}}" for i in range(40_000)) + ".z{display:none}"
    text = f'<style>{rules}</style><p>seen</p><p class="z">secret</p>'
    assert "secret" not in [segment.text for segment in Document(_page(text)).segments]


def test_long_lists_of_selectors_are_not_all_compiled() -> None:
    """Compiling every selector would take seven times as many calls."""
    rules = "".join(f".a{i},#b{i},.c .d{i},i{{opacity:0}}" for i in range(8_000))
    assert _calls(_page(f"<style>{rules}</style><p>seen")) < 150 * 8_000


@pytest.mark.parametrize("depth", [900, 3_000, 100_000])
@pytest.mark.parametrize("form", ["body", "state", "json-ld", "list"])
def test_deep_json_is_read_to_a_limit(form: str, depth: int) -> None:
    """Levels beyond 200 are ignored, because Python allows only about a thousand nested calls."""
    nested = "[" * depth + "]" * depth if form == "list" else '{"price":310000,"a":' * depth + "1" + "}" * depth
    extraction: Extraction = {
        "body": lambda: extract(_page(nested, "application/json")),
        "list": lambda: extract(_page(nested, "application/json")),
        "state": lambda: extract(_page(f"<script>window.a = {nested};</script><p>x</p>")),
        "json-ld": lambda: extract(_page(f'<script type="application/ld+json">{nested}</script><p>x</p>')),
    }[form]()
    assert extraction.notes == ()
    build_prompt(extraction)
