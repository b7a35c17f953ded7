"""Hostile pages by number. A page depends only on `seed` and its number, so any page can be generated again."""

import math
import random
from dataclasses import dataclass
from functools import cache

from app.property.fetch.decode.media_type import HTML, JSON, TEXT
from app.property.fetch.limits import Limits
from tests.fuzz.seeds import WORDS, seeds
from tests.fuzz.soak.grammar import PARTS, json_text, repeated, text
from tests.fuzz.soak.wire import content_type, encoded, fields, packed, soup

_MOST_BYTES = Limits().body_bytes
_HEADS = (
    "<!doctype html><html lang='en'><head><title>12 Elm Street, Springfield, IL 62701</title>",
    "<!doctype html><html lang='de'><head><title>Wohnung kaufen</title>",
    "<html><head><title>Homes for sale</title><meta charset=utf-8>",
    "<html lang='ja'><head>",
    "",
)
_OPENINGS = (
    "</head><body><h1>12 Elm Street</h1><p>Price: $310,000</p><p>3 bedrooms, 2 baths, built in 1998</p>",
    "</head><body>",
    "<body><table><tr><td>Year Built<td>1998</table>",
    "",
)
#: Prefixes of a page. The emoji makes Python store four bytes for every character of the text.
_WIDE = ("", "", "", "\U0001f3e0")


@dataclass(frozen=True, slots=True)
class HostilePage:
    """A site's response: header fields and the body as sent. `kind` names its parts."""

    kind: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def hostile_page(seed: int, number: int) -> HostilePage:
    """Return page `number` of `seed`. Its size is from 1 KB to slightly more than a fetch accepts."""
    rng = random.Random(f"{seed}:{number}")
    size = _size(rng)
    form, make = rng.choices(tuple(_FORMS.items()), (66, 16, 10, 4, 4))[0]
    kinds, made = make(rng, size)
    if isinstance(made, bytes):
        body, claim = made, rng.choice(("", "utf-8", "shift_jis"))
    else:
        body, claim = encoded(rng, rng.choice(_WIDE) + made)
    kind = content_type(rng, claim, _TYPE_OF.get(form, HTML))
    body, encoding, done = packed(rng, body)
    headers = [("Content-Type", kind)] if kind else []
    headers += [("Content-Encoding", encoding)] if encoding else []
    return HostilePage(" + ".join([*kinds, *filter(None, [done])]), (*headers, *fields(rng)), body)


def honest_page(number: int) -> HostilePage:
    """Return a page of the tests as its site would send it."""
    pages = _honest()
    return HostilePage("honest", (("Content-Type", "text/html; charset=utf-8"),), pages[number % len(pages)])


def _size(rng: random.Random) -> int:
    """Return a size in bytes, uniform on a logarithmic scale: most pages have 10 KB to 2 MB."""
    least, most = rng.choices(((1_000, 10_000), (10_000, 2_000_000), (2_000_000, _MOST_BYTES * 1.01)), (15, 75, 10))[0]
    return int(math.exp(rng.uniform(math.log(least), math.log(most))))


def _parts(rng: random.Random, size: int) -> tuple[list[str], list[str]]:
    """Return one to three parts with `size` characters together, and their kinds."""
    kinds = rng.choices(tuple(PARTS), k=rng.choice((1, 1, 1, 2, 2, 3)))
    shares = [rng.random() + 0.05 for _ in kinds]
    return kinds, [PARTS[kind](rng, int(size * share / sum(shares))) for kind, share in zip(kinds, shares, strict=True)]


def _html(rng: random.Random, size: int) -> tuple[list[str], str]:
    kinds, parts = _parts(rng, size)
    place, head, body = rng.random(), rng.choice(_HEADS), "".join(parts)
    if place < 0.2:  # one part inside another
        middle = len(parts[0]) // 2
        body = parts[0][:middle] + "".join(parts[1:]) + parts[0][middle:]
    elif place < 0.4:
        head, body = head + parts[0], "".join(parts[1:])
    return kinds, head + rng.choice(_OPENINGS) + body + rng.choice(("</body></html>", ""))


def _mutated(rng: random.Random, size: int) -> tuple[list[str], str]:
    """Return a page of the tests, cut, repeated, and spliced, with hostile parts in between."""
    markup = rng.choice(_honest()).decode()
    kinds, parts = _parts(rng, size)
    for part in parts:
        at = rng.randrange(len(markup) + 1)
        markup = markup[:at] + part + markup[at:]
    for _ in range(rng.randint(0, 6)):
        at, length = rng.randrange(len(markup) + 1), rng.randint(1, 200)
        piece = markup[at : at + length]
        instead = rng.choice(("", piece * 3, rng.choice(WORDS), piece * (size // (10 * length))))
        markup = (markup[:at] + instead + markup[at + length :])[:_MOST_BYTES]
    return ["mutated", *kinds], markup


def _json(rng: random.Random, size: int) -> tuple[list[str], str]:
    return ["json"], json_text(rng, size)


def _lines(rng: random.Random, size: int) -> tuple[list[str], str]:
    """Return text without markup, made of lines that readers look for."""
    return ["lines"], repeated("".join(f"{text(rng)}\n" for _ in range(rng.choice((1, 5, 50)))), size)


def _soup(rng: random.Random, size: int) -> tuple[list[str], bytes]:
    return ["soup"], soup(rng, size)


_FORMS = {"html": _html, "mutated": _mutated, "json": _json, "lines": _lines, "soup": _soup}
_TYPE_OF = {"json": JSON, "lines": TEXT}


@cache
def _honest() -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(seeds("html")))
