"""The property pages: a list, and for each property its summary, values, evidence, conflicts, prices, and sources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from textwrap import shorten
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BeforeValidator

from app.clock import SystemClock
from app.plurals import counted
from app.property.fields.table import AXES, FIELDS
from app.property.merging.derived import MAP_LINK
from app.property.merging.doubt import Other, as_of, others
from app.property.merging.identity import point_of
from app.property.presenting.brief import brief_entries
from app.property.presenting.groups import GROUPS, TECHNICAL, group_of
from app.property.presenting.missing import model_work
from app.property.presenting.sources import source_name, with_source_names
from app.property.presenting.summary import facts_of, headline
from app.property.presenting.words import HEADINGS, day, in_list, in_words, money
from app.property.storage.ids import PROPERTY
from app.property.storage.properties.rebuild import STATUS
from app.property.storage.properties.repository import PropertyFilter
from app.property.storage.properties.tables import SourceRow
from app.property.storage.watches.changes import ChangeStore
from app.property.storage.watches.models import Change
from app.services.reports.exports import ExportFormat
from app.services.scraping.sources import source_namer
from web.auth import READING, allow
from web.context import ContextOf
from web.exports import export_response
from web.pages.dated_prices import dated_prices
from web.pages.locator import Locator, Seen, locator
from web.pages.price_chart import price_chart
from web.pages.rendering import ROWS, page, page_addresses
from web.pages.route import SignedInRoute, full_id
from web.pages.side_by_side import opinions, side_by_side, source_names
from web.parameters import Id, PropertiesCursor, StatusFilter

router = APIRouter(route_class=SignedInRoute)
#: Maximum number of changes on a property's page, and of characters in a change's quote.
_CHANGES, _QUOTE_CHARS = 20, 200
#: The page collapses values that are longer than this or have several lines.
_LONGEST_CHARS = 120
#: The headings of the list's columns by field. A "#" at the start marks a column of numbers.
_COLUMNS = {
    name: ("" if FIELDS[name].type == "text" else "#") + heading.capitalize() for name, heading in HEADINGS.items()
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A field on the page, with its value as text. `proof` is the value's evidence.

    `as_of` is when a source was last known to state the value. `others` are the contradicting values of other sources,
    each with its text and the name of its source.
    """

    name: str
    label: str
    meaning: str
    value: str
    proof: Mapping[str, Any]
    source: str
    as_of: datetime
    others: list[tuple[Other, str, str]]

    @property
    def size(self) -> str:
        """The size of a collapsed value, such as "5 rows", or "" if the page shows the whole value."""
        lines = self.value.count("\n") + 1
        if lines > 1:
            return counted(lines, "row")
        return counted(len(self.value), "character") if len(self.value) > _LONGEST_CHARS else ""


@dataclass(frozen=True, slots=True)
class Group:
    heading: str
    is_open: bool
    fields: list[Shown]


@router.get("/properties", dependencies=[allow(*READING)])
def list_properties(
    *,
    request: Request,
    context: ContextOf,
    q: Annotated[str, Query(max_length=200)] = "",
    status: Annotated[StatusFilter, BeforeValidator(lambda text: text or None)] = None,
    conflicts: bool = False,
    cursor: PropertiesCursor = None,
) -> Response:
    """List properties, most recently changed first. `q`, `status`, and `conflicts` are optional filters."""
    shown = context.stores.properties.page(
        cursor, limit=ROWS, newest_first=True, only=_filter(q, status, conflicts=conflicts)
    )
    return page(
        request,
        "properties.html",
        properties=[
            {
                **item,
                "headline": headline(item["record"]),
                "shown": [(heading, in_list(name, item["record"])) for name, heading in _COLUMNS.items()],
                "changed": _moment(item["updated_at"]),
            }
            for item in shown.items
        ],
        q=q,
        status=status,
        conflicts=conflicts,
        columns=list(_COLUMNS.values()),
        statuses=FIELDS[STATUS].values,
        **page_addresses(
            "/properties", cursor, shown.next_cursor, q=q, status=status, conflicts="true" if conflicts else ""
        ),
    )


@router.get("/properties/export", dependencies=[allow(*READING)])
def export_properties(
    *,
    context: ContextOf,
    q: Annotated[str, Query(max_length=200)] = "",
    status: Annotated[StatusFilter, BeforeValidator(lambda text: text or None)] = None,
    conflicts: bool = False,
    format_: Annotated[ExportFormat, Query(alias="format")] = ExportFormat.CSV,
    columns: Annotated[str, Query(max_length=4096)] = "",
) -> Response:
    """Download the properties that the list shows with the same filters."""
    return export_response(context, format_, columns, only=_filter(q, status, conflicts=conflicts))


def _filter(q: str, status: StatusFilter, *, conflicts: bool) -> PropertyFilter:
    return PropertyFilter(q.replace("\x00", ""), status, conflicts)


@router.get("/properties/{property_id}", dependencies=[allow(*READING)])
def show_property(request: Request, property_id: Id, context: ContextOf) -> Response:
    stored = context.stores.properties.get(full_id(context, property_id, PROPERTY))
    found = with_source_names(stored, source_namer(context.settings))
    rows = context.stores.properties.sources(found["property"])
    record, now = found["record"], SystemClock().now()
    names = source_names(found)
    prices = dated_prices(rows)
    changes = ChangeStore(context.stores.database).newest(property_id=found["property"], limit=_CHANGES + 1)
    compared = side_by_side(found, rows) if len(rows) == len(names) else []
    return page(
        request,
        "property.html",
        property=found,
        headline=headline(record),
        summary=list(facts_of(record)),
        brief=brief_entries(
            found, now, context.settings.jobs.property_fresh_days, context.settings.exports.min_confidence
        ),
        groups=_groups(found),
        names=names,
        conflicts=[(row, opinions(row, names)) for row in compared if row.is_conflict],
        agreed=[row for row in compared if not row.is_conflict],
        prices=[(row, money(row.price, record), day(row.date_text)) for row in prices],
        chart=price_chart(prices),
        number_of={source["url"]: number for number, source in enumerate(found["sources"], start=1)},
        changes=[_change(one, found) for one in changes[:_CHANGES]],
        more_changes=len(changes) > _CHANGES,
        point=point_of(record),
        map_link=record.get(MAP_LINK) or "",
        drawing=_drawing(found, rows),
        unverified=[_claim(one, record) for one in found.get("unverified") or ()],
        sources=[
            {
                **source,
                "name": name.name,
                "model": model_work(found, source),
                "fetched": _moment(source["fetched_at"]),
                "checked": _moment(source["checked_at"]) if source["checked_at"] else None,
            }
            for source, name in zip(found["sources"], names, strict=True)
        ],
        created=_moment(found["created_at"]),
        updated=_moment(found["updated_at"]),
    )


def _groups(found: Mapping[str, Any]) -> list[Group]:
    groups: dict[str, list[Shown]] = {group: [] for group in GROUPS.values()}
    for name in FIELDS:
        if name in found["record"]:
            groups[group_of(name)].append(_shown(name, found))
    return [Group(group, group != TECHNICAL, fields) for group, fields in groups.items() if fields]


def _shown(name: str, found: Mapping[str, Any]) -> Shown:
    record, proof, spec = found["record"], found["evidence"][name], FIELDS[name]
    text = in_words(name, record[name], record, proof.get("unit"))
    contradicting = [
        (
            other,
            in_words(name, other.proof["value"], record, other.proof.get("unit")),
            source_name(found, other.proof["source_url"]),
        )
        for other in others(found, name)
    ]
    source = source_name(found, proof["source_url"])
    return Shown(name, spec.label, spec.meaning, text, proof, source, as_of(found, proof), contradicting)


def _change(change: Change, found: Mapping[str, Any]) -> dict[str, Any]:
    sides = {}
    for side, value, proof in (("was", change.old, change.old_evidence), ("is", change.new, change.new_evidence)):
        text = in_words(change.field, value, found["record"], proof.get("unit")) if proof else ""
        quote = shorten(proof["quote"], _QUOTE_CHARS, placeholder=" …") if proof else ""
        url = proof["source_url"] if proof else ""
        sides[side] = {"text": text, "quote": quote, "url": url, "source": source_name(found, url) if url else ""}
    label = FIELDS[change.field].label
    return {"at": change.published_at, "field": change.field, "label": label, "why": change.why, **sides}


def _claim(claim: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    name = claim["field"]
    shown = {"label": FIELDS[name].label, "words": in_words(name, claim["value"], record)}
    return {**claim, **shown, "seen": _moment(claim["seen_at"])}


def _drawing(found: Mapping[str, Any], records: Sequence[SourceRow]) -> Locator | None:
    latitude, _ = AXES
    seen = [
        Seen(number, *point, one.evidence[latitude] == found["evidence"].get(latitude))
        for number, one in enumerate(records, start=1)
        if (point := point_of(one.record))
    ]
    return locator(seen) if len(seen) > 1 else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
