"""Split addresses into parts, normalize the parts, and compare addresses.

`parse` splits addresses from pages and never raises. `read_target` parses addresses that users request, and raises
`ValueError` if parts are missing.
"""

from app.property.address.comparing import address_key, compare, differ, normalize
from app.property.address.parts import Address
from app.property.address.reading import parse, with_street
from app.property.address.wanted import read_target, spell_target

__all__ = [
    "Address", "address_key", "compare", "differ", "normalize", "parse", "read_target", "spell_target", "with_street",
]  # fmt: skip
