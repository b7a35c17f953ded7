"""Addresses: one text taken apart, parts brought to one spelling, two addresses compared.

`parse` is for texts of pages and never raises; `read_target` is for what somebody asks for and says what lacks.
"""

from app.property.address.comparing import address_key, compare, differ, normalise
from app.property.address.parts import Address
from app.property.address.reading import parse, with_street
from app.property.address.wanted import read_target, spell_target

__all__ = [
    "Address",
    "address_key",
    "compare",
    "differ",
    "normalise",
    "parse",
    "read_target",
    "spell_target",
    "with_street",
]
