"""Values of markup whose key means something else on the page at hand, told by what the page says beside them."""

from __future__ import annotations

from app.property.reading.ranking import Winner
from app.property.record import Method


def drop(kept: dict[str, Winner]) -> None:
    """Takes out of `kept` prices that are not paid and rooms that are bedrooms."""
    _asked_again(kept)
    _rooms(kept)


def _asked_again(kept: dict[str, Winner]) -> None:
    """`"sale": {"price": ...}` of what is on the market is the price that is asked."""
    status, asked, paid = kept.get("StandardStatus"), kept.get("ListPrice"), kept.get("ClosePrice")
    if not (status and asked and paid) or status.candidate.value != "Active" or "CloseDate" in kept:
        return
    if asked.candidate.value == paid.candidate.value:
        del kept["ClosePrice"]


def _rooms(kept: dict[str, Winner]) -> None:
    """`rooms` and `numberOfRooms` in markup are bedrooms where there are as many: no home of several has no other."""
    rooms, bedrooms = kept.get("RoomsTotal"), kept.get("BedroomsTotal")
    if rooms is None or bedrooms is None or rooms.candidate.method is Method.LABEL:
        return
    if rooms.candidate.value == bedrooms.candidate.value > 1:
        del kept["RoomsTotal"]
