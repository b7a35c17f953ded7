"""If a street has two usual spellings, a source's template is requested with both."""

import pytest

from app.property.address import Address, address_key, compare, spell_target
from app.property.sources.spellings import street_names


@pytest.mark.parametrize(
    ("name", "spellings"),
    [
        ("SAINT CLAIR AVE", ("ST CLAIR AVE", "SAINT CLAIR AVE")),
        ("MOUNT VERNON", ("MT VERNON", "MOUNT VERNON")),
        # no other spelling: the whole name is such a word, or a word only begins with its letters
        ("FORT ST", ("FORT ST",)),
        ("SAINTSBURY DR", ("SAINTSBURY DR",)),
        (None, (None,)),
    ],
)
def test_the_more_common_spelling_of_registers_comes_first(name: str | None, spellings: tuple[str | None, ...]) -> None:
    assert street_names(name) == spellings


def test_both_spellings_are_one_target_one_key_and_one_address() -> None:
    short, full = (Address(street=f"31 {name} Ave", postal_code="00000") for name in ("St Clair", "Saint Clair"))
    assert address_key(short) == address_key(full) == "31|saint clair ave||00000"
    assert compare(short, full) == "same"
    targets = {spell_target(f"31 {name} Ave, Anytown, ST 00000") for name in ("St. Clair", "Saint Clair", "ST CLAIR")}
    assert targets == {"31 SAINT CLAIR AVE, ANYTOWN, ST 00000"}
