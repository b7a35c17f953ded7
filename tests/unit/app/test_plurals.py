"""Counts are written with their nouns in the singular or plural."""

import pytest

from app.plurals import counted


@pytest.mark.parametrize(
    ("number", "one", "many", "text"),
    [
        (0, "page", "", "0 pages"),
        (1, "page", "", "1 page"),
        (2, "page", "", "2 pages"),
        (1.0, "day", "", "1 day"),
        (1.5, "day", "", "1.5 days"),
        (12_000, "model call", "", "12,000 model calls"),
        (1, "property", "", "1 property"),
        (3, "property", "", "3 properties"),
        (2, "day", "", "2 days"),
        (2, "address", "", "2 addresses"),
        (2, "watch", "", "2 watches"),
        (2, "refresh", "", "2 refreshes"),
        (1, "job waits", "jobs wait", "1 job waits"),
        (2, "job waits", "jobs wait", "2 jobs wait"),
    ],
)
def test_a_count_and_its_noun_agree(number: float, one: str, many: str, text: str) -> None:
    assert counted(number, one, many) == text
