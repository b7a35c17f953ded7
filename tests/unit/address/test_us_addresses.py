"""A corpus of US addresses with hand-written parts: each address is parsed correctly and has one canonical spelling."""

from pathlib import Path
from typing import NamedTuple

import pytest

from app.property.address import read_target, spell_target
from app.property.address.streets import read_line

_FILE = Path(__file__).with_name("us_addresses.txt")


class Expected(NamedTuple):
    """A line of the corpus: an address and its parts. Missing parts are empty."""

    written: str
    number: str
    predirectional: str
    name: str
    suffix: str
    postdirectional: str
    unit: str
    town: str
    state: str
    postal_code: str


def _corpus() -> list[Expected]:
    lines = [line for line in _FILE.read_text("utf-8").splitlines() if not line.startswith("# ")]
    return [Expected(*(part.strip().replace("\\n", "\n") for part in line.split("|"))) for line in lines]


CORPUS = _corpus()


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 120


@pytest.mark.parametrize("expected", CORPUS, ids=lambda expected: expected.written.replace("\n", "/"))
def test_every_part_of_an_address_is_recognized(expected: Expected) -> None:
    address = read_target(expected.written)
    assert address.street is not None
    line, _, apart = address.street.partition(", ")
    street = read_line(line)
    parts = (street.number, street.predirectional, street.name, street.suffix, street.postdirectional)
    place = (address.city or "", address.state or "", address.postal_code or "")
    assert Expected(expected.written, *parts, apart or street.unit, *place) == expected
    assert address.street_number == expected.number
    assert address.street_name == " ".join(part for part in expected[2:6] if part)
    assert address.unit == (expected.unit.removeprefix("UNIT ") or None)
    assert address.country == "US"


@pytest.mark.parametrize("expected", CORPUS, ids=lambda expected: expected.written.replace("\n", "/"))
def test_the_canonical_line_of_an_address_parses_to_the_same_address(expected: Expected) -> None:
    spelling = spell_target(expected.written)
    region = f"{expected.state} {expected.postal_code}".strip()
    assert spelling.endswith(", ".join(part for part in (expected.town, region) if part))
    assert spelling.startswith(f"{expected.number} ")
    assert spell_target(spelling) == spelling
    assert read_target(spelling) == read_target(expected.written)
