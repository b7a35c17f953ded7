"""Decode bytes to text. Determine the charset, and repair text that was encoded twice.

Evidence for a charset is used in this order: BOM, NUL bytes of UTF-16 or UTF-32, valid UTF-8, HTTP header, XML
declaration, meta tag, nearly valid UTF-8, statistics. A declared charset that contradicts the bytes is ignored.
"""

import codecs
import re
from datetime import datetime
from pathlib import Path

import charset_normalizer
import ftfy

from app.errors.fetching import EmptyPageError, PageTooLargeError
from app.property.fetch.decode.media_type import HTML, JSON, TEXT, XML, media_type
from app.property.fetch.limits import Limits
from app.property.page import Page

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

#: Maps declared charsets to the supersets that browsers use instead (WHATWG Encoding Standard, "names and labels").
_SUPERSETS = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "shift_jis": "cp932", "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "big5": "big5hkscs",
    "utf-16": "utf-16-le", "utf-32": "utf-32-le",
}  # fmt: skip
#: Matches the names of accepted codecs. Python's other codecs are not charsets (rot13), or can hide markup (utf-7).
_CHARSET = re.compile(r"(?:utf-(?:8|16|32)|cp|iso8859|iso2022|koi8|euc|shift|big5|gb|hz|mac|tis|johab|ascii|ptcp)")
_WIDE = ("utf-16", "utf-32")
#: Charsets that encode all text as ASCII bytes. Text in these charsets is also valid UTF-8.
_STATEFUL = ("iso2022", "hz")

#: Charsets of scripts other than Latin, from which statistics choose one.
_SCRIPTS = [
    "cp1251", "koi8_r", "cp932", "euc_jp", "gb18030", "big5hkscs", "cp949", "cp1253", "cp1255", "cp1256", "cp874",
]  # fmt: skip
_LANGUAGE = re.compile(rb"<html[^>]{0,400}?\blang\s*=\s*[\"']?\s*([A-Za-z]{2})\b", re.IGNORECASE)
#: The usual charset of each language (HTML Standard, "determining the character encoding", table of locales).
_USUAL_CHARSETS = {
    **dict.fromkeys(("cs", "hr", "sk"), "cp1250"),
    **dict.fromkeys(("hu", "pl", "sl"), "iso8859-2"),
    **dict.fromkeys(("be", "bg", "ky", "mk", "ru", "sr", "tg", "tt", "uk"), "cp1251"),
    **dict.fromkeys(("et", "lt", "lv"), "cp1257"),
    "ar": "cp1256",
    "el": "iso8859-7",
    "he": "cp1255",
    "ja": "cp932",
    "ko": "cp949",
    "th": "cp874",
    "tr": "cp1254",
    "vi": "cp1258",
    "zh": "gb18030",
}

_HEADER_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([^\s\"';,]+)", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]{0,400}?charset\s*+=\s*+[\"']?\s*+([A-Za-z0-9_.:-]+)", re.IGNORECASE)
_XML_CHARSET = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_.:-]+)", re.IGNORECASE)
_DECLARATION_BYTES = 8192

_TEXT_PART = re.compile(rb"[^\n<>]+")
_NON_ASCII_RUN = re.compile(rb"[\x80-\xff]{2,}")
_SAMPLE_BYTES = 32_768
#: Maps each character that `surrogateescape` produces for an invalid UTF-8 byte to the byte's windows-1252 character.
_STRAY_BYTES = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}
_C1_CONTROL = re.compile(r"[\x80-\x84\x86-\x9f]")

#: Matches a result of decoding UTF-8 as windows-1252 or Latin-1: `Â`, `Ã`, or `â€`, and another character.
_TWICE_ENCODED = (
    r"(?:Â[\u0080-\u00bf]"
    r"|Ã[\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
    r"|â(?:\u20ac|\u0080|\u201a|\u0082)[\u0080-\u00bf\u0152\u0153\u0160\u0161\u017d\u017e\u02c6\u02dc\u2013-\u203a\u20ac\u2122])"
)
#: Matches the text around twice-encoded characters, up to a tag, quote, or line end on both sides.
_BROKEN = re.compile(rf'(?:(?<=[<>\n"])|\A)[^<>\n"]*?{_TWICE_ENCODED}[^<>\n"]*+')
#: Maximum number of characters to repair in one text. This many take 0.5 s.
_MOST_REPAIRED = 500_000
_PIECE_COST = 20
#: Maps the suffixes of saved files to media types. Other files count as HTML. The type that the file's bytes show takes
#: precedence.
_SUFFIXES = {".txt": TEXT, ".json": JSON, ".xml": XML}


def decode(body: bytes, content_type_header: str | None = None) -> str:
    """Return the text of `body` without a BOM. Parts that were encoded twice are repaired. Never raises."""
    return repair(_decode(body, content_type_header))


def page_from_file(path: Path, url: str, fetched_at: datetime) -> Page:
    """Return a saved page (HTML, XML, JSON, or text) as if it had been fetched from `url`.

    Raises `OSError` if the file cannot be read, or `EmptyPageError`, `PageTooLargeError`, or `UnsupportedContentError`.
    """
    limit = Limits().body_bytes
    with path.open("rb") as file:
        body = file.read(limit + 1)
    if len(body) > limit:
        raise PageTooLargeError(str(path), limit, "as a file")
    if is_blank(body):
        raise EmptyPageError(str(path))
    kind = media_type(str(path), body, _SUFFIXES.get(path.suffix.lower(), HTML))
    return Page(url=url, final_url=url, content_type=kind, text=decode(body), body=body, fetched_at=fetched_at)


def is_blank(body: bytes) -> bool:
    return not body.strip(b" \t\r\n\f\v\x00\xef\xbb\xbf\xff\xfe")


def _decode(body: bytes, header: str | None) -> str:
    for bom, charset in _BOMS:
        if body.startswith(bom):
            return _lenient(body[len(bom) :], charset)
    claims = _claims(body, header)
    if 0 in body[:1024] and (wide := _wide_charset(body, claims)):
        return _lenient(body, wide)
    text = _strict(body, "utf-8")
    if text is not None and (not body.isascii() or not any(claim.startswith(_STATEFUL) for claim in claims)):
        return text  # valid multi-byte sequences show that the text is UTF-8, even if another charset is declared
    if (claimed := _first_credible(body, claims)) is not None:
        return claimed
    if not _mostly_utf8(body) and (text := _strict(body, _guess(body))) is not None:
        return text
    return _lenient_utf8(body)


def _claims(body: bytes, header: str | None) -> list[str]:
    head = body[:_DECLARATION_BYTES]
    found: list[str] = []
    if header and (in_header := _HEADER_CHARSET.search(header)):
        found.append(in_header[1])
    in_document = (pattern.search(head) for pattern in (_XML_CHARSET, _META_CHARSET))
    found.extend(match[1].decode("ascii") for match in in_document if match)
    known = (_charset(label) for label in found)
    return list(dict.fromkeys(charset for charset in known if charset))


def _charset(label: str) -> str | None:
    label = label.strip().lower()
    if label.startswith("x-") and label not in {"x-mac-cyrillic"}:
        label = {"x-sjis": "shift_jis", "x-euc-jp": "euc_jp", "x-gbk": "gbk"}.get(label, label.removeprefix("x-"))
    try:
        name = codecs.lookup(label).name
    except (LookupError, ValueError):
        return None
    return _SUPERSETS.get(name, name) if _CHARSET.match(name) else None


def _first_credible(body: bytes, claims: list[str]) -> str | None:
    """Decode with the first declared charset that fits the bytes. If several fit, prefer the one that statistics
    suggest.
    """
    readings = {
        claim: text
        for claim in claims
        if not claim.startswith(_WIDE) and (text := _strict(body, claim)) is not None and not _C1_CONTROL.search(text)
    }
    if not readings:
        return None
    if len(readings) > 1 and (guess := _guess(body)) in readings:
        return readings[guess]
    return next(iter(readings.values()))


def _wide_charset(body: bytes, claims: list[str]) -> str | None:
    if body[1:2] == b"\0" and body[:1] != b"\0":
        return "utf-16-le"
    if body[:1] == b"\0" and body[1:2] != b"\0":
        return "utf-16-be"
    return next((claim for claim in claims if claim.startswith(_WIDE)), None)


def _strict(body: bytes, charset: str) -> str | None:
    try:
        return body.decode(charset)
    except (UnicodeError, LookupError):
        return None


def _lenient(body: bytes, charset: str) -> str:
    return _lenient_utf8(body) if charset == "utf-8" else body.decode(charset, errors="replace")


def _mostly_utf8(body: bytes) -> bool:
    total = sum(byte >= 0x80 for byte in body[: 64 * 1024])
    invalid = sum("\udc80" <= char <= "\udcff" for char in body[: 64 * 1024].decode("utf-8", "surrogateescape"))
    return total > 0 and invalid <= total * 0.1


def _lenient_utf8(body: bytes) -> str:
    """Decode UTF-8, but decode invalid bytes as windows-1252, because many pages combine text from several sources."""
    return body.decode("utf-8", "surrogateescape").translate(_STRAY_BYTES)


def _guess(body: bytes) -> str:
    """Guess the charset of undeclared text that is not UTF-8.

    If the document declares its language, try the usual charset of that language first. Otherwise, long runs of
    non-ASCII bytes indicate a script other than Latin, whose charset is determined statistically. Text with single
    non-ASCII bytes (accented letters) counts as windows-1252, because statistics are unreliable for such text.
    """
    if language := _LANGUAGE.search(body[:_DECLARATION_BYTES]):
        usual = _USUAL_CHARSETS.get(language[1].decode("ascii").lower())
        if usual and _strict(body, usual) is not None:
            return usual
    parts = _TEXT_PART.findall(body[: 20 * _SAMPLE_BYTES])
    sample = b"\n".join(part for part in parts if not part.isascii())[:_SAMPLE_BYTES]
    runs = sum(len(run) for run in _NON_ASCII_RUN.findall(sample))
    if runs < 0.6 * sum(byte >= 0x80 for byte in sample):
        return "cp1252"
    best = charset_normalizer.from_bytes(sample, cp_isolation=_SCRIPTS).best()
    return (best and _charset(best.encoding)) or "cp1252"


def repair(text: str) -> str:
    if text.isascii() or not any(begin in text for begin in "ÂÃâ"):
        return text
    mended = dict[str, str]()
    pieces, end, left = list[str](), 0, _MOST_REPAIRED
    for match in _BROKEN.finditer(text):
        broken = match[0]
        if broken not in mended:
            left -= len(broken) + _PIECE_COST
            if left < 0:
                break
            mended[broken] = str(ftfy.fix_encoding(broken))
        pieces += text[end : match.start()], mended[broken]
        end = match.end()
    return "".join((*pieces, text[end:]))
