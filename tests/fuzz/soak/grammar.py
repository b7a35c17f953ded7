"""The grammar of hostile pages: parts of markup and JSON of any size, each made of repeated and nested units.

A part is a function of `(rng, size)`, with the size in characters. Parts go into the head or body of a page, or into a
JSON text.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping

from tests.fuzz.soak.units import (
    ATTRIBUTE_VALUES,
    METAS,
    RUNS,
    TAGS,
    TYPES,
    VOID,
    attributes,
    key,
    label,
    repeated,
    text,
    value,
)

Part = Callable[[random.Random, int], str]
#: The markup before and after a run of repeated characters.
_PLACES = (
    *(("<p>", "</p>"), ("<h1>", "</h1>"), ("<title>", "</title>"), ("<td>", "</td>"), ("<pre>", "</pre>"), ("", "")),
    *(("<li>Price: ", "</li>"), ("<dl><dt>Price<dd>", "</dl>"), ("<textarea>", "</textarea>"), ("<!--", "-->")),
    *(('<meta name="description" content="', '">'), ('<meta property="og:title" content="', '">')),
    *(("<meta http-equiv=", ">"), ("<meta charset=", ">"), ('<a href="', '">x</a>'), ('<img alt="', '">')),
    *(('<p style="', '">x</p>'), ('<p class="', '">x</p>'), ('<p title="', '">x</p>'), ("<", ">"), ("</", ">")),
    *(('<link rel=canonical href="', '">'), ('<base href="', '">'), ('<meta http-equiv=refresh content="0;url=', '">')),
    *(("<script>var a = {b: '", "'};</script>"), ('<script>window.a = "', '";</script>'), ("<script>", "</script>")),
    *(
        ('<script type="application/ld+json">{"name": "', '"}</script>'),
        ("<style>", "</style>"),
        ("<svg><path d='", "'>"),
    ),
    *(('<span itemprop="price" content="', '">'), ('<time datetime="', '">'), ('<a href="/x">', "</a>"), ("<p ", ">")),
    *(('<script id="__NEXT_DATA__" type="application/json">', "</script>"), ("<table><caption>", "</table>")),
    *(("<html lang=", ">"), ("<!doctype ", ">"), ("<?xml encoding=", "?>"), ("<h1>For sale: ", "</h1>"), ("&", ";")),
    *(('<option value="', '">'), ("<p>3 bedrooms, ", "</p>"), ("<p>12 Elm St, ", ", IL 62701</p>"), ("<h2>", "</h2>")),
)
_STATES = (
    '<script id="__NEXT_DATA__" type="application/json">{}</script>',
    '<script type="application/json">{}</script>',
    '<script type="application/ld+json">{}</script>',
    "<script>window.__STATE__ = {};</script>",
    "<script>render(Page, {});</script>",
    'self.__next_f.push([1,"7:{}"])',
    "<script>var a={};var b={}</script>",
)
_SELECTORS = (
    "p",
    "*",
    "div p",
    ".a",
    "#i¤",
    ".a¤",
    "div>p",
    "p:not(.b)",
    "[a=b]",
    "p~p",
    ".a.b .c",
    ":is(p,i)",
    "p::before",
)
_DECLARATIONS = ("display:none", "color:#fff", "opacity:0", "font-size:0", "left:-9999px", "visibility:hidden", "--a:b")


def run(rng: random.Random, size: int) -> str:
    """Return a very long text of a few characters, in one place."""
    before, after = rng.choice(_PLACES)
    unit = "".join(rng.choice(RUNS) for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 6))))
    return before + repeated(unit, size) + (after if rng.random() < 0.8 else "")


def _element(rng: random.Random) -> str:
    """Return one element with a tag that readers know, attributes, and a text. It often lacks its end tag."""
    if rng.random() < 0.2:
        return f"<{rng.choice(VOID)}{attributes(rng)}>"
    tag = rng.choice(TAGS)
    inner = _element(rng) if rng.random() < 0.3 else text(rng)
    return f"<{tag}{attributes(rng)}>{inner}" + (f"</{tag}>" if rng.random() < 0.7 else "")


def flood(rng: random.Random, size: int) -> str:
    """Repeat a few elements."""
    return repeated("".join(_element(rng) for _ in range(rng.choice((1, 1, 2, 3, 8)))), size)


def several(rng: random.Random, size: int) -> str:
    """Return 50 or 200 different elements, repeated if `size` needs more."""
    return repeated("".join(_element(rng) for _ in range(rng.choice((50, 200)))), size)


def nested(rng: random.Random, size: int) -> str:
    """Return nested elements, closed or not."""
    tags = [rng.choice(TAGS) for _ in range(rng.choice((1, 1, 2, 3)))]
    opening = "".join(f"<{tag}{attributes(rng, 2)}>{text(rng) if rng.random() < 0.3 else ''}" for tag in tags)
    depth = rng.choice((10, 100, 250, 1_000, max(1, size // len(opening))))
    closing = "".join(f"</{tag}>" for tag in reversed(tags)) if rng.random() < 0.5 else ""
    opened = min(depth, max(1, size // len(opening)))
    return repeated((opening * opened) + text(rng) + closing * opened, size)


def crowded(rng: random.Random, size: int) -> str:
    """Return one element with very many attributes."""
    pair = rng.choice((' a¤="b"', " a¤", ' class="a¤"', ' data-¤="Price: $1"', " style='color:red'", " itemref='i¤'"))
    return f"<{rng.choice((*TAGS, *VOID))}{repeated(pair, size)}>{text(rng)}"


def metas(rng: random.Random, size: int) -> str:
    """Return meta and link elements."""
    return repeated("".join(_meta(rng) for _ in range(rng.choice((1, 1, 3, 10)))), size)


def _meta(rng: random.Random) -> str:
    if rng.random() < 0.3:
        return f'<link rel="{rng.choice(("canonical", "next", "alternate"))}" href="{rng.choice(ATTRIBUTE_VALUES)}">'
    content = text(rng).replace('"', "")
    return f'<meta {rng.choice(("property", "name", "itemprop"))}="{rng.choice(METAS)}" content="{content}">'


def styles(rng: random.Random, size: int) -> str:
    """Return rules of a style sheet, and the matching elements."""
    rule = "".join(
        f"{','.join(rng.choice(_SELECTORS) for _ in range(rng.choice((1, 1, 2, 20))))}{{{rng.choice(_DECLARATIONS)}}}"
        for _ in range(rng.choice((1, 1, 4)))
    )
    if rng.random() < 0.2:
        rule = rng.choice(("@media screen{", "@supports (a:b){")) * rng.choice((1, 5, 200)) + rule
    share = rng.choice((0.1, 0.5, 0.9))
    seen = repeated(f'<p class="a a¤" id=i¤{attributes(rng, 1)}>{text(rng)}</p>', int(size * (1 - share)))
    return f"<style>{repeated(rule, int(size * share))}</style>{seen}"


def tables(rng: random.Random, size: int) -> str:
    """Return tables, definition lists, and rows of labels with values."""
    cells = rng.choice((1, 2, 2, 3, 8, 100))
    row = "<tr>" + "".join(f"<{rng.choice(('td', 'td', 'th'))}{attributes(rng, 1)}>{text(rng)}" for _ in range(cells))
    unit = rng.choice(
        (
            row,
            f"<tr><th>{label(rng)}<td>{value(rng)}",
            f"<dt>{label(rng)}<dd>{value(rng)}",
            f"<li>{label(rng)}: {value(rng)}</li>",
            f"<div><span>{label(rng)}</span><span>{value(rng)}</span></div>",
            f"<p><b>{label(rng)}</b> {value(rng)}",
        )
    )
    whole = {"<tr": "table", "<dt": "dl", "<li": "ul"}.get(unit[:3], "div")
    count = rng.choice((1, 1, 5, 100))
    return "".join(f"<{whole}>{repeated(unit, size // count)}</{whole}>" for _ in range(count))


def microdata(rng: random.Random, size: int) -> str:
    """Return nested items, and items that refer to each other."""
    opening = f'<div itemscope itemtype="http://schema.org/{rng.choice(TYPES)}" itemprop="{key(rng)}"'
    opening += ' id=i¤ itemref="i0 i¤ i1">' if rng.random() < 0.4 else ">"
    inner = "".join(
        f'<i itemprop="{key(rng)}" content="{value(rng)}">{text(rng)}</i>' for _ in range(rng.choice((1, 5)))
    )
    return repeated(opening + inner + ("</div>" if rng.random() < 0.6 else ""), size)


def prose(rng: random.Random, size: int) -> str:
    """Return sentences about a property, on one line or many."""
    words = [
        rng.choice((label(rng), value(rng), "the", "and", "has", "of", text(rng))) for _ in range(rng.choice((8, 40)))
    ]
    return f"<p>{repeated(' '.join(words).capitalize() + rng.choice(('. ', ', ', '; ', '<br>', '! ')), size)}</p>"


def results(rng: random.Random, size: int) -> str:
    """Return a page of search results: cards with links, and a link to the next page."""
    head = rng.choice(("<h1>Homes for sale in Springfield</h1>", "<h1>Search results</h1>", "<h1>1,234 homes</h1>"))
    link = f'<a href="/listing/¤">{text(rng)}</a> ¤ Elm St, Springfield {value(rng)}'
    cards = repeated(f'<div class="card"{attributes(rng, 2)}>{link}</div>', size)
    return f"{head}{cards}<a rel=next href='?page=2'>Next</a>"


def _tree(rng: random.Random, depth: int) -> object:
    """Return a JSON value that looks like the data of real pages."""
    kind = rng.random()
    if depth <= 0 or kind < 0.3:
        return rng.choice((value(rng), text(rng), rng.randint(0, 10**6), 1e300, None, True, [], {}, "{}", "1" * 50))
    if kind < 0.5:
        return [_tree(rng, depth - 1) for _ in range(rng.randint(1, 4))]
    if kind < 0.6:
        return json.dumps(_tree(rng, depth - 1))
    return {key(rng): _tree(rng, depth - 1) for _ in range(rng.randint(1, 6))}


def _graph(rng: random.Random, size: int) -> str:
    """Return JSON-LD objects that refer to each other, also in circles."""
    refers = "".join(f',"{key(rng)}":{{"@id":"#{rng.choice(("0", "1", "¤"))}"}}' for _ in range(rng.choice((1, 3))))
    one = f'{{"@id":"#¤","@type":"{rng.choice(TYPES)}","{key(rng)}":{json.dumps(value(rng))}{refers}}},'
    return '{"@context":"https://schema.org","@graph":[' + repeated(one, size) + '{"@id":"#0"}]}'


def json_text(rng: random.Random, size: int) -> str:
    """Return a JSON text: wide, deep, with many objects, or broken."""
    json_value, form = json.dumps(_tree(rng, rng.choice((1, 3, 5))), ensure_ascii=rng.random() < 0.5), rng.random()
    one = f'"{key(rng)}{rng.choice(("", "¤"))}":{json_value}'
    if form < 0.2:
        return _graph(rng, size)
    if form < 0.4:
        return "{" + repeated(one + ",", size) + '"z":1}'
    if form < 0.6:
        return "[" + repeated("{" + one + "},", size) + "0]"
    if form < 0.75:
        opening = rng.choice(("[", "{" + f'"{key(rng)}":', "[{" + f'"{key(rng)}":'))
        depth = min(max(1, size // len(opening)), rng.choice((50, 190, 1_000, 10**7)))
        closing = "".join({"[": "]", "{": "}"}.get(sign, "") for sign in reversed(opening.replace(key(rng), "")))
        return repeated(opening * depth + "1" + closing * depth, size)
    if form < 0.85:
        return f'{{"{key(rng)}":"{repeated("".join(rng.choice(RUNS) for _ in range(3)), size)}"}}'
    return "{" + repeated(one + rng.choice((",", "", ",,", ":", "}", "]", "{")), size)


def state(rng: random.Random, size: int) -> str:
    """Return scripts with JSON: one large script, or many."""
    form, count = rng.choice(_STATES), rng.choice((1, 1, 1, 10, 200))
    json_value = json_text(rng, size // count)
    if rng.random() < 0.15:
        json_value = json.dumps(json_value)  # JSON inside a JSON string
    return form.replace("{}", json_value) * count


PARTS: Mapping[str, Part] = {
    part.__name__: part
    for part in (run, flood, several, nested, crowded, metas, styles, tables, microdata, prose, results, state)
}
