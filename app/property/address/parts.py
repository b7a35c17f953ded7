"""The parts of an address, as pages give them and as they are brought to one spelling."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """Parts of an address, each None where it is not known. `street` is the street part as written."""

    street: str | None = None
    street_number: str | None = None
    street_name: str | None = None
    unit: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
