"""Decide whether a page is about the requested address. No I/O."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.property.address import Address, compare, differ, normalize
from app.property.merging import identity


class Verdict(StrEnum):
    """Whether a page is about the requested property, about another one, or possibly about either (unknown)."""

    WANTED = "wanted"
    OTHER = "other"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AddressMatch:
    verdict: Verdict
    reason: str

    @property
    def is_wanted(self) -> bool:
        return self.verdict is Verdict.WANTED


def match_address(
    values: Mapping[str, Any], wanted: Address, parcels: Set[str] = frozenset(), *, place_is_known: bool = False
) -> AddressMatch:
    """Decide whether a page with `values` is about the address `wanted`.

    `parcels` are normalized parcel numbers (`plain_parcel`) from other pages about the address. If `place_is_known`,
    the source covers only the area of the address, so its pages may omit the town.
    """
    ours, theirs = normalize(wanted), identity.address_of(values)
    has_address = bool(theirs.street_number or theirs.street_name)
    address = compare(ours, theirs) if has_address else "unsure"
    parcel = identity.plain_parcel_of(values)
    same_parcel = parcel is not None and parcel in parcels
    units = _units(ours, theirs)
    if units is not None or (address == "different" and not (same_parcel and _same_house(ours, theirs))):
        return AddressMatch(Verdict.OTHER, units or f"it is about {_shown(theirs)}")
    if ours.unit and not theirs.unit:  # the page's parcel may cover the whole building
        return AddressMatch(Verdict.UNKNOWN, f"it names no unit, and unit {ours.unit} was asked for")
    elsewhere = _elsewhere(ours, theirs)
    if same_parcel and (_same_house(ours, theirs) or not elsewhere):
        return AddressMatch(Verdict.WANTED, f"its parcel number {values[identity.PARCEL]} is that of the address")
    if address == "same" or (place_is_known and _same_house(ours, theirs) and not elsewhere):
        return AddressMatch(Verdict.WANTED, f"its address is {_shown(theirs)}")
    doubt = (
        f"it says {_shown(theirs)}, which may be elsewhere" if has_address else "it names neither address nor parcel"
    )
    return AddressMatch(Verdict.UNKNOWN, doubt)


def _units(ours: Address, theirs: Address) -> str | None:
    if theirs.unit is None or theirs.unit == ours.unit:
        return None
    return f"it is about unit {theirs.unit}, and {f'unit {ours.unit}' if ours.unit else 'no unit'} was asked for"


def _same_house(ours: Address, theirs: Address) -> bool:
    return bool(theirs.street_number and theirs.street_name) and (
        (ours.street_number, ours.street_name) == (theirs.street_number, theirs.street_name)
    )


def _elsewhere(ours: Address, theirs: Address) -> bool:
    """Return whether the page's place differs. A different town with the same ZIP code is the same place."""
    if differ(ours.state, theirs.state) or differ(ours.postal_code, theirs.postal_code):
        return True
    same_zip = ours.postal_code is not None and ours.postal_code == theirs.postal_code
    return differ(ours.city, theirs.city) and not same_zip


def _shown(address: Address) -> str:
    street = " ".join(filter(None, (address.street_number, address.street_name, address.unit and f"# {address.unit}")))
    return ", ".join(filter(None, (street, address.city, address.state, address.postal_code))).upper()
