"""Decide whether two records describe the same property, and state the reason.

Contradictions decide first: different units, states, or countries, or the same parcel number in two counties. Then the
parcel number decides, then address and unit, then position with bedrooms and area. In doubt, the records count as two
properties, because merging two properties would mix their data.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from rapidfuzz.distance import OSA

from app.property.address import Address, compare
from app.property.merging.facts import Compared, compare_facts, meters_apart, points_against, total_points
from app.property.merging.identity import PARCEL, address_of, county_of, parcel_of

Values = Mapping[str, Any]
#: The points that a match needs in these cases: only one record names a unit; the street has a typing error; the parcel
#: number has a typing error; the comparison of the addresses is inconclusive; the addresses differ.
_FOR_A_UNIT, _FOR_A_TYPO, _FOR_A_PARCEL_TYPO, _FOR_AN_OPEN_ADDRESS, _FOR_ANOTHER_ADDRESS = 1.5, 1.5, 0.5, 2.0, 3.0
#: Records with the same address and this many points against a match may describe two homes in one building.
_TOO_MUCH_AGAINST = 2.25
_ONE_SPOT_M = 15.0
#: Kinds of homes that may share an address or a position with other homes.
_SHARED = re.compile(r"condo|apartment|flat|multi|duplex|triplex|co-?op|townh|row|unit|mobile|manufactured", re.I)


class Key(StrEnum):
    """The kinds of keys by which two records match, the most reliable first."""

    DECISION = "decision"
    PARCEL = "parcel"
    ADDRESS = "address"
    SIMILAR_ADDRESS = "similar address"
    POSITION = "position"
    PAGE = "page"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Decision:
    """The result of comparing two records: one property (`is_same`), two (`differs`), or undecided."""

    key: Key
    is_same: bool
    differs: bool
    why: str
    compared: tuple[Compared, ...] = ()
    points: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {
            "key": str(self.key),
            "is_same": self.is_same,
            "why": self.why,
            "compared": [
                {"what": c.what, "one": c.one, "other": c.other, "result": c.result, "points": c.points}
                for c in self.compared
            ],
        }


def decide(one: Values, other: Values, *, is_page: bool = False) -> Decision:
    """Decide whether both sets of values describe the same property.

    `is_page` means that one set comes from a page, and the other from a property that already contains this page.
    """
    return _Match(one, other, is_page=is_page).decide()


class _Match:
    def __init__(self, one: Values, other: Values, *, is_page: bool) -> None:
        self._is_page = is_page
        self._values = one, other
        self._one, self._other = address_of(one), address_of(other)
        self._parcels = parcel_of(one), parcel_of(other)
        self._counties = county_of(one), county_of(other)
        self._facts = compare_facts(one, other)
        self._points = total_points(self._facts)

    def decide(self) -> Decision:
        apart = self._apart()
        if apart:
            return self._decision(Key.NONE, apart, differs=True)
        found = self._by_parcel() or self._by_address() or self._by_position()
        if self._is_page and not found.differs and not found.is_same:
            return self._decision(Key.PAGE, "the same page, and nothing indicates another property", same=True)
        return found

    def _decision(self, key: Key, why: str, *, same: bool = False, differs: bool = False) -> Decision:
        return Decision(key, same, differs, why, (*self._named(), *self._facts), self._points)

    def _named(self) -> tuple[Compared, ...]:
        found = []
        if all(self._parcels):
            result = "same" if self._parcels[0] == self._parcels[1] else "differs"
            found.append(Compared(PARCEL, *self._parcels, result))  # type: ignore[arg-type]
        for what, name in (
            *(("house number", "street_number"), ("street", "street_name"), ("unit", "unit")),
            *(("ZIP code", "postal_code"), ("town", "city"), ("state", "state")),
        ):
            a, b = getattr(self._one, name), getattr(self._other, name)
            if a and b:
                found.append(Compared(what, a, b, "same" if a == b else "differs"))
        return tuple(found)

    def _apart(self) -> str | None:
        """Return why the two records cannot describe the same home, or None if they can."""
        if _differ(self._one.unit, self._other.unit):
            return "different units of one building"
        if _differ(self._one.state, self._other.state) or _differ(self._one.country, self._other.country):
            return "in different states"
        if all(self._parcels) and self._parcels[0] == self._parcels[1] and _differ(*self._counties):
            return "the same parcel number in two counties"
        return None

    def _by_parcel(self) -> Decision | None:
        """Return None unless both records have the same number in the same scope."""
        a, b = self._parcels
        if not (a and b and a == b and self._is_one_scope()):
            return None
        verdict = compare(self._one, self._other)
        if verdict == "different" and not self._is_zip_only():
            if self._points >= _FOR_ANOTHER_ADDRESS and not points_against(self._facts):
                return self._decision(
                    Key.PARCEL, "the same parcel number; the addresses differ, all else agrees", same=True
                )
            return self._decision(Key.NONE, "the same parcel number, but different addresses", differs=True)
        is_beside = bool(self._one.unit) != bool(self._other.unit)
        if is_beside and (self._points < _FOR_A_UNIT or points_against(self._facts)):
            return self._decision(Key.NONE, "the same parcel number, but a unit and its building", differs=True)
        return self._decision(Key.PARCEL, "the same parcel number in one county", same=True)

    def _is_one_scope(self) -> bool:
        """Return whether the parcel numbers are from the same county, or else the same town, ZIP code, or site."""
        if all(self._counties):
            return self._counties[0] == self._counties[1]
        for name in ("city", "postal_code"):
            a, b = getattr(self._one, name), getattr(self._other, name)
            if a and b:
                return bool(a == b)
        places = [
            any((address.city, address.postal_code, county))
            for address, county in zip((self._one, self._other), self._counties, strict=True)
        ]
        return self._is_page or not all(places)  # without a place, the scope of a parcel number is the site

    def _is_zip_only(self) -> bool:
        without = [replace(address, street=None, postal_code=None) for address in (self._one, self._other)]
        return compare(*without) != "different"

    def _is_other_parcel(self) -> bool:
        """Return whether the records have different parcel numbers whose lengths differ by at most one.

        If their lengths differ by more, they may be two forms of the same number. Parcel numbers from different
        counties are not compared.
        """
        a, b = self._parcels
        if not (a and b) or a == b or _differ(*self._counties):
            return False
        return len(a) == len(b) or abs(len(a) - len(b)) == 1

    def _is_parcel_typo(self) -> bool:
        a, b = self._parcels
        return bool(a and b) and OSA.distance(str(a), str(b)) == 1

    def _by_address(self) -> Decision | None:
        """Return None if an address is missing, so that the position decides."""
        a, b = self._one, self._other
        if not (a.street_number and b.street_number and a.street_name and b.street_name):
            return None
        verdict = compare(a, b)
        if verdict == "different":
            return self._of_different_addresses()
        if self._is_other_parcel() and not self._may_be_parcel_typo(verdict):
            return self._decision(Key.NONE, "different parcel numbers", differs=True)
        if bool(a.unit) != bool(b.unit):
            return self._of_unit_and_building()
        return self._of_same_addresses() if verdict == "same" else self._of_open_addresses()

    def _may_be_parcel_typo(self, verdict: str) -> bool:
        """Return whether the parcel numbers may differ only by a typing error.

        Homes of a kind that may share an address must also have a unit.
        """
        kinds = [str(values.get("PropertySubType") or "") for values in self._values]
        is_door = bool(self._one.unit) or not any(_SHARED.search(kind) for kind in kinds)
        return verdict == "same" and is_door and self._is_parcel_typo() and self._points >= _FOR_A_PARCEL_TYPO

    def _of_same_addresses(self) -> Decision:
        if points_against(self._facts) >= _TOO_MUCH_AGAINST and self._points < 0:
            return self._decision(Key.NONE, "the same address, but nearly everything else differs", differs=False)
        if (self._one.street_name or "").replace(" ", "") == (self._other.street_name or "").replace(" ", ""):
            return self._decision(Key.ADDRESS, "the same address" + (" and unit" if self._one.unit else ""), same=True)
        if self._points >= _FOR_A_TYPO:
            return self._decision(
                Key.SIMILAR_ADDRESS, "the same address except for a typing error in the street", same=True
            )
        return self._decision(Key.NONE, "similar street names, but too little else is known", differs=False)

    def _of_open_addresses(self) -> Decision:
        a, b = self._one, self._other
        is_around = any(fact.what == "position" and fact.points > 0 for fact in self._facts)
        if (a.street_number, a.street_name) == (b.street_number, b.street_name) and is_around:
            return self._decision(Key.ADDRESS, "the same house number, street, and position", same=True)
        if self._points >= _FOR_AN_OPEN_ADDRESS and points_against(self._facts) <= 1:
            return self._decision(Key.SIMILAR_ADDRESS, "the addresses may be the same, and all else agrees", same=True)
        return self._decision(Key.NONE, "the addresses may be the same, but too little else is known", differs=False)

    def _of_different_addresses(self) -> Decision:
        is_near = self._is_zip_only() and not self._is_other_parcel() and not points_against(self._facts)
        if is_near and self._points >= _FOR_ANOTHER_ADDRESS:
            return self._decision(
                Key.SIMILAR_ADDRESS, "the same address except for the ZIP code, and all else agrees", same=True
            )
        return self._decision(Key.NONE, "different addresses", differs=True)

    def _of_unit_and_building(self) -> Decision:
        """Decide whether a unit and a building are the same property. Homes in a building are often alike, so only a
        shared sale is conclusive.
        """
        is_one_sale = any(fact.what == "sale" and fact.result == "same" for fact in self._facts)
        if is_one_sale and not points_against(self._facts):
            return self._decision(Key.SIMILAR_ADDRESS, "the same building and sale; only one names a unit", same=True)
        return self._decision(Key.NONE, "a unit and its building", differs=False)

    def _by_position(self) -> Decision:
        """Records at most 15 m apart match if bedrooms and area agree, no fact differs, and neither home can share its
        position with others.
        """
        apart = meters_apart(*self._values)
        same = {fact.what for fact in self._facts if fact.result == "same"}
        kinds = [str(values.get("PropertySubType") or "") for values in self._values]
        if self._is_other_parcel():
            return self._decision(Key.NONE, "different parcel numbers", differs=True)
        texts = [re.findall(r"\d+", Address.of(values).street or "") for values in self._values]
        if all(texts) and texts[0] != texts[1]:
            return self._decision(Key.NONE, "different numbers in texts that are no addresses", differs=False)
        if self._one.unit or self._other.unit or any(_SHARED.search(kind) for kind in kinds):
            return self._decision(Key.NONE, "no address, and several homes may share the position", differs=False)
        if (
            apart is None
            or apart > _ONE_SPOT_M
            or not {"BedroomsTotal", "LivingArea"} <= same
            or points_against(self._facts)
        ):
            return self._decision(Key.NONE, "no address, and no matching position, bedrooms, and area", differs=False)
        return self._decision(Key.POSITION, f"{apart:.0f} m apart, with the same bedrooms and area", same=True)


def _differ(one: str | None, other: str | None) -> bool:
    return bool(one and other and one != other)
