"""A corpus of US addresses with hand-written parts: each is parsed correctly and has one canonical spelling."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from app.property.address import address_key, compare, parse, read_target, spell_target
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
    line, _, apart = address.street.partition(", ")  # only the comma separates this unit
    street = read_line(line)
    assert (
        Expected(
            expected.written,
            street.number,
            street.predirectional,
            street.name,
            street.suffix,
            street.postdirectional,
            apart or street.unit,
            address.city or "",
            address.state or "",
            address.postal_code or "",
        )
        == expected
    )
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


def test_different_addresses_in_the_corpus_have_different_keys() -> None:
    """Neither keys nor comparisons confuse two numbers, units, or ZIP codes."""
    addresses = [(expected[1:], read_target(expected.written)) for expected in CORPUS]
    for index, (parts, address) in enumerate(addresses):
        for other_parts, other in addresses[index + 1 :]:
            if parts == other_parts:
                assert address_key(address) == address_key(other)
                assert compare(address, other) == "same"
            elif (parts[0], parts[5]) != (other_parts[0], other_parts[5]):
                assert compare(address, other) != "same"
                assert address_key(address) != address_key(other)


def test_parts_from_pages_give_the_same_key() -> None:
    page = parse("450 7th St APT 1N, Hoboken, NJ 07030")
    assert address_key(page) == address_key(read_target("450 Seventh Street #1N, Hoboken NJ 07030-1234"))
