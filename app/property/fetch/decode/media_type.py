"""Determine the media type of a body from its Content-Type header and its first bytes."""

import re

from app.errors.fetching import UnsupportedContentError

HTML, XML, JSON, TEXT = "text/html", "application/xml", "application/json", "text/plain"

_READABLE = re.compile(
    r"text/(?:html|xml|json|plain)|application/(?:xml|json|xhtml\+xml|[a-z0-9.-]+\+(?:xml|json))", re.IGNORECASE
)
#: Media types that do not name a format. The format is then determined from the bytes.
_UNSTATED = frozenset({"", "application/octet-stream", "application/unknown", "unknown/unknown", "content/unknown"})

#: The first bytes of binary formats, which sites sometimes send with the media type of a text format.
_BINARY = (
    (b"%PDF-", "a PDF"), (b"\x89PNG\r\n", "a PNG image"), (b"\xff\xd8\xff", "a JPEG image"), (b"GIF8", "a GIF image"),
    (b"PK\x03\x04", "a ZIP archive"), (b"\x1f\x8b", "gzip data"), (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"Rar!", "a RAR archive"), (b"7z\xbc\xaf", "a 7-Zip archive"), (b"\x7fELF", "a program"), (b"OggS", "audio"),
    (b"ID3", "audio"), (b"\xd0\xcf\x11\xe0", "an Office document"),
)  # fmt: skip
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_BOM_8 = b"\xef\xbb\xbf"
_HEAD_BYTES = 2048
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")

_HTML_START = re.compile(rb"<(?:!doctype\s+html|html|head|body|title|meta|script|div|p|table|h1|a)\b", re.IGNORECASE)
_HTML_ROOT = re.compile(rb"<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_COMMENTS = re.compile(rb"\s*(?:<!--.*?-->\s*)*", re.DOTALL)
_JSON_START = re.compile(rb'\{\s*(?:"|\}|$)|\[\s*(?:[\[{"\d\]-]|true|false|null|$)')


def declared_type(content_type: str | None) -> str:
    return (content_type or "").split(";")[0].split(",")[0].strip().lower()


def require_readable(url: str, content_type: str | None) -> None:
    """Raise `UnsupportedContentError` if the Content-Type is not HTML, XML, JSON, or plain text.

    A missing or generic Content-Type is allowed.
    """
    declared = declared_type(content_type)
    if declared not in _UNSTATED and not _READABLE.fullmatch(declared):
        raise UnsupportedContentError(url, declared[:100])


def media_type(url: str, body: bytes, content_type: str | None = None) -> str:
    """Return the media type of a non-empty body.

    Return the declared type, unless the bytes clearly show another readable type, such as HTML sent as plain text.
    Raises `UnsupportedContentError` if the data is binary, or if neither the header nor the bytes indicate a type.
    """
    declared = declared_type(content_type)
    if binary := _binary(body):
        raise UnsupportedContentError(url, f"{binary} called {declared}" if declared else binary)
    seen = _seen(body)
    if declared in _UNSTATED:
        if seen is None:
            raise UnsupportedContentError(url, declared or "of no stated type")
        return seen
    if seen is None or _same_family(declared, seen):
        return declared
    return seen


def _binary(body: bytes) -> str | None:
    for magic, name in _BINARY:
        if body.startswith(magic):
            return name
    if body[8:12] == b"WEBP" and body.startswith(b"RIFF"):
        return "a WebP image"
    head = body[:_HEAD_BYTES]
    if head.startswith(_WIDE_BOMS) or _wide(head):
        return None
    # about 10 % of random bytes are control characters, but a broken page has only a few
    return "binary data" if len(_CONTROLS.findall(head)) * 50 > len(head) else None


def _wide(head: bytes) -> bool:
    """Return whether the bytes look like UTF-16 without a BOM: nearly every second byte is NUL, and no other is."""
    sample = head[:64]
    evens, odds = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    return half >= 2 and ((evens == 0 and odds >= half * 0.8) or (odds == 0 and evens >= half * 0.8))


def _seen(body: bytes) -> str | None:
    head = body[:_HEAD_BYTES].replace(b"\x00", b"") if 0 in body[:_HEAD_BYTES] else body[:_HEAD_BYTES]
    head = head.removeprefix(_BOM_8).lstrip(b"\xff\xfe").lstrip()
    if _JSON_START.match(head):
        return JSON
    if head.startswith(b"<?xml"):
        return "application/xhtml+xml" if _HTML_ROOT.search(head) else XML
    start = _COMMENTS.match(head)
    return HTML if _HTML_START.match(head, start.end() if start else 0) else None


def _same_family(declared: str, seen: str) -> bool:
    if seen == JSON:
        return "json" in declared
    if seen == HTML:
        return "html" in declared
    return "xml" in declared or "html" in declared
