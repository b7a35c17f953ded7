"""An address that somebody asks for: one spelling, one meaning, and what lacks where it is none."""

from __future__ import annotations

from app.property.address import american, foreign
from app.property.address.parts import Address

#: how often the spelling is read again before it counts as settled
_ROUNDS = 4


def read_target(text: str) -> Address:
    """The parts of the address that `text` names. Raises `ValueError`, whose text says what lacks or is wrong."""
    if found := foreign.country_of(text):
        return foreign.read(found[1], found[0])
    return american.read(text)


def spell_target(text: str) -> str:
    """`text` in its one spelling, which reads as itself: `123 N MAIN ST UNIT 4, ANYTOWN, ST 00000`. Raises as
    `read_target` does.
    """
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
