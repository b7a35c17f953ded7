"""Unpacking and decoding hostile bodies, searching them for redirects, and parsing addresses take little CPU time."""

import gzip
import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import brotli
import pytest

from app.property.address import american
from app.property.fetch.client.fetcher import Fetcher
from app.property.fetch.client.refresh import refresh
from app.property.fetch.decode.text import decode, repair
from app.property.fetch.limits import Limits
from tests.security.refused import refused

#: The CPU seconds that a page may take.
_SECONDS = 3.0
_EMPTY_FRAME = b"\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00"
_MOST = 9_000_000


def _costs(work: Callable[[], Any]) -> float:
    started = time.thread_time()
    work()
    return time.thread_time() - started


@pytest.mark.parametrize("in_thread", [False, True], ids=["main thread", "thread"])
def test_a_million_empty_frames_end_the_fetch(site: Any, fetcher: Fetcher, *, in_thread: bool) -> None:
    """Each frame decompresses to nothing, so no limit on the decompressed size applies."""
    url = site.page("/", _EMPTY_FRAME * 1_000_000, Content_Encoding="zstd")
    error = refused(lambda: fetcher.fetch(url), in_thread=in_thread)
    assert "unpacking it took more than 1 s" in str(error)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("br", lambda data: brotli.compress(data, quality=4)), ("gzip, gzip", None)],
)
def test_a_large_page_costs_a_third_of_what_unpacking_may(
    site: Any, make_fetcher: Callable[..., Fetcher], encoding: str, pack: Callable[[bytes], bytes] | None
) -> None:
    body = b"<html>" + random.Random(1).randbytes(3_000_000).hex().encode()
    packed = gzip.compress(gzip.compress(body)) if pack is None else pack(body)
    fetcher = make_fetcher("127.0.0.0/8", limits=Limits(unpacking_cpu_seconds=1 / 3))
    assert fetcher.fetch(site.page("/", packed, Content_Encoding=encoding)).body == body


_HIGH = bytes(0x80 | byte for byte in range(0x100))
BODIES: dict[str, Callable[[], bytes]] = {
    "bytes 80 to FF in order": lambda: bytes(range(0x80, 0x100)) * (_MOST // 128),
    "bytes 80 to FF": lambda: random.Random(7).randbytes(_MOST // 9).translate(_HIGH) * 9,
    "stray bytes": lambda: ("é" * 20).encode().join([b"\xe9 "] * 200_000),
    "encoded twice": lambda: b"".join(b"%d m\xc3\x83\xc2\xb2" % number for number in range(700_000)),
    "encoded twice in pieces": lambda: b"".join(b"%d m\xc3\x83\xc2\xb2<" % number for number in range(700_000)),
    "blanks behind a charset": lambda: b"<meta charset=" + b" " * _MOST,
    "charsets": lambda: b"<meta charset=" * (_MOST // 14),
    "quotation marks": lambda: "\u2039".encode() * (_MOST // 3),
}


@pytest.mark.long
@pytest.mark.parametrize("name", BODIES)
def test_bodies_are_decoded_in_time(name: str) -> None:
    body = BODIES[name]()
    for charset in ("", "; charset=iso-8859-1", "; charset=gb18030", "; charset=utf-8"):
        assert _costs(partial(decode, body, f"text/html{charset}")) < _SECONDS, charset


def test_repair_of_double_encoding_stops_at_its_limit_and_loses_nothing() -> None:
    text = "".join(f"<p>{number} mÂ²</p>" for number in range(100_000))
    repaired = repair(text)
    assert repaired.startswith("<p>0 m²</p><p>1 m²</p>")
    assert repaired.endswith("<p>99999 mÂ²</p>")
    assert repaired.replace("Â", "") == text.replace("Â", "")


@pytest.mark.parametrize(
    "head",
    ["<meta http-equiv=" + " " * 65_000, "http-equiv" * 6_500, "<meta http-equiv='refresh' content='" + " " * 65_000],
)
def test_searching_a_head_for_a_refresh_is_fast(head: str) -> None:
    assert _costs(lambda: refresh("", head)) < _SECONDS


def test_an_address_of_many_numbers_is_read_in_time() -> None:
    def read() -> None:
        with pytest.raises(ValueError, match="lacks"):
            american.read(" & ".join(["10"] * 40))

    assert _costs(read) < _SECONDS
