"""Tables of properties: a list, a summary or all values of one property, and why its values were chosen."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from app.plurals import counted
from app.printable import printable
from app.property.address import Address
from app.property.fields.table import FIELDS
from app.property.merging.doubt import others
from app.property.presenting.attempts import result_of
from app.property.presenting.brief import WIDTH, brief
from app.property.presenting.groups import GROUPS, group_of
from app.property.presenting.missing import model_work
from app.property.presenting.sources import KINDS, source_name, with_source_names
from app.property.presenting.words import HEADINGS, in_list, in_words
from app.services.scraping.sources import source_namer
from app.settings import Settings
from cli.output import cell, cut, empty_table, make_facts, make_table, moment, show, stdout_console

_NARROWEST = 40
#: Maximum number of characters of a cell in the table of explained values, so that each value fits on one line.
_LINE_CHARS = 24
Shown = Mapping[str, Any]


def show_properties(found: Sequence[Shown], now: datetime, settings: Settings, *, as_list: bool) -> None:
    """Print a summary of each property with its conflicts, or JSON. `found` are results of `PropertyStore.get`.

    The JSON is a list if `as_list` is true, else the only property.
    """
    show(list(found) if as_list else found[0], lambda: _briefs(found, now, settings))


def _briefs(found: Sequence[Shown], now: datetime, settings: Settings) -> Iterator[Table | Text]:
    fresh_days, min_confidence = settings.jobs.property_fresh_days, settings.exports.min_confidence
    width, name_of = max(_NARROWEST, min(WIDTH, stdout_console().width)), source_namer(settings)
    for place, shown in enumerate(with_source_names(one, name_of) for one in found):
        text = brief(shown, now, fresh_days, width, min_confidence)
        yield Text(text if place == 0 else f"\n{'-' * 20}\n\n{text}", no_wrap=True, overflow="ignore")
        if any(others(shown, conflict["field"]) for conflict in shown["conflicts"]):
            yield conflict_table([shown])
            yield Text("")
        yield Text(f"All {counted(len(shown['record']), 'value')}: propintel properties show {shown['property']} --all")


def property_list(found: Sequence[Shown], ids: Mapping[str, str] | None = None) -> Table:
    """Return a table with one line for each property. If `ids` is given, a column shows these short ids."""
    table = empty_table("Properties", expand=True)
    if ids is not None:
        table.add_column("property", no_wrap=True)
    table.add_column("address", overflow="ellipsis", no_wrap=True, ratio=1)
    shown = {name: heading for name, heading in HEADINGS.items() if FIELDS[name].kind != "choice"}
    for heading in (*shown.values(), "fields", "by model"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in found:
        record = one["record"]
        by_model = sum(1 for evidence in one["evidence"].values() if evidence.get("method") == "llm")
        table.add_row(
            *([ids[one["property"]]] if ids is not None else []),
            cell(Address.of(record).line or "-"),
            *(in_list(name, record) or "-" for name in shown),
            str(len(record)),
            str(by_model),
        )
    return table


def conflict_table(found: Sequence[Shown], ids: Mapping[str, str] | None = None) -> Table:
    """Return a table of the values that sources disagree about."""
    rows = []
    for shown in found:
        for conflict in shown["conflicts"]:
            name = conflict["field"]
            for other in others(shown, name):
                source = source_name(shown, other.proof["source_url"])
                instead = f"{_in_words(name, other.proof, shown)} ({source})"
                row = (_label(name), _in_words(name, shown["evidence"].get(name), shown), instead, other.reason)
                rows.append(row if ids is None else (ids[shown["property"]], *row))
    columns = ("field", "chosen", "another source", "not chosen because")
    return make_table("Disagreements", columns if ids is None else ("property", *columns), rows)


def all_values(shown: Shown) -> Iterator[Table | Text]:
    """Yield tables of a property's values by group, its sources, conflicts, unverified claims, and tried sources."""
    groups: dict[str, list[tuple[Any, ...]]] = {}
    for name, spec in FIELDS.items():
        if name in shown["record"]:
            proof = shown["evidence"][name]
            source = source_name(shown, proof["source_url"])
            row = (spec.label, _in_words(name, proof, shown), source, proof["method"], f"{proof['confidence']:.2f}")
            groups.setdefault(group_of(name), []).append(row)
    for group in GROUPS.values():
        if group in groups:
            yield make_table(group, ("field", "value", "source", "read from", "confidence"), groups[group])
    sources = [
        (
            KINDS.get(one.get("source_kind") or "", "page"),
            source_name(shown, one["url"]),
            moment(one["checked_at"] or one["fetched_at"]),
            one["url"],
        )
        for one in shown["sources"]
    ]
    yield make_table("Sources", ("kind", "source", "read (UTC)", "page"), sources)
    for work in dict.fromkeys(model_work(shown, source) for source in shown["sources"]):
        yield Text(printable(f"Model: {work}"))
    if shown["conflicts"]:
        yield conflict_table([shown])
    if shown.get("unverified"):
        claims = [(_label(one["field"]), one["value"], one["reported_by"], one["url"]) for one in shown["unverified"]]
        yield make_table("Unverified claims, used in no value", ("field", "value", "claimed by", "page"), claims)
    if shown.get("tried"):
        yield tried_table(shown["tried"])


def tried_table(tried: Sequence[Mapping[str, Any]]) -> Table:
    """Return a table with the outcome of each source of an address. Items of `tried` are `JobAttempt.as_json()`."""
    rows = [
        (one["source"], KINDS.get(one["kind"] or "", ""), result_of(one).short, one["detail"], one["url"])
        for one in tried
    ]
    return make_table("Sources tried", ("source", "kind", "result", "detail", "page"), rows)


def explained_property(shown: Shown, explained: Mapping[str, Any]) -> Iterator[Table]:
    """Yield a table of why each source belongs to the property, and a table with one line for each value."""
    sources = [
        (source_name(shown, one["url"]), why["key"], why["why"], _compared(why["compared"]))
        for one in explained["sources"]
        for why in [one["belongs"]]
    ]
    yield make_table("Why each source belongs", ("source", "by", "because", "compared"), sources)
    rows = []
    for value in explained["values"]:
        values, name = value["source_values"], value["field"]
        source = source_name(shown, values[0]["url"]) if values else "computed"
        agree = f"{sum(one['verdict'] != 'conflict' for one in values)} of {len(values)}" if values else ""
        words = in_words(name, value["value"], shown["record"]).replace("\n", "; ")
        rows.append((*(cut(text, _LINE_CHARS) for text in (_label(name), words, source)), agree))
    yield make_table("Values (add field names for details)", ("field", "value", "source", "agree"), rows)


def explained_fields(shown: Shown, explained: Mapping[str, Any]) -> Iterator[Table]:
    """Yield, for each explained field, a table with the value's evidence and a table with all sources' values."""
    for value in explained["values"]:
        name = value["field"]
        proof = shown["evidence"][name]
        facts = [
            ("value", _in_words(name, proof, shown)),
            ("because", value["why"]),
            ("confidence", f"{proof['confidence']:.2f}"),
            ("read from", f"{proof['method']}, {proof['locator']}"),
            ("quote", proof["quote"]),
            ("page", proof["source_url"]),
            ("age", counted(round(value["age_days"], 1), "day")),
        ]
        yield make_facts(f"{_label(name)} ({name})", facts)
        rows = [
            (
                in_words(name, one["value"], shown["record"]),
                source_name(shown, one["url"]),
                one["verdict"],
                one["reason"],
                f"{one['weight']['confidence']:.2f}",
                f"{one['votes']:.2f}",
            )
            for one in value["source_values"]
        ]
        if rows:
            yield make_table(None, ("candidate", "source", "verdict", "because", "confidence", "votes"), rows)


def record_table(title: str, record: Mapping[str, Any], evidence: Mapping[str, Any]) -> Table:
    """Return a table of values in the order of `FIELDS`, each with its method, confidence, and quote."""
    rows = [
        (name, record[name], evidence[name]["method"], f"{evidence[name]['confidence']:.2f}", evidence[name]["quote"])
        for name in FIELDS
        if name in record
    ]
    return make_table(title, ("field", "value", "read from", "confidence", "quote"), rows)


def _label(name: str) -> str:
    return FIELDS[name].label


def _in_words(name: str, proof: Mapping[str, Any] | None, shown: Shown) -> str:
    return in_words(name, proof["value"], shown["record"], proof.get("unit")) if proof else ""


def _compared(facts: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    for fact in facts:
        both = "" if fact["result"] == "same" else f" ({fact['one']} / {fact['other']})"
        parts.append(f"{fact['what']} {fact['result']}{both}")
    return "; ".join(parts)
