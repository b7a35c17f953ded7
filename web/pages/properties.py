"""Property pages: what is known of a property, and where each value was read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from app.property.record import FIELDS
from app.property.store import PropertyFilter
from web.auth import READING, allow
from web.context import Context, context_of
from web.pages.rendering import address, page
from web.pages.route import SignedInRoute
from web.parameters import Id, PropertiesCursor

router = APIRouter(route_class=SignedInRoute)
ContextOf = Annotated[Context, Depends(context_of)]
_ROWS = 50
#: a button's name is read out at a stretch: a longer value is text of its own
_LONGEST_NAME_CHARS = 300
#: RESO's StandardStatus, as the extractors give it
_STATUSES = ("Active", "Coming Soon", "Pending", "Closed", "Withdrawn", "Expired")
_GROUPS = {
    "listing": "Listing",
    "address": "Address",
    "facts": "Facts",
    "tax": "Tax and sales",
    "text": "Text",
    "ours": "More",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A field as the page has it: `proof` is its evidence, `others` what other pages say instead."""

    name: str
    meaning: str
    value: str
    proof: Mapping[str, Any]
    others: list[Mapping[str, Any]]

    @property
    def is_long(self) -> bool:
        return len(self.value) > _LONGEST_NAME_CHARS


@router.get("/properties", dependencies=[allow(*READING)])
def list_properties(
    *,
    request: Request,
    context: ContextOf,
    q: Annotated[str, Query(max_length=200)] = "",
    status: Annotated[str, Query(max_length=32)] = "",
    conflicts: bool = False,
    cursor: PropertiesCursor = None,
) -> Response:
    """What changed last comes first."""
    chosen = {"q": q, "status": status, "conflicts": "true" if conflicts else ""}
    shown = context.stores.properties.page(
        cursor, limit=_ROWS, newest_first=True, only=PropertyFilter(q.replace("\x00", ""), status or None, conflicts)
    )
    return page(
        request,
        "properties.html",
        properties=[
            {**item, "headline": headline(item["record"]), "changed": _moment(item["updated_at"])}
            for item in shown.items
        ],
        next_page=address("/properties", **chosen, cursor=shown.next_cursor) if shown.next_cursor else "",
        q=q,
        status=status,
        conflicts=conflicts,
        statuses=_STATUSES,
    )


@router.get("/properties/{property_id}", dependencies=[allow(*READING)])
def show_property(request: Request, property_id: Id, context: ContextOf) -> Response:
    found = context.stores.properties.get(property_id)
    return page(
        request,
        "property.html",
        property=found,
        headline=headline(found["record"]),
        groups=list(_grouped(found)),
        sources=[{**source, "fetched": _moment(source["fetched_at"])} for source in found["sources"]],
        created=_moment(found["created_at"]),
        updated=_moment(found["updated_at"]),
    )


def headline(record: Mapping[str, Any]) -> str:
    """What people call the property: its address, else what it is listed as."""
    street = record.get("UnparsedAddress") or " ".join(
        str(record[name]) for name in ("StreetNumber", "StreetName") if record.get(name)
    )
    place = " ".join(str(record[name]) for name in ("StateOrProvince", "PostalCode") if record.get(name))
    parts = [part for part in (street, record.get("City"), place) if part]
    return ", ".join(parts) or str(record.get("ListingId") or record.get("ParcelNumber") or "without an address")


def _grouped(found: Mapping[str, Any]) -> list[tuple[str, list[Shown]]]:
    """The fields that have a value, in the order of the data dictionary, by the groups that have one."""
    record, evidence = found["record"], found["evidence"]
    others = {conflict["field"]: conflict["evidence"][1:] for conflict in found["conflicts"]}
    groups: dict[str, list[Shown]] = {group: [] for group in _GROUPS}
    for name, spec in FIELDS.items():
        if name in record:
            value = in_words(record[name])
            groups[spec.group].append(Shown(name, spec.meaning, value, evidence[name], others.get(name, [])))
    return [(_GROUPS[group], shown) for group, shown in groups.items() if shown]


def in_words(value: Any) -> str:
    """A value as people read it: yes and no, thousands apart, lists with commas, rows a line each."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}" if abs(value) >= 10_000 else f"{value}"
    if isinstance(value, list):
        if all(isinstance(item, dict) for item in value):
            return "\n".join(", ".join(f"{name} {in_words(part)}" for name, part in item.items()) for item in value)
        return ", ".join(in_words(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
