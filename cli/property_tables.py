"""Properties as tables: one in detail with its sources side by side, or many in one line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import batched
from typing import Any
from urllib.parse import urlsplit

from rich.table import Table
from rich.text import Text

from app.printable import printable
from app.property.merging.doubt import others
from app.property.record import FIELDS
from app.property.storage.properties.tables import SourceRow
from cli.output import cell, make_table

#: sources in one table: more would be columns of a letter each
_MOST_COLUMNS = 4


def property_tables(shown: Mapping[str, Any], said: Sequence[SourceRow] = ()) -> Iterator[Table | Text]:
    """A property as `PropertyStore.get` gives it: values with their evidence, sources, what each of these says
    (`said`), what is in conflict and why, and apart from all that what nobody could verify."""
    yield record_table(f"Property {shown['property']}", shown["record"], shown["evidence"])
    rows = [
        (place, s["url"], s.get("source_kind"), s["kind"], s["fetched_at"], len(s["wanted_model"]))
        for place, s in enumerate(shown["sources"], start=1)
    ]
    yield make_table("Sources", ("no.", "page", "whose", "kind", "fetched", "fields left for the model"), rows)
    for note in dict.fromkeys(s["model_note"] for s in shown["sources"] if s["model_note"]):
        yield Text(printable(f"Model: {note}"))
    yield from _side_by_side(shown, said)
    if shown["conflicts"]:
        conflicts = [
            (conflict["field"], conflict["chosen"], other.proof["value"], other.proof["source_url"], other.reason)
            for conflict in shown["conflicts"]
            for other in others(shown, conflict["field"])
        ]
        yield make_table("Conflicts", ("field", "chosen", "another says", "page", "not believed, because"), conflicts)
    if shown.get("unverified"):
        heard = [(h["field"], h["value"], h["said_by"], h["url"], h["seen_at"]) for h in shown["unverified"]]
        title = "Not verified: said of pages that could not be read, in no value above"
        yield make_table(title, ("field", "value", "said by", "page", "on"), heard)
    if shown.get("tried"):
        yield tried_table(shown["tried"])


def tried_table(tried: Sequence[Mapping[str, Any]]) -> Table:
    """What came of each source of an address (`JobAttempt.as_json`): of those that were not used, why."""
    rows = [(one["source"], one["kind"], one["outcome"], one["detail"], one["url"]) for one in tried]
    return make_table("Sources tried", ("source", "kind", "outcome", "detail", "page"), rows)


def _side_by_side(shown: Mapping[str, Any], said: Sequence[SourceRow]) -> Iterator[Table]:
    """Field by source, for fields that two or more speak of; `*` marks the value that was chosen, `!` a conflict."""
    spoken = [name for name in FIELDS if sum(name in one.record for one in said) > 1]
    if not spoken:
        return
    doubtful = {conflict["field"] for conflict in shown["conflicts"]}
    for columns in batched(enumerate(said, start=1), _MOST_COLUMNS):
        names = [f"{place}. {urlsplit(one.url).netloc}" for place, one in columns]
        title = "What each source says (* chosen, ! they disagree)"
        table = make_table(title, ("field", *names), ())
        for name in spoken:
            mark = Text(f"{name} !", style="bold") if name in doubtful else Text(name)
            table.add_row(mark, *(_said(name, one, shown) for _, one in columns))
        yield table


def _said(name: str, one: SourceRow, shown: Mapping[str, Any]) -> Text:
    if name not in one.record:
        return Text("-")
    text = cell(one.record[name])
    proof = shown["evidence"].get(name)
    mine = one.evidence[name]
    if proof and all(proof[part] == mine[part] for part in ("source_url", "content_sha256", "locator")):
        text = Text("* ", style="bold").append_text(text)
    return text


def record_table(title: str, record: Mapping[str, Any], evidence: Mapping[str, Any]) -> Table:
    """Values in the order of the data dictionary, each with how and where it was read."""
    rows = [
        (name, record[name], evidence[name]["method"], f"{evidence[name]['confidence']:.2f}", evidence[name]["quote"])
        for name in FIELDS
        if name in record
    ]
    return make_table(title, ("field", "value", "read from", "confidence", "quote"), rows)
