"""Property pages: what is known of a property, and where each value was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from textwrap import shorten
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from app.property.address import Address
from app.property.derived import MAP_LINK
from app.property.doubt import Other, as_of, others
from app.property.fields.table import AXES, CURRENCY, FIELDS, of_kind
from app.property.identity import point_of
from app.property.short import HEADINGS, in_short
from app.property.storage.properties.rebuild import STATUS
from app.property.storage.properties.tables import SourceRow
from app.property.storage.properties.views import PropertyFilter
from app.property.storage.watches.changes import ChangeStore
from app.property.storage.watches.models import Change
from web.auth import READING, allow
from web.context import ContextOf
from web.pages.dated_prices import dated_prices
from web.pages.locator import Locator, Seen, locator
from web.pages.price_chart import price_chart
from web.pages.rendering import address, page
from web.pages.route import SignedInRoute
from web.pages.side_by_side import side_by_side, source_names
from web.pages.words import in_words
from web.parameters import Id, PropertiesCursor

router = APIRouter(route_class=SignedInRoute)
_ROWS = 50
#: changes of a property that its page shows, and the characters of a quote among them
_CHANGES, _QUOTE_CHARS = 20, 200
#: a button's name is read out at a stretch: a longer value is text of its own
_LONGEST_NAME_CHARS = 300
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
    """A field as the page has it: `proof` is its evidence, `as_of` when a source was last known to say it, `others`
    what other pages say instead."""

    name: str
    meaning: str
    value: str
    proof: Mapping[str, Any]
    as_of: datetime
    others: list[Other]

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
            {
                **item,
                "headline": headline(item["record"]),
                "shown": [(HEADINGS[name], in_short(name, item["record"]), _is_figure(name)) for name in HEADINGS],
                "changed": _moment(item["updated_at"]),
            }
            for item in shown.items
        ],
        next_page=address("/properties", **chosen, cursor=shown.next_cursor) if shown.next_cursor else "",
        q=q,
        status=status,
        conflicts=conflicts,
        columns=HEADINGS,
        statuses=FIELDS[STATUS].values,
    )


@router.get("/properties/{property_id}", dependencies=[allow(*READING)])
def show_property(request: Request, property_id: Id, context: ContextOf) -> Response:
    found = context.stores.properties.get(property_id)
    said = context.stores.properties.sources(found["property"])
    names = source_names(found)
    prices = dated_prices(said)
    told = ChangeStore(context.stores.database).of(found["property"], limit=_CHANGES + 1)
    number_of = {source["url"]: number for number, source in enumerate(found["sources"], start=1)}
    return page(
        request,
        "property.html",
        property=found,
        headline=headline(found["record"]),
        groups=_grouped(found),
        names=names,
        rows=side_by_side(found, said) if len(said) == len(names) else [],
        prices=prices,
        chart=price_chart(prices),
        number_of=number_of,
        changes=[_change(one) for one in told[:_CHANGES]],
        more_changes=len(told) > _CHANGES,
        currency=found["record"].get(CURRENCY),
        point=point_of(found["record"]),
        map_link=found["record"].get(MAP_LINK) or "",
        drawing=_drawing(found, said),
        unverified=[{**one, "words": in_words(one["value"]), "seen": _moment(one["seen_at"])} for one in _heard(found)],
        sources=[
            {
                **source,
                "fetched": _moment(source["fetched_at"]),
                "checked": _moment(source["checked_at"]) if source["checked_at"] else None,
            }
            for source in found["sources"]
        ],
        created=_moment(found["created_at"]),
        updated=_moment(found["updated_at"]),
    )


def headline(record: Mapping[str, Any]) -> str:
    """What people call the property: its address, else what it is listed as."""
    ids = (str(record[name]) for name in of_kind("identifier") if record.get(name))
    return Address.of(record).line or next(ids, "without an address")


def _is_figure(name: str) -> bool:
    return FIELDS[name].type != "text"


def _grouped(found: Mapping[str, Any]) -> list[tuple[str, list[Shown]]]:
    """The fields that have a value, in the order of the data dictionary, by the groups that have one."""
    record, evidence = found["record"], found["evidence"]
    groups: dict[str, list[Shown]] = {group: [] for group in _GROUPS}
    for name, spec in FIELDS.items():
        if name in record:
            value, proof = in_words(record[name]), evidence[name]
            groups[spec.group].append(Shown(name, spec.meaning, value, proof, as_of(found, proof), others(found, name)))
    return [(_GROUPS[group], shown) for group, shown in groups.items() if shown]


def _change(change: Change) -> dict[str, Any]:
    """A change as the page has it; long quotes are cut, the change itself has them whole."""
    sides = {
        name: {**proof, "quote": shorten(proof["quote"], _QUOTE_CHARS, placeholder=" …")} if proof else None
        for name, proof in (("old_evidence", change.old_evidence), ("new_evidence", change.new_evidence))
    }
    words = {"was": in_words(change.old), "is": in_words(change.new)}
    return {"told_at": change.published_at, "field": change.field, "why": change.why, **words, **sides}


def _heard(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list(found.get("unverified") or ())


def _drawing(found: Mapping[str, Any], said: Sequence[SourceRow]) -> Locator | None:
    """Where the sources see the property, if there are two that do."""
    latitude, _ = AXES
    seen = [
        Seen(number, *point, one.evidence[latitude] == found["evidence"].get(latitude))
        for number, one in enumerate(said, start=1)
        if (point := point_of(one.record))
    ]
    return locator(seen) if len(seen) > 1 else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
