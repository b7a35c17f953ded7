"""Load the field table `fields.toml`, which describes each field of a property.

Names follow the RESO Data Dictionary 2.0 (https://ddwiki.reso.org). Names that are not from RESO start with `X_`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

#: The type of a stored value. A "date" is an ISO 8601 text, "texts" is a list of texts, and "rows" is a table.
FieldType = Literal["text", "integer", "number", "boolean", "date", "texts", "rows"]
#: The kind of a field's content, which decides how its raw text is parsed.
FieldKind = Literal[
    "address", "answer", "area", "choice", "coordinate", "count", "currency", "date", "features", "identifier", "links",
    "money", "name", "place", "rows", "text", "unit", "year",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """The specification of a field. The comment at the top of `fields.toml` explains each attribute."""

    name: str
    label: str
    type: FieldType
    kind: FieldKind
    group: Literal["listing", "address", "facts", "text", "tax", "ours"]
    meaning: str
    parser: str | None = None
    ask_model: bool = False
    range: tuple[float, float] | None = None
    usual: tuple[float, float] | None = None
    years_ahead: int | None = None
    pages: tuple[str, ...] = ("listing", "record")
    values: tuple[str, ...] = ()
    part_of: str | None = None
    address_part: str | None = None
    counted_in: str | None = None
    per: str | None = None
    recurs: bool = False
    beside: Mapping[str, tuple[float, float]] = MappingProxyType({})
    before: tuple[str, ...] = ()
    points: tuple[float, ...] = ()
    spelled: bool = False
    idle_words: tuple[str, ...] = ()
    topic: str | None = None
    bound_to: str | None = None
    goes_with: str | None = None
    own_words: bool = False
    published: bool = False
    appended: int | None = None
    derived_from: tuple[str, ...] = ()
    derived_by: str | None = None
    personal: bool = False
    core: bool = False
    length: tuple[int, int] | None = None
    typical: float = 0.0
    visible: bool = False
    headline: bool = False
    stands_under: tuple[str, ...] = ()
    labeled: bool = False
    anywhere: bool = False
    searched: bool = False
    short: str | None = None
    instead: str | None = None
    mark: str | None = None
    brief: Mapping[str, Any] | None = None

    @property
    def derived(self) -> bool:
        """Return whether the field is computed from other fields and never read from a page."""
        return self.derived_by is not None


def _read() -> Mapping[str, FieldSpec]:
    table = tomllib.loads(Path(__file__).with_name("fields.toml").read_text("utf-8"))
    return MappingProxyType({name: FieldSpec(name, **_frozen(row)) for name, row in table.items()})


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(inner) for key, inner in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


#: Every field by name, in the order in which records, tables, and CSV columns show them.
FIELDS: Mapping[str, FieldSpec] = _read()


@cache
def of_kind(*kinds: FieldKind) -> tuple[str, ...]:
    """Return the fields of these kinds in table order, except derived fields."""
    return tuple(name for name, spec in FIELDS.items() if spec.kind in kinds and not spec.derived)


def _by(column: str) -> Mapping[str, tuple[str, ...]]:
    named = {name: getattr(spec, column) for name, spec in FIELDS.items()}
    return MappingProxyType(
        {lead: tuple(name for name, own in named.items() if own == lead) for lead in FIELDS if lead in named.values()}
    )


#: Each of these maps a field to the fields that refer to it in the column `bound_to`, `goes_with`, `part_of`, or
#: `counted_in`.
BOUND, FOLLOWERS, PARTS, COUNTED = map(_by, ("bound_to", "goes_with", "part_of", "counted_in"))
#: Fields that may contain several sentences.
PROSE = frozenset(name for name, spec in FIELDS.items() if spec.length)
#: A page with these fields very probably describes a property.
TYPICAL_FIELDS = frozenset(name for name, spec in FIELDS.items() if spec.typical >= 1.5)
#: Maps each area field to the field with its unit.
UNIT_OF: Mapping[str, str] = {str(FIELDS[name].part_of): name for name in of_kind("unit")}
#: The fields for latitude and longitude, in this order.
AXES = of_kind("coordinate")
(CURRENCY,) = of_kind("currency")
ADDRESS_FIELDS: Mapping[str, str] = {spec.address_part: name for name, spec in FIELDS.items() if spec.address_part}
#: Fields that name people. `storage/privacy/ages.py` limits how long their values are kept.
PEOPLE_FIELDS = frozenset(name for name, spec in FIELDS.items() if spec.personal)
DERIVED_FIELDS = frozenset(name for name, spec in FIELDS.items() if spec.derived)
