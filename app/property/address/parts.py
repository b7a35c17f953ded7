"""The type of addresses, as written on pages or normalized."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from app.property.fields.table import ADDRESS_FIELDS


@dataclass(frozen=True, slots=True)
class Address:
    """An address in parts. Unknown parts are None. `street` is the delivery line, with number and unit."""

    street: str | None = None
    street_number: str | None = None
    street_name: str | None = None
    unit: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return the address that a record contains, without normalization."""
        return cls(**{part: str(values[name]) for part, name in ADDRESS_FIELDS.items() if values.get(name)})

    def as_values(self) -> dict[str, str]:
        return {name: known for part, name in ADDRESS_FIELDS.items() if (known := getattr(self, part))}

    @property
    def line(self) -> str:
        """The address in one line without its country, or "" if no part is known."""
        street = self.street or _joined(self.street_number, self.street_name, self.unit)
        return ", ".join(filter(None, (street, self.city, _joined(self.state, self.postal_code))))


def _joined(*parts: str | None) -> str:
    return " ".join(filter(None, parts))
