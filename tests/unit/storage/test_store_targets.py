"""Each target has one canonical form. An invalid target is rejected with an explanation."""

import pytest

from app.errors.targets import InvalidTargetError
from app.property.urls.targets import normalize_target


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://Site.Example", "https://site.example/"),
        ("  HTTP://site.example:80/A/b?Q=1#part ", "http://site.example/A/b?Q=1"),
        ("https://site.example:8443/", "https://site.example:8443/"),
        ("https://straße.example/häuser?ort=köln", "https://xn--strae-oqa.example/h%C3%A4user?ort=k%C3%B6ln"),
        ("https://ＳＩＴＥ。example/", "https://site.example/"),
        ("https://site.example/a%20b", "https://site.example/a%20b"),
        ("http://[::1]:8000/x", "http://[::1]:8000/x"),
        ("https://site.example./a", "https://site.example/a"),
        ("https://site.example:443", "https://site.example/"),
        ("https://site.example/%7eanna/%2fb%2Fc", "https://site.example/~anna/%2Fb%2Fc"),
        ("https://site.example/a/./b/../c", "https://site.example/a/c"),
        ("https://site.example/a/%2e%2E/b/.", "https://site.example/b/"),
        ("https://site.example/../../a", "https://site.example/a"),
        ("https://site.example//a//b", "https://site.example//a//b"),
        ("https://site.example/100%/x", "https://site.example/100%/x"),
        ("https://site.example/h?id=7&utm_source=mail&b=2", "https://site.example/h?id=7&b=2"),
        ("https://site.example/h?UTM_Source=mail&gclid=x", "https://site.example/h"),
        ("https://site.example/h?fbclid=I%2Bw#top", "https://site.example/h"),
        ("https://site.example/h?utm%5Fid=1&q=%7e", "https://site.example/h?q=~"),
    ],
)
def test_a_target_gets_one_spelling(written: str, meant: str) -> None:
    assert normalize_target(written) == meant
    assert normalize_target(normalize_target(written)) == normalize_target(written)


@pytest.mark.parametrize(
    "url",
    [
        "https://site.example/Path/",
        "https://site.example/path",
        "https://site.example/h?b=2&a=1",
        "https://site.example/h?a=1&a=1",
        "https://site.example/h?ref=mls&source=7&campaign=9&s=1&gclids=2",
        "https://site.example/h?&&a=",
        "https://site.example/h;v=1",
        "http://www.site.example/h",
        "https://site.example/a%2Fb?x=%26",
    ],
)
def test_differences_that_a_site_may_distinguish_stay(url: str) -> None:
    assert normalize_target(url) == url


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("", "is empty"),
        ("12 Main Street", "lacks a town or ZIP code and a state"),
        ("Main Street, Springfield, IL", "lacks a house number"),
        ("12 Main Street, Springfield", "lacks a state"),
        ("somewhere", "neither a URL nor an address: it lacks a house number"),
        ("homes.example/12", "write https://homes.example/12"),
        ("www.homes.example", "write https://www.homes.example"),
        ("PO Box 12, Springfield, IL 62701", "post office box, which is no property"),
        ("12 Main St, Springfield, IL 6270", "the ZIP code '6270'"),
        ("12 Main St\x00, Springfield, IL", "control characters"),
        ("12 Main St\ud800, Springfield, IL", "control characters"),
        ("12 Main St, Springfield, IL" + " " * 300 + "62701", "300 characters at most"),
        ("ftp://site.example/x", "scheme 'ftp'"),
        ("file:///etc/passwd", "scheme 'file'"),
        ("javascript:alert(1)", "scheme 'javascript'"),
        ("https:///path", "names no host"),
        ("https://./path", "names no host"),
        ("https://site.example:99999/", "not a valid URL"),
        ("https://[::1/", "not a valid URL"),
        ("https://site.example/\x00", "control characters"),
        ("https://site.example/\ud800", "control characters"),
        ("https://site.example/" + "x" * 2048, "more than 2048"),
    ],
)
def test_an_invalid_target_is_named_with_its_problem(target: str, problem: str) -> None:
    with pytest.raises(InvalidTargetError, match=problem) as caught:
        normalize_target(target)
    assert len(str(caught.value)) < 500


def test_a_password_in_a_url_is_refused_and_not_shown() -> None:
    with pytest.raises(InvalidTargetError) as caught:
        normalize_target("https://scott:tiger@site.example/")
    assert "tiger" not in str(caught.value)
