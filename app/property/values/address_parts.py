"""The parts that one line of an address can tell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """The parts of an address, each None where the line does not tell it; `street` as written."""

    street: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
