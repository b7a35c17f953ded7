"""The core fields that most users want: price, status, type, rooms or beds, area, city, postal code.

A core field is correct on a page if every labeled value was read exactly, and no value was read that the page lacks.
`rooms or beds` and `area` (living area, else the lot's) use the first label that the page has. A wrong value for the
other label counts as an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from benchmarks.extraction.scorer import Outcome

CORE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "price": ("price",),
        "status": ("status",),
        "type": ("property_type",),
        "rooms or beds": ("rooms", "bedrooms"),
        "area": ("living_area", "lot_size"),
        "city": ("city",),
        "postal code": ("postal_code",),
    }
)


@dataclass(frozen=True, slots=True)
class Core:
    """The results for the core fields.

    `fields` maps a core field to two counts: the pages that have it, and the pages where it is correct.
    """

    fields: Mapping[str, tuple[int, int]]
    all_right: tuple[str, ...]
    pages: int

    @property
    def mean(self) -> float:
        """Return the mean over the core fields of the share of pages on which the field is correct.

        Pages without the field are not counted.
        """
        shares = [right / had for had, right in self.fields.values() if had]
        return sum(shares) / len(shares) if shares else 0.0


def core(outcomes: Sequence[Outcome]) -> Core:
    by_page: dict[str, dict[str, Outcome]] = {}
    for outcome in outcomes:
        by_page.setdefault(outcome.file, {})[outcome.label] = outcome
    counts = dict.fromkeys(CORE, (0, 0))
    all_right: list[str] = []
    for file, results in by_page.items():
        clean = True
        for name, labels in CORE.items():
            found = [results[label] for label in labels if label in results]
            exact = _is_right(found)
            clean = clean and exact
            if any(o.expected is not None for o in found):
                had, right = counts[name]
                counts[name] = (had + 1, right + exact)
        if clean:
            all_right.append(file)
    return Core(MappingProxyType(counts), tuple(all_right), len(by_page))


def _is_right(found: Sequence[Outcome]) -> bool:
    if any(o.verdict == "wrong" for o in found):
        return False
    first = next((o for o in found if o.expected is not None), None)
    return first is None or first.verdict == "right"
