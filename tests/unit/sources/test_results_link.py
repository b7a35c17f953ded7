"""A link on a results page is followed only if it is clearly about the requested address."""

import pytest

from app.property.sources.results import find_link
from app.property.urls.targets import address_of_target, normalize_target
from tests.plugins.read_pages import page_of

URL = "https://county.example/find?q=12"


def link(body: str, address: str = "12 Fictional Ave, Anytown, ST 00000") -> str | None:
    return find_link(page_of(f"<html><body>{body}</body></html>", URL), address_of_target(normalize_target(address)))


@pytest.mark.parametrize(
    "text", ["12 FICTIONAL AVENUE, ANYTOWN", "1. 12 Fictional Av. Anytown ST 00000", "Home: 12 Fictional Ave"]
)
def test_a_link_that_names_the_address_is_chosen(text: str) -> None:
    assert link(f'<a href="/r/1">{text}</a>') == "https://county.example/r/1"


@pytest.mark.parametrize(
    "text",
    [
        "112 Fictional Ave", "12A Fictional Ave", "12 Fictional St", "12 Fictional Ave N", "12 Fictional Ave Apt 2",
        "12 Fictional Ave #2", "12 Fictional Ave, Anytown, ST 00001", "12 N Fictional Ave", "12", "Fictional Ave",
    ],
)  # fmt: skip
def test_a_link_to_another_number_street_unit_or_place_is_not_chosen(text: str) -> None:
    assert link(f'<a href="/r/1">{text}</a>') is None


def test_for_a_unit_only_its_own_link_counts() -> None:
    names = {"2b": "12 Fictional Ave Unit 2B", "2c": "12 Fictional Ave Unit 2C", "0": "12 Fictional Ave"}
    rows = "".join(f'<a href="/r/{path}">{name}</a>' for path, name in names.items())
    assert link(rows, "12 Fictional Ave # 2b, Anytown, ST 00000") == "https://county.example/r/2b"


def test_a_link_without_an_address_takes_the_address_of_its_row() -> None:
    rows = "".join(
        f'<tr><td>{number} Fictional Ave</td><td><a href="/r/{number}">Details</a></td></tr>' for number in (12, 14)
    )
    assert link(f"<table>{rows}</table>") == "https://county.example/r/12"


def test_two_links_to_one_page_count_once_and_two_pages_give_no_result() -> None:
    same = '<a href="/r/1">12 Fictional Ave</a><a href="/r/1#map">12 Fictional Ave</a>'
    assert link(same) == "https://county.example/r/1"
    assert link(same + '<a href="/r/2">12 Fictional Ave</a>') is None


@pytest.mark.parametrize("href", ["https://other.example/r/1", "#x", "javascript:go()", "mailto:a@b.example", URL, ""])
def test_an_unusable_link_is_not_followed(href: str) -> None:
    assert link(f'<a href="{href}">12 Fictional Ave</a>') is None
