"""Broken and hostile bodies are read, or rejected as too complex, within two seconds."""

import time
from contextlib import suppress

import pytest

from app.errors.pages import PageTooComplexError
from app.property.reading.pipeline import extract
from tests.plugins.read_pages import page_of

_CARD = "<div class=c><a href=/p/{}>$100,000</a></div>"
_CASES: dict[str, str] = {
    "empty": "",
    "zero bytes": "\x00" * 10_000,
    "one word": "a" * 500_000,
    "digits and commas": "1," * 200_000,
    "deep divs": "<div>" * 20_000 + "x",
    "deep tables": "<table><tr><td>" * 2_000 + "x",
    "long table": "<table>" + "<tr><td>Year Built<td>1998" * 20_000,
    "many labels": "<p>" + "<b>Price</b> " * 20_000,
    "open braces": "<script>window.x = " + "{" * 100_000 + "</script>",
    "unclosed assignments": "<script>" + 'var a = {"b":' * 20_000 + "</script>",
    "unclosed flights": "<script>" + 'self.__next_f.push([1,"7:{' * 20_000 + "</script>",
    "unclosed arguments": "<script>" + 'f({"a":' * 30_000 + "</script>",
    "escaped quotes": '<script>x = "' + '\\"' * 200_000 + "</script>",
    "deep json-ld": '<script type="application/ld+json">' + '{"a":' * 30_000 + "</script>",
    "cards": "<div>" + "".join(_CARD.format(i) for i in range(20_000)) + "</div>",
    "items": "<div itemscope itemtype='http://schema.org/House'>" * 2_000 + "<span itemprop=price>5</span>" * 2_000,
    "less than": "<" * 200_000,
    "mojibake": "Â²£" * 100_000,
    "malformed canonical": "<link rel=canonical href='https://[x/y'><p>Price: $310,000</p>",
    "map link": '<a href="https://maps.example/' + "1.2345," * 50_000 + '">x</a>',
}


def _extract(text: str, content_type: str) -> float:
    page = page_of(text, "https://h.example/p/12345", content_type)
    started = time.process_time()
    with suppress(PageTooComplexError):
        assert extract(page).notes == ()
    return time.process_time() - started


@pytest.mark.parametrize("name", sorted(_CASES))
def test_hostile_html_is_read_in_time(name: str) -> None:
    assert _extract(_CASES[name], "text/html") < 5.0


@pytest.mark.parametrize("text", ["", "{", '{"a":' * 50_000, "[" * 50_000, "[]", "{}", "null", '"text"', '{"a": NaN}'])
def test_hostile_json_is_read_in_time(text: str) -> None:
    assert _extract(text, "application/json") < 5.0


def test_a_body_in_the_wrong_encoding_is_read() -> None:
    text = "<html lang='de'><body><p>Wohnfläche: 80 m²</p><p>Baujahr: 1990</p></body></html>".encode("latin-1").decode(
        "utf-8", "replace"
    )
    assert _extract(text, "text/html") < 5.0
