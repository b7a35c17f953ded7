"""Permanently hidden text is not read. Text that a user can open with a control is read."""

import pytest

from app.property.reading.document import Document
from tests.plugins.read_pages import page_of

#: Enough text that the page does not count as an empty shell.
_ABOUT = "<h1>12 Elm Street</h1><p>" + "A quiet street with old trees and a school around the corner. " * 8 + "</p>"


def _seen(body: str, head: str = "") -> bool:
    text = f"<html><head><title>12 Elm Street</title>{head}</head><body>{_ABOUT}{body}</body></html>"
    document = Document(page_of(text, "https://h.example/p/12345"))
    shown = " ".join(segment.text for segment in document.segments)
    assert "quiet street" in shown
    assert ("secret" in shown) == ("secret" in "".join(document.root.itertext()))
    return "secret" in shown


def _texts(body: str) -> list[str]:
    page = page_of(f"<html><body>{body}</body></html>", "https://h.example/")
    return [segment.text for segment in Document(page).segments]


_HIDDEN = {
    "display none": '<p style="display:none">secret</p>',
    "visibility": '<p style="visibility:hidden">secret</p>',
    "no opacity": '<p style="opacity:0.0">secret</p>',
    "tiny letters": '<p style="font-size:1px">secret</p>',
    "white on white": '<p style="color:#fff">secret</p>',
    "black on black": '<p style="color:#000;background-color:black">secret</p>',
    "white on white around it": '<div style="background:#FDFDFD"><p style="color:#fefefe">secret</p></div>',
    "see-through": '<p style="color:rgba(0,0,0,0)">secret</p>',
    "off the left side": '<p style="position:absolute;left:-9999px">secret</p>',
    "off by indent": '<p style="text-indent:-999em">secret</p>',
    "off by transform": '<p style="transform:translateX(-5000px)">secret</p>',
    "clipped": '<p style="position:absolute;clip:rect(0 0 0 0)">secret</p>',
    "clipped by path": '<p style="clip-path: inset(50%)">secret</p>',
    "one pixel wide": '<p style="width:1px;height:1px;overflow:hidden">secret</p>',
    "scaled away": '<p style="transform:scale(0)">secret</p>',
    "hidden attribute": "<p hidden>secret</p>",
    "template": "<template><p>secret</p></template>",
    "noscript": "<noscript><p>secret</p></noscript>",
    "shut dialog": "<dialog>secret</dialog>",
    "well-known class": '<p class="d-none">secret</p>',
    "reversed order": '<p style="unicode-bidi:bidi-override;direction:rtl">secret</p>',
    "reversed by an element": '<bdo dir="rtl">secret</bdo>',
    "reversed by a character": "<p>\u202esecret\u202c</p>",
    "link that leads elsewhere before it": '<a href="/more">More homes</a><p style="display:none">secret</p>',
    "control that is hidden too": '<a hidden aria-controls="x">More</a><p id="x" style="display:none">secret</p>',
    "called by another id": """<a onclick="toggle('fact')">Facts</a><p id="facts" style="display:none">secret</p>""",
    "hidden inside what opens": '<details><p>x</p><p style="font-size:0">secret</p></details>',
}
_SHOWN = {
    "plain": "<p>secret</p>",
    "behind a summary": "<details><summary>More</summary><p>secret</p></details>",
    "tab": '<a href="#t2">Facts</a><div id="t2" style="display:none">secret</div>',
    "accordion": '<button aria-expanded="false" aria-controls="a">Facts</button><div id="a" hidden>secret</div>',
    "collapse": '<a data-bs-target="#c">Facts</a><div id="c" style="display:none">secret</div>',
    "called by its id": """<a onclick="toggle('facts')">Facts</a><p id="facts" style="display:none">secret</p>""",
    "read more behind it": '<span style="display:none">secret</span><a href="#">Read more</a>',
    "read more behind several": '<p class="hide">secret</p><p class="hide">x</p><div><a>More</a></div>',
    "only until a wider screen": '<p class="hidden md:block">secret</p>',
    "until it is found": '<p hidden="until-found">secret</p>',
    "open dialog": "<dialog open>secret</dialog>",
    "fades in": '<p style="opacity:0;transform:translateY(20px)">secret</p>',
    "white on a photograph": '<div style="background:url(x.jpg)"><p style="color:#fff">secret</p></div>',
    "white on blue": '<div style="background:#003366"><p style="color:#fff">secret</p></div>',
    "moved a little": '<p style="position:relative;left:-12px">secret</p>',
    "low but not cut": '<p style="height:0">secret</p>',
}
_RULES = {
    ".x{display:none}": False,
    "p.x , .y {visibility:hidden}": False,
    "div .x{display:none}": True,  # the paragraph is not inside a div
    "body > .x{display:none}": False,
    "main > .x{display:none}": True,
    "#i{font-size:0}": False,
    "[data-k=v]{position:absolute;left:-5000px}": False,
    "@media print{.x{display:none}}": True,
    "@media (max-width:600px){.x{display:none}}": True,
    "@media screen{.x{display:none}}": False,
    "@supports (display:grid){.x{display:none}}": False,
    ".x{display:none}.x{display:block}": True,
    ".x{display:block}.x{display:none}": False,
    "p.x{display:block}.x{display:none}": True,  # the first rule is more specific because of its tag
    ".x{display:none!important}p.x{display:block}": False,
    ".x:not(.open){display:none}": False,
    ".x:not(.y){display:none}": True,
    ".x{display:none}body:hover .x{display:block}": True,
    ".x{display:none}.menu:hover .x{display:block}": False,  # the page has no element with the class `menu`
    ".x{display:none}input:checked ~ .x{display:block}": True,
    ".x::before{display:none}": True,
    "/* .x{display:none} */": True,
    ".x{position:absolute}.y{left:-9999px}": False,
    ".x{color:#fff}": False,
    ".x{color:#fff}.y{background:#222}": True,
    "@keyframes k{from{opacity:0}}": True,
    ".x{display:none": True,  # the rule has no closing brace
    "}}.x{display:none}": False,
}


@pytest.mark.parametrize("name", _HIDDEN)
def test_hidden_text_is_not_read(name: str) -> None:
    assert not _seen(_HIDDEN[name])


@pytest.mark.parametrize("name", _SHOWN)
def test_visible_or_openable_text_is_read(name: str) -> None:
    assert _seen(_SHOWN[name])


@pytest.mark.parametrize("rule", _RULES)
def test_the_pages_own_rules_decide_as_in_a_browser(rule: str) -> None:
    """Specificity, order, `!important`, media queries, and states such as `:hover` are considered."""
    assert _seen('<p class="x y" id="i" data-k="v">secret</p>', f"<style>{rule}</style>") == _RULES[rule]


def test_a_background_from_an_external_style_sheet_is_unknown() -> None:
    linked = '<link rel="stylesheet" href="/site.css">'
    assert _seen('<div class="hero"><p style="color:#fff">secret</p></div>', linked)
    assert not _seen('<div class="hero"><p style="color:#fff">secret</p></div>')


def test_a_screen_reader_label_names_its_neighbor() -> None:
    """Hidden text before a visible number is read only if it is a label, such as `Bedrooms`."""
    for word in ("Bedrooms", "Bedrooms 7", "Sold", "For sale", "Attacker Realty"):
        shown = _texts(f'{_ABOUT}<p><span class="sr-only">{word}</span> 3</p>')
        assert (word in shown) == (word == "Bedrooms")


def test_a_page_that_its_script_will_show_is_read() -> None:
    assert "secret" in _texts(f'<div id="app" style="display:none">{_ABOUT}<p>secret</p></div>')


def test_xpaths_stay_those_of_the_page() -> None:
    """Hidden elements are emptied but not removed, so that locators are valid on the fetched page."""
    text = f"<html><body>{_ABOUT}<p hidden>secret</p><p>Year built: 1998</p></body></html>"
    document = Document(page_of(text, "https://h.example/"))
    year = next(segment for segment in document.segments if segment.text.startswith("Year"))
    assert document.path(year.owner) == "/html/body/p[3]"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("3\u200b10,000", "310,000"),
        ("3&#8203;10&ZeroWidthSpace;,000", "310,000"),
        ("3\u200c1\u200d0,000", "310,000"),
        ("310,000\U000e0031\U000e0032", "310,000"),
        ("310&#x2060;,000", "310,000"),
        ("نمی\u200cخواهم", "نمی\u200cخواهم"),
    ],
)
def test_invisible_characters_are_not_read(written: str, read: str) -> None:
    """Zero-width and tag characters can split or hide text. Joiners stay in writing systems that need them."""
    assert read in _texts(f"{_ABOUT}<p>{written}</p>")
