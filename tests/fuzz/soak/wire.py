"""How a hostile page is sent: wrong charsets, repeated compression, decompression bombs, and odd header fields."""

import gzip
import random
import zlib
from collections.abc import Callable, Mapping

import brotli

try:
    from compression import zstd
except ImportError:
    from backports import zstd  # needed before Python 3.14

_CHARSETS = (
    *("utf-8", "utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "iso-8859-1", "cp1252"),
    *("iso-8859-2", "shift_jis", "euc-jp", "iso-2022-jp", "gb18030", "gb2312", "hz", "big5", "euc-kr", "koi8-r"),
    *("cp1251", "utf-7", "iso-8859-15", "mac-roman"),
)
_TYPES = ("text/html", "text/plain", "application/xhtml+xml", "application/xml", "application/json", "", "x/y")
_NAMES = ("", "", "utf-8", "x-user-defined", "none", "'", "rot13", "unicode_escape", "UTF8,utf-16")


def encoded(rng: random.Random, text: str) -> tuple[bytes, str]:
    """Return the encoded `text` and the charset that the response claims, which may be wrong."""
    charset = "utf-8" if rng.random() < 0.6 else rng.choice(_CHARSETS)
    body = text.encode(charset, rng.choice(("replace", "ignore")))
    claim = charset if rng.random() < 0.5 else rng.choice((*_NAMES, *_CHARSETS))
    return body, claim


def content_type(rng: random.Random, claim: str, kind: str) -> str:
    kind = kind if rng.random() < 0.8 else rng.choice(_TYPES)
    return f"{kind}; charset={claim}" if claim and kind else kind


def soup(rng: random.Random, size: int) -> bytes:
    kinds: tuple[Callable[[], bytes], ...] = (
        lambda: rng.randbytes(size),
        lambda: bytes(byte | 0x80 for byte in rng.randbytes(min(size, 100_000))) * max(1, size // 100_000),
        lambda: rng.randbytes(rng.randint(1, 5)) * max(1, size // 3),
        lambda: bytes([rng.choice((0xC3, 0xE2, 0xF0, 0x81, 0xA4, 0xFF, 0x1B, 0x0E, 0x8E))]) * size,
        lambda: (b"\xc3\x83\xc2\xa2" + rng.randbytes(2)) * (size // 6 + 1),
        lambda: (
            bytes(rng.choice(range(0x80, 0x100)) if n % 3 else 0x20 for n in range(min(size, 50_000)))
            * (size // 50_000 + 1)
        ),
    )
    return rng.choice((b"", b"<html><p>", b"<!doctype html><html lang=ja><title>")) + rng.choice(kinds)()[:size]


def _deflate(body: bytes) -> bytes:
    return zlib.compress(body, 1)


def _raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(1, wbits=-15)
    return packer.compress(body) + packer.flush()


_PACK: Mapping[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", lambda body: gzip.compress(body, 1, mtime=0)),
    "deflate": ("deflate", _deflate),
    "raw deflate": ("deflate", _raw_deflate),
    "br": ("br", lambda body: brotli.compress(body, quality=1)),
    "zstd": ("zstd", lambda body: zstd.compress(body, 1)),
}


def packed(rng: random.Random, body: bytes) -> tuple[bytes, str, str]:
    """Return `body` as sent, its Content-Encoding, and "packed", "unpacked", "cut", "bomb", or "" (not compressed)."""
    kind = rng.random()
    if kind < 0.6:
        return body, "", ""
    if kind < 0.63:
        return body, rng.choice(("gzip", "br", "zstd", "deflate", "gzip, " * 20 + "gzip", "x")), "unpacked"
    layers = [rng.choice(tuple(_PACK)) for _ in range(rng.choice((1, 1, 1, 2, 5)))]
    is_packed = kind < 0.9
    if kind > 0.97:  # far larger than the fetch limit
        body = rng.choice((b" ", b"\0", b"<br>", b"Price: $1 ")) * 12_000_000
    for layer in layers:
        body = _PACK[layer][1](body)
        if kind > 0.94:  # many compressed members, all but the last one empty
            empty = _PACK[layer][1](b"")
            body = empty * rng.choice((10, 10_000, 300_000, 2_000_000 // len(empty))) + body
            body = body[:9_900_000]
    if 0.9 < kind <= 0.94:
        body = body[: rng.randrange(len(body) + 1)] + rng.randbytes(rng.choice((0, 0, 10, 100_000)))
    names = ", ".join(_PACK[layer][0] for layer in layers)
    return body, names, "packed" if is_packed else "bomb" if kind > 0.94 else "cut"


def fields(rng: random.Random) -> list[tuple[str, str]]:
    found = []
    if rng.random() < 0.1:
        found.append(("Link", rng.choice(('</x>; rel="canonical"', "<a>;" * 2_000, "</a>; rel=next, " * 1_000))))
    if rng.random() < 0.05:
        found.append(("Refresh", rng.choice(("0;url=/x", "0;" + " " * 50_000 + "url", "0;url='" + "a" * 20_000))))
    if rng.random() < 0.05:
        found += [("Set-Cookie", f"a{n}=b; Path=/{n}") for n in range(rng.choice((1, 50)))]
    if rng.random() < 0.05:
        found.append(("ETag", '"' + "e" * rng.choice((10, 30_000)) + '"'))
    return found
