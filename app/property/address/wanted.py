"""Parse an address that a user requests, report missing parts, and give it one canonical spelling."""

from app.property.address import american, foreign
from app.property.address.parts import Address

#: A spelling is normalized repeatedly until it no longer changes, at most this many times.
_ROUNDS = 4


def read_target(text: str) -> Address:
    """Return the parts of the address in `text`. Raises `ValueError`, which states the problem or the missing parts."""
    if found := foreign.country_of(text):
        return foreign.read(found[1], found[0])
    return american.read(text)


def spell_target(text: str) -> str:
    """Return the canonical spelling: `123 N MAIN ST, ANYTOWN, ST 00000`. Raises `ValueError` like `read_target`."""
    for _ in range(_ROUNDS):
        spelling = _spelled(text)
        if spelling == text:
            break
        text = spelling
    return text


def _spelled(text: str) -> str:
    if found := foreign.country_of(text):
        foreign.read(found[1], found[0])
        return foreign.spelled(found[1], found[0])
    return american.spelled(american.read(text))
