"""Split addresses into parts, normalize the parts, and compare addresses.

`parse` is for text from pages and never raises. `read_target` is for addresses that users request, and reports missing
parts.
"""

from app.property.address.comparing import address_key, compare, differ, normalize
from app.property.address.parts import Address
from app.property.address.reading import parse, with_street
from app.property.address.wanted import read_target, spell_target

__all__ = [
    "Address", "address_key", "compare", "differ", "normalize", "parse", "read_target", "spell_target", "with_street",
]  # fmt: skip
