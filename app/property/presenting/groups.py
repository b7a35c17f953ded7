"""Groups of fields on pages and in tables."""

from app.property.fields.table import FIELDS
from app.property.merging.derived import MAP_LINK

TECHNICAL = "Address, units, and coordinates"
#: Maps groups of the field table to headings, in display order.
GROUPS = {"listing": "Listing", "facts": "Home", "tax": "Tax and sales", "ours": "More", "address": TECHNICAL}


def group_of(name: str) -> str:
    """Return the heading under which the field `name` is shown."""
    spec = FIELDS[name]
    if spec.kind in ("coordinate", "currency", "unit") or name == MAP_LINK:
        return TECHNICAL
    return GROUPS["ours" if spec.group == "text" else spec.group]
