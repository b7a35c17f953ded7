"""Prior weights of a value, which depend on the kind of source, how the value was read, and its age.

The numbers estimate the chance that a source is right, based on what each kind of authority or site is responsible for.
The numbers are not fitted to data. ADR 0033 explains them, and docs/merging.md lists them.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from app.property.record import FIELDS, Method, SourceKind


class Topic(StrEnum):
    """Each kind of source is reliable on some topics and not on others."""

    TAX = "tax"
    SALE = "sale"
    FACTS = "facts"
    LISTING = "listing"
    ADDRESS = "address"
    POSITION = "position"
    LOT = "lot"
    PERMITS = "permits"
    ASSOCIATION = "association"
    ESTIMATE = "estimate"


#: The topic of each group of fields. The field table may name another topic for a field.
_GROUPS: Mapping[str, Topic] = {
    "listing": Topic.LISTING, "address": Topic.ADDRESS, "facts": Topic.FACTS, "text": Topic.LISTING, "tax": Topic.TAX,
    "ours": Topic.LISTING,
}  # fmt: skip

_KINDS = (
    *(SourceKind.ASSESSOR, SourceKind.GIS, SourceKind.TAX_ROLL, SourceKind.PERMITS),
    *(SourceKind.PORTAL, SourceKind.ASSOCIATION, SourceKind.OTHER),
)
# fmt: off
_RANKS: Mapping[Topic, tuple[float, ...]] = {
    #                  assessor gis   roll  permits portal assoc. other
    Topic.TAX:         (0.97, 0.85, 0.96, 0.60, 0.75, 0.60, 0.65),
    Topic.SALE:        (0.95, 0.80, 0.92, 0.60, 0.85, 0.60, 0.65),
    Topic.FACTS:       (0.92, 0.75, 0.80, 0.75, 0.85, 0.65, 0.70),
    Topic.LISTING:     (0.45, 0.40, 0.40, 0.40, 0.95, 0.60, 0.65),
    Topic.ADDRESS:     (0.95, 0.93, 0.92, 0.85, 0.88, 0.80, 0.70),
    Topic.POSITION:    (0.88, 0.97, 0.80, 0.70, 0.85, 0.65, 0.65),
    Topic.LOT:         (0.93, 0.96, 0.88, 0.65, 0.80, 0.65, 0.65),
    Topic.PERMITS:     (0.80, 0.70, 0.65, 0.98, 0.75, 0.65, 0.65),
    Topic.ASSOCIATION: (0.75, 0.70, 0.60, 0.55, 0.85, 0.97, 0.65),
    Topic.ESTIMATE:    (0.70, 0.60, 0.60, 0.40, 0.90, 0.50, 0.65),
}
#: The number of days after which a value's weight is halved.
HALF_LIFE_DAYS: Mapping[Topic, float] = MappingProxyType({
    Topic.LISTING: 30.0, Topic.ESTIMATE: 90.0, Topic.TAX: 730.0, Topic.ASSOCIATION: 730.0, Topic.PERMITS: 1825.0,
    Topic.SALE: 3650.0, Topic.FACTS: 3650.0, Topic.ADDRESS: 7300.0, Topic.POSITION: 7300.0, Topic.LOT: 7300.0,
})
#: The weight factor of each method that reads values.
METHOD_FACTORS: Mapping[Method, float] = MappingProxyType({
    Method.JSONLD: 1.0, Method.MICRODATA: 1.0, Method.STATE: 1.0, Method.LABEL: 1.0, Method.OPENGRAPH: 0.97,
    Method.RECIPE: 0.97, Method.LLM: 0.93, Method.DERIVED: 0.9, Method.WEB_SEARCH: 0.6,
})
# fmt: on


def topic_of(name: str) -> Topic:
    spec = FIELDS[name]
    return Topic(spec.topic) if spec.topic is not None else _GROUPS[spec.group]


def rank(kind: SourceKind | None, name: str) -> float:
    """Return the chance, 0 to 1, that this kind of source is right about the field. None counts as `OTHER`."""
    return _RANKS[topic_of(name)][_KINDS.index(kind or SourceKind.OTHER)]


def freshness(name: str, age_days: float) -> float:
    """Return the factor, 0 to 1, for the weight of a value that is `age_days` older than the newest page."""
    return float(0.5 ** (max(0.0, age_days) / HALF_LIFE_DAYS[topic_of(name)]))
