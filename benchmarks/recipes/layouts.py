"""The layouts of the generated pages: each writes the same facts in different markup."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from html import escape

from benchmarks.recipes import words
from benchmarks.recipes.homes import Fact, Home, Style


class Marks:
    """The CSS classes of a version of a site. If `hashed`, many elements also have a random class."""

    def __init__(self, prefix: str, rng: random.Random, *, hashed: bool) -> None:
        self._prefix, self._rng, self._hashed = prefix, rng, hashed

    def __call__(self, name: str) -> str:
        hashed = f" css-{self._rng.getrandbits(32):08x}" if self._hashed and self._rng.random() < 0.6 else ""
        return f'class="{self._prefix}{name}{hashed}"'


Rows = Sequence[tuple[str, str, str]]  # field, label, and text (a dash if the page has no value)
Layout = Callable[[Rows, Marks], str]


def _table(rows: Rows, mark: Marks) -> str:
    lines = (f"<tr><th>{label}</th><td {mark('value')}>{text}</td></tr>" for _, label, text in rows)
    return f"<table {mark('facts')}><tbody>{''.join(lines)}</tbody></table>"


def _two_columns(rows: Rows, mark: Marks) -> str:
    cells = [f"<td {mark('label')}>{label}</td><td {mark('value')}>{text}</td>" for _, label, text in rows]
    lines = (f"<tr>{''.join(cells[at : at + 2])}</tr>" for at in range(0, len(cells), 2))
    return f"<table {mark('details')}>{''.join(lines)}</table>"


def _terms(rows: Rows, mark: Marks) -> str:
    return f"<dl {mark('facts')}>{''.join(f'<dt>{label}</dt><dd>{text}</dd>' for _, label, text in rows)}</dl>"


def _colons(rows: Rows, mark: Marks) -> str:
    return "".join(f"<p {mark('fact')}><strong>{label}:</strong> {text}</p>" for _, label, text in rows)


def _items(rows: Rows, mark: Marks) -> str:
    return f"<ul {mark('facts')}>{''.join(f'<li>{label}: {text}</li>' for _, label, text in rows)}</ul>"


def _label_above(rows: Rows, mark: Marks) -> str:
    return "".join(
        f"<div {mark('stat')}><div {mark('stat-label')}>{label}</div><div {mark('stat-value')}>{text}</div></div>"
        for _, label, text in rows
    )


def _value_above(rows: Rows, mark: Marks) -> str:
    return "".join(
        f"<div {mark('tile')}><b {mark('tile-figure')}>{text}</b><small {mark('tile-name')}>{label}</small></div>"
        for _, label, text in rows
    )


def _icons(rows: Rows, mark: Marks) -> str:
    return "".join(
        f'<span {mark("icon-fact")} data-fact="{words.STATE_KEYS[name]}" data-value="{text}">'
        f'<i {mark("icon")} aria-hidden="true"></i><span>{text}</span> <span>{label}</span></span>'
        for name, label, text in rows
    )


def _microdata(rows: Rows, mark: Marks) -> str:
    parts = (
        f"<li><span {mark('name')}>{label}</span> <span{_itemprop(name)} {mark('value')}>{text}</span></li>"
        for name, label, text in rows
    )
    return f'<div itemscope itemtype="https://schema.org/Residence"><ul>{"".join(parts)}</ul></div>'


def _itemprop(name: str) -> str:
    return f' itemprop="{words.ITEMPROPS[name]}"' if name in words.ITEMPROPS else ""


def _grid(rows: Rows, mark: Marks) -> str:
    lines = (
        f"<div {mark('row')}><span {mark('cell-label')}>{label}</span><span {mark('cell-value')}>{text}</span></div>"
        for _, label, text in rows
    )
    return f"<section {mark('grid')}>{''.join(lines)}</section>"


def _prose(rows: Rows, _mark: Marks) -> str:
    parts = [
        f"{text} {label.lower()}" if name in _COUNTED else f"{label.lower()} {text}"
        for name, label, text in rows
        if text != "—"
    ]
    sentences = (", ".join(parts[at : at + 3]) for at in range(0, len(parts), 3))
    return "".join(f"<p>This property has {one}.</p>" for one in sentences)


_COUNTED = frozenset({"BedroomsTotal", "BathroomsTotalInteger", "StoriesTotal", "ParkingTotal"})
VISIBLE: Mapping[str, Layout] = {
    "table": _table,
    "two columns": _two_columns,
    "definition list": _terms,
    "label: value": _colons,
    "list items": _items,
    "label above value": _label_above,
    "value above label": _value_above,
    "icons with data attributes": _icons,
    "microdata": _microdata,
    "grid of divs": _grid,
    "prose": _prose,
}
#: Pages with these layouts show a few facts (`SHOWN`), and have the others only in a script.
IN_SCRIPTS = ("embedded state", "JSON-LD")
SHOWN = frozenset({"ListPrice", "ClosePrice", "BedroomsTotal", "BathroomsTotalInteger", "LivingArea", "ParcelNumber"})


def facts_section(layout: str, home: Home, order: Sequence[str], style: Style, mark: Marks) -> str:
    hidden = layout in IN_SCRIPTS
    rows = list[tuple[str, str, str]]()
    for name in order:
        fact = home.shown(name)
        if (fact is not None or name in home.dashes) and not (hidden and name not in SHOWN):
            label = escape(style.labels[name])
            rows.append((name, label, escape(fact.text) if fact else "—"))
    return VISIBLE["label above value" if hidden else layout](rows, mark)


def script(layout: str, home: Home, url: str) -> str:
    """Return the script with the facts if `layout` is in `IN_SCRIPTS`, else ""."""
    if layout == "embedded state":
        similar = [{one.key or "address": one.value for one in card} for card in home.similar]
        listing = {one.key: one.raw for one in home.facts} | {"location": _place(home.address)}
        state = {"props": {"pageProps": {"listing": listing, "recommendations": similar}}, "page": "/[slug]"}
        return f'<script id="__NEXT_DATA__" type="application/json">{_dumped(state)}</script>'
    if layout == "JSON-LD":
        data: dict[str, object] = {
            "@context": "https://schema.org",
            "@type": "Residence",
            "url": url,
            "address": {"@type": "PostalAddress"} | _place(home.address),
            "additionalProperty": [
                {"@type": "PropertyValue", "name": one.label, "value": one.text} for one in home.facts
            ],
        }
        return f'<script type="application/ld+json">{_dumped(data)}</script>'
    return ""


def _place(address: Sequence[Fact]) -> dict[str, object]:
    keys = {
        "UnparsedAddress": "streetAddress",
        "City": "addressLocality",
        "StateOrProvince": "addressRegion",
        "PostalCode": "postalCode",
    }
    return {keys[one.field]: one.value for one in address}


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace("</", "<\\/")


def layer(shape: str, home: Home, number: int) -> str:
    """Return a county's JSON body: an ArcGIS layer (`attributes`), or members with captions (`captions`)."""
    facts = {one.key: one.raw for one in (*home.address, *home.facts)}
    mail = {one.field: one.value for one in home.office}
    if shape == "attributes":
        owner = {
            "OWN_NAME": "MERRIWEATHER TAMSIN",
            "OWN_ADDR1": mail["UnparsedAddress"],
            "OWN_CITY": mail["City"],
            "OWN_ZIP": mail["PostalCode"],
        }
        attributes = {"OBJECTID": number, **facts, **owner}
        fields = [{"name": key, "type": "esriFieldTypeString", "alias": key} for key in attributes]
        body: object = {
            "displayFieldName": "OBJECTID",
            "geometryType": "esriGeometryPoint",
            "fields": fields,
            "features": [{"attributes": attributes}],
        }
    else:
        members = [{"caption": key, "value": raw, "order": at} for at, (key, raw) in enumerate(facts.items())]
        tax = [{"rollYear": row[0].value, "amounts": [one.value for one in row[1:]]} for row in home.years if row]
        body = {"parcel": {"objectId": number, "facts": members, "history": tax, "mailTo": mail}}
    return json.dumps(body, ensure_ascii=False)
