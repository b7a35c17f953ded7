"""Invented names of people and firms, and other words from which the generator chooses."""

FIRST = (
    "Avery", "Blythe", "Corin", "Delphine", "Emory", "Flora", "Gareth", "Honor", "Ines", "Jasper", "Kester", "Linnea",
    "Marlow", "Nerys", "Orrin", "Philippa", "Quill", "Rosamund", "Sorrel", "Tamsin",
)  # fmt: skip
LAST = (
    "Appleyard", "Brightwater", "Coppersmith", "Dunmore", "Everstone", "Fairbairn", "Goldfinch", "Hathersage",
    "Inglenook", "Juniper", "Kettlewell", "Larkspur", "Merriweather", "Nightingale", "Oakenshaw", "Pennywhistle",
)  # fmt: skip
FIRMS = (
    "Keystone Lane Realty", "Meadow & Main Realty", "Lantern Realty", "Four Gables Properties", "Oxbow Realty",
    "Weathervane Homes",
)  # fmt: skip
#: The neighborhoods in `homes.py` that have an owners' association. Those in `GATED` also have a gate.
ASSOCIATIONS = frozenset({"Fictional Ridge", "Lorem Estates", "Draft Meadows", "Outline Commons", "Example Heights"})
GATED = frozenset({"Fictional Ridge", "Lorem Estates"})
#: The towns of owners who live outside the county: name, state, ZIP code.
MAIL_TOWNS = (("Elsewhere", "ST", "00044"), ("Overyonder", "ST", "00057"), ("Nowhere Springs", "ST", "00068"))

ROOFS = ("Composition shingle", "Architectural shingle", "Standing seam metal", "Clay tile", "Wood shake")
WALLS = ("Brick", "Vinyl siding", "Stucco", "Wood siding", "Fiber cement")
HEATING = ("Forced air", "Heat pump", "Hot water baseboard")
COOLING = ("Central air", "Evaporative cooler")
