"""Bytes are decoded with the right charset, and wrongly encoded text is repaired."""

import codecs
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.errors.fetching import EmptyPageError, PageTooLargeError, UnsupportedContentError
from app.property.fetch.decode.text import decode, page_from_file, repair

DE = "Schöne Wohnung, 85 m² Wohnfläche – Küche für 1.200 €"
PL = "Mieszkanie, łazienka, świetne położenie, 59 m², cena 459 000 zł"
CS = "Prodej bytu, řadový dům, žádná provize, příslušenství"
RU = "Продаётся квартира, три комнаты, площадь шестьдесят квадратных метров"
JA = "新宿区の賃貸マンション 賃料18.5万円 管理費5,000円 駅から徒歩五分"
SV = "Välkommen till denna ljusa lägenhet på Södermalm med balkong i söderläge"
HE = "דירה למכירה בתל אביב שלושה חדרים"


def _html(text: str, meta: str = "") -> str:
    head = f'<meta charset="{meta}">' if meta else ""
    return f"<!doctype html><html><head>{head}<title>x</title></head><body><p>{text}</p></body></html>"


@pytest.mark.parametrize(
    ("text", "encoding", "header", "meta"),
    [
        # no declared charset
        (DE, "utf-8", None, ""),
        (CS, "iso8859-2", "text/html; charset=ISO-8859-2", ""),
        (RU, "cp1251", 'text/html; charset="windows-1251"', ""),
        (RU, "koi8-r", "text/html; Charset = KOI8-R", ""),
        (JA, "euc_jp", "text/html", "euc-jp"),
        (JA, "iso2022_jp", "text/html; charset=iso-2022-jp", ""),
        (HE, "cp1255", "text/html", "windows-1255"),
        (DE, "utf-16", None, ""),
        (DE, "utf-16-le", "text/html; charset=utf-16le", ""),
        (DE, "utf-16-be", "text/html", ""),
        (DE, "utf-32", None, ""),
        (DE, "utf-8-sig", "text/html; charset=iso-8859-1", ""),
        # labels that mean a larger charset: € and – are not in Latin-1
        (DE, "cp1252", "text/html; charset=iso-8859-1", ""),
        (DE, "cp1252", "text/html; charset=us-ascii", ""),
        ("① 新築", "cp932", "text/html; charset=x-sjis", ""),
        # wrong declarations
        (DE, "utf-8", "text/html; charset=iso-8859-1", ""),
        (DE, "utf-8", "text/html; charset=iso-8859-1", "windows-1252"),
        (JA, "utf-8", "text/html; charset=shift_jis", ""),
        (DE, "utf-8", "text/html; charset=utf-16", ""),
        (DE, "utf-8", "text/html; charset=nonsense", ""),
        (DE, "utf-8", "text/html; charset=rot13", ""),
        (DE, "cp1252", "text/html; charset=utf-8", "iso-8859-1"),
        (RU, "cp1251", "text/html; charset=utf-8", "windows-1251"),
        (RU, "cp1251", "text/html; charset=iso-8859-1", "windows-1251"),
        (JA, "cp932", "text/html; charset=utf-8", "shift_jis"),
        # no declared charset, and not UTF-8
        (RU, "cp1251", "text/html", ""),
        (JA, "cp932", None, ""),
        (JA, "euc_jp", None, ""),
        (RU, "koi8-r", None, ""),
        (DE, "cp1252", None, ""),
        (SV, "cp1252", None, ""),
    ],
)
def test_a_body_is_decoded_in_its_real_charset(text: str, encoding: str, header: str | None, meta: str) -> None:
    document = _html(text, meta)
    assert decode(document.encode(encoding), header) == document


@pytest.mark.parametrize(
    ("document", "encoding"),
    [
        (f'<?xml version="1.0" encoding="utf-8"?><offer>{CS}</offer>', "utf-8"),
        (f'<?xml version="1.0" encoding="windows-1250"?><offer>{CS}</offer>', "cp1250"),
        (f'<META http-equiv=Content-Type content="text/html; charset=windows-1251"><p>{RU}', "cp1251"),
    ],
)
def test_xml_declarations_and_old_meta_tags_count_as_claims(document: str, encoding: str) -> None:
    assert decode(document.encode(encoding), "text/html") == document


@pytest.mark.parametrize(
    ("lang", "text", "encoding"),
    [
        ("cs", CS, "cp1250"), ("he", HE, "cp1255"), ("pl-PL", CS, "iso8859-2"), ("ja", JA, "cp932"),
        ("de", DE, "cp1252"), ("cs", DE, "utf-8"),
    ],
)  # fmt: skip
def test_the_language_of_the_document_implies_its_usual_charset(lang: str, text: str, encoding: str) -> None:
    document = f'<!doctype html><html class=x lang="{lang}"><p>{text}</p>'
    assert decode(document.encode(encoding), "text/html") == document


def test_stray_bytes_do_not_spoil_a_page_in_utf8() -> None:
    body = _html(PL * 5, "utf-8").encode() + b"<p>120 m\xb2 \x96 gro\xdf</p>"
    assert decode(body, "text/html; charset=utf-8") == _html(PL * 5, "utf-8") + "<p>120 m² – groß</p>"


def test_a_cut_off_sequence_does_not_spoil_a_page() -> None:
    body = _html(JA * 5).encode()
    assert decode(body[: body.index("円".encode()) + 2] + b"</p>", "text/html").startswith(_html(JA)[:60])


@pytest.mark.parametrize("body", [b"", b"\xff", b"\xfe\xff", b"\xff\xfe\x00", bytes(range(256)), b"\x80" * 999])
def test_no_bytes_raise_an_error(body: bytes) -> None:
    for header in (None, "text/html; charset=utf-8", "text/html; charset=shift_jis", "text/html; charset=utf-16"):
        assert isinstance(decode(body, header), str)


@pytest.mark.parametrize(
    "label", ["utf-7", "unicode_escape", "raw_unicode_escape", "punycode", "idna", "base64", "hex"]
)
def test_python_codecs_that_are_not_charsets_are_ignored(label: str) -> None:
    """`+ADw-script+AD4-` is plain text, but decoded as UTF-7 it would become a tag."""
    body = b"<p>+ADw-b+AD4- \\u0041 1234"
    assert decode(body, f"text/html; charset={label}") == body.decode()


@pytest.mark.parametrize(
    ("twice", "once"),
    [
        ("WohnflÃ¤che 85 mÂ²", "Wohnfläche 85 m²"), ("Â£450,000", "£450,000"), ("â‚¬ 1.250", "€ 1.250"),
        ("houseâ€™s", "house’s"), ("pokÃ³j Å‚azienka", "pokój łazienka"), ("1Â½ bath", "1½ bath"),
    ],
)  # fmt: skip
def test_text_encoded_twice_is_repaired(twice: str, once: str) -> None:
    assert repair(twice) == once


@pytest.mark.parametrize("text", [DE, "été à Nîmes", "żółw", "3½ rooms – £1,200"])
def test_only_the_part_encoded_twice_is_repaired(text: str) -> None:
    twice = text.encode().decode("cp1252")
    assert repair(f"<p>{JA}</p><p>{twice}</p>") == f"<p>{JA}</p><p>{text}</p>"


@pytest.mark.parametrize(
    "text",
    [
        "Ângela", "GRÃ-BRETANHA", "MANSÃO", "SÃO PAULO", "À vendre", "50 m²", "Château – 3 chambres", "FRANÇÃ…",
        "ROMÂNIA – PĂDURE",
        "PHÂN «x»", "£450,000 – “Nice”", "â", "Ã", "naïve café", "Zürich’s Straße", "R$ 1.200 – 2 vagas",
    ],
)  # fmt: skip
def test_text_that_only_looks_odd_is_left_alone(text: str) -> None:
    assert repair(text) == text


@pytest.mark.parametrize(
    "body",
    [b"\xe9<" + b"a" * 900_000, b"<meta" * 200_000 + b"\xe9", b"<html " * 200_000 + b"\xe9", "Ã".encode() * 900_000],
)
def test_no_page_makes_decoding_slow(body: bytes) -> None:
    started = time.process_time()
    decode(body, "text/html")
    assert time.process_time() - started < 5


# --- saved pages

NOW = datetime(2026, 5, 1, tzinfo=UTC)
URL = "https://homes.example/1"


@pytest.mark.parametrize(
    ("name", "body", "kind"),
    [
        ("page.html", b"<!doctype html><p>x", "text/html"),
        ("page.html", b"just words", "text/html"),
        ("page", b"<html>x", "text/html"),
        ("page.json", b'{"price": 1}', "application/json"),
        ("page.html", b'\xef\xbb\xbf {"price": 1}', "application/json"),
        ("page.json", b'{"price": broken', "application/json"),
        ("page.xml", b"<?xml version='1.0'?><listing/>", "application/xml"),
        ("page.html", b"<?xml version='1.0'?><!DOCTYPE html><html/>", "text/html"),
        ("page.txt", b"Price 5", "text/plain"),
    ],
)
def test_a_saved_page_is_read_like_a_fetched_one(tmp_path: Path, name: str, body: bytes, kind: str) -> None:
    path = tmp_path / name
    path.write_bytes(body)
    page = page_from_file(path, URL, NOW)
    assert (page.url, page.final_url, page.content_type, page.body, page.fetched_at) == (URL, URL, kind, body, NOW)
    assert page.text == body.decode("utf-8-sig")


def test_a_saved_page_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    cases: list[tuple[str, bytes, type[Exception]]] = [
        ("empty.html", b"", EmptyPageError),
        ("blank.html", codecs.BOM_UTF8 + b" \n", EmptyPageError),
        ("page.html", b"%PDF-1.4 ...", UnsupportedContentError),
        ("big.html", b"<p>" + b"x" * 10_000_000, PageTooLargeError),
    ]
    for name, body, error in cases:
        path = tmp_path / name
        path.write_bytes(body)
        with pytest.raises(error, match=name):
            page_from_file(path, URL, NOW)
    with pytest.raises(FileNotFoundError):
        page_from_file(tmp_path / "none.html", URL, NOW)


@pytest.mark.real_pages
def test_real_pages_are_read_without_a_broken_character(shared_dir: Path) -> None:
    paths = sorted(path for path in (shared_dir / "pages" / "html").rglob("*") if path.is_file())
    assert len(paths) >= 38
    spoiled = {}
    for path in paths:
        text = page_from_file(path, URL, NOW).text
        strays = [mark for mark in ("\ufffd", "mÂ²", "Ã¤", "Ã¼", "Ã³", "â€™") if mark in text]
        if strays:
            spoiled[path.name] = strays
    assert spoiled == {}
