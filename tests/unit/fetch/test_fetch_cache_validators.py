"""Cache validators in response headers are used for conditional requests."""

import pytest

from app.property.fetch.cache_validators import conditional_headers, directives, validators_of
from app.property.page import CacheValidators

DATE = "Tue, 03 Mar 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({"etag": '"abc"'}, {"If-None-Match": '"abc"'}),
        ({"etag": 'W/"abc"', "last-modified": DATE}, {"If-None-Match": 'W/"abc"', "If-Modified-Since": DATE}),
        ({"etag": "unquoted-as-some-servers-do"}, {"If-None-Match": "unquoted-as-some-servers-do"}),
        ({"last-modified": DATE}, {"If-Modified-Since": DATE}),
        ({"last-modified": "yesterday"}, {}),
        ({"last-modified": "Tue, 03 Mar 2026 99999999999999:00:00 GMT"}, {}),
        ({"etag": ""}, {}),
        ({"etag": '"a\r\nCookie: x"'}, {}),
        ({"etag": '"é"'}, {}),
        ({"etag": f'"{"a" * 2000}"'}, {}),
        ({"etag": '"abc"', "vary": "*"}, {}),
        ({"etag": '"abc"', "vary": "Accept-Encoding"}, {"If-None-Match": '"abc"'}),
        ({}, {}),
    ],
)
def test_usable_validators_are_sent_back_unchanged(headers: dict[str, str], asked: dict[str, str]) -> None:
    assert conditional_headers(validators_of(headers)) == asked


@pytest.mark.parametrize(
    ("text", "is_forbidden"),
    [
        ("no-store", True), ("No-Store, no-cache", True), ("private, max-age=0, no-store", True),
        ("max-age=5,no-store", True), ("no-cache", False), ("private", False), ('private="no-store-at-all"', False),
        ("max-age=0, must-revalidate", False), ("x-no-store", False), ("", False),
    ],
)  # fmt: skip
def test_only_no_store_forbids_storing(text: str, is_forbidden: bool) -> None:
    assert validators_of({"cache-control": text}).no_store is is_forbidden


def test_directives_are_read_with_their_arguments() -> None:
    assert directives('max-age=60, private="a, b" ,no-cache') == {"max-age": "60", "private": "a, b", "no-cache": ""}


def test_there_are_no_conditions_without_validators() -> None:
    assert conditional_headers(None) == conditional_headers(CacheValidators()) == {}
