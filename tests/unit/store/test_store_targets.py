"""Targets have one spelling, and what cannot be one is named."""

from __future__ import annotations

import pytest

from app.errors import InvalidTargetError
from app.property.store import normalise_target


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
    ],
)
def test_a_target_is_brought_to_one_spelling(written: str, meant: str) -> None:
    assert normalise_target(written) == meant
    assert normalise_target(normalise_target(written)) == normalise_target(written)


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("", "is empty"),
        ("12 Main Street, Springfield, IL", "addresses as targets are not supported"),
        ("ftp://site.example/x", "scheme 'ftp'"),
        ("file:///etc/passwd", "scheme 'file'"),
        ("javascript:alert(1)", "scheme 'javascript'"),
        ("https:///path", "names no host"),
        ("https://site.example:99999/", "not a valid URL"),
        ("https://[::1/", "not a valid URL"),
        ("https://site.example/\x00", "control characters"),
        ("https://site.example/" + "x" * 2048, "more than 2048"),
    ],
)
def test_what_is_no_target_is_named_with_its_problem(target: str, problem: str) -> None:
    with pytest.raises(InvalidTargetError, match=problem) as caught:
        normalise_target(target)
    assert len(str(caught.value)) < 500


def test_a_password_in_a_url_is_refused_and_not_shown() -> None:
    with pytest.raises(InvalidTargetError) as caught:
        normalise_target("https://scott:tiger@site.example/")
    assert "tiger" not in str(caught.value)
