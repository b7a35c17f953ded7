"""Properties as tables: one in detail, or many in one line each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from app.printable import printable
from app.property.record import FIELDS
from cli.output import make_table

_BRIEF = ("UnparsedAddress", "City", "ListPrice", "X_Currency", "BedroomsTotal", "LivingArea")


def property_tables(shown: Mapping[str, Any]) -> Iterator[Table | Text]:
    """A property as `PropertyStore.get` gives it: values with their evidence, sources, conflicts."""
    yield record_table(f"Property {shown['property']}", shown["record"], shown["evidence"])
    rows = [(s["url"], s["kind"], s["fetched_at"], len(s["wanted_model"])) for s in shown["sources"]]
    yield make_table("Sources", ("page", "kind", "fetched", "fields left for the model"), rows)
    for note in dict.fromkeys(s["model_note"] for s in shown["sources"] if s["model_note"]):
        yield Text(printable(f"Model: {note}"))
    if shown["conflicts"]:
        conflicts = [(c["field"], c["chosen"], [e["value"] for e in c["evidence"]]) for c in shown["conflicts"]]
        yield make_table("Conflicts", ("field", "chosen", "all values"), conflicts)


def record_table(title: str, record: Mapping[str, Any], evidence: Mapping[str, Any]) -> Table:
    """Values in the order of the data dictionary, each with how and where it was read."""
    rows = [
        (name, record[name], evidence[name]["method"], f"{evidence[name]['confidence']:.2f}", evidence[name]["quote"])
        for name in FIELDS
        if name in record
    ]
    return make_table(title, ("field", "value", "read from", "confidence", "quote"), rows)


def property_list(properties: Iterable[Mapping[str, Any]]) -> Table:
    """One line per property."""
    rows = [(p["property"], *(p["record"].get(name) for name in _BRIEF)) for p in properties]
    return make_table(None, ("property", *_BRIEF), rows)
