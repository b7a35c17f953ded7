"""`propintel extract`: what can be read from a saved page without a model, and what a model would be asked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from app.clock import SystemClock
from app.printable import printable
from app.property.extract.base import Candidate, Extraction
from app.property.extract.pipeline import extract as extract_page
from app.property.extract.prompt import Prompt, build_prompt
from app.property.fetch import page_from_file
from app.property.record import FIELDS
from app.property.store import normalise_target
from cli.output import Format, FormatOption, make_table, note, print_json, show, wants_json
from cli.property_tables import record_table

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXAMPLES = """\b
Examples:
  propintel extract page.html --url https://www.example.com/homes/123
  propintel extract page.html --url URL --explain        every candidate, and why it won or lost
  propintel extract page.html --url URL --show-prompt    what a model would be sent, to the letter
"""


@app.command(epilog=_EXAMPLES)
def extract(
    *,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="A saved page.")
    ],
    url: Annotated[str, typer.Option("--url", help="The address that the page was saved from.")],
    lang: Annotated[
        str | None, typer.Option("--lang", help="ISO 639-1 code of its language, if the page does not say it right.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Also every candidate and why it won or lost.")] = False,
    show_prompt: Annotated[
        bool, typer.Option("--show-prompt", help="Only what a model would be sent for this page, schema included.")
    ] = False,
    format_: FormatOption = None,
) -> None:
    """Read a saved page: deterministic, without network, key or database.

    JSON: `{"kind", "record", "evidence", "missing"}`; with --explain also "reason", "wanted", "notes" and "candidates".
    """
    address = normalise_target(url)
    page = page_from_file(file, address, SystemClock().now())
    language = _checked_language(lang)
    extraction = extract_page(page, lang=language)
    if show_prompt:
        _show_prompt(build_prompt(extraction, lang=language), format_)
        return
    data = _as_json(extraction, explain=explain)
    show(data, format_, lambda: _tables(extraction, data))


def _checked_language(lang: str | None) -> str | None:
    if lang is None or (len(lang) == 2 and lang.isascii() and lang.isalpha()):
        return lang.lower() if lang else None
    raise typer.BadParameter(f"{lang!r} is not a two-letter code such as en, de or fr", param_hint="--lang")


def _show_prompt(prompt: Prompt, format_: Format | None) -> None:
    if not prompt.fields:
        note("Nothing would be sent: the page says nothing about what is missing, or nothing is.")
    if wants_json(format_):
        names = ("fields", "messages", "schema", "max_completion_tokens", "prompt_tokens")
        print_json({name: getattr(prompt, name) for name in names})
        return
    for message in prompt.messages:
        typer.echo(f"--- {message['role']}\n{_readable(str(message['content']))}\n")
    typer.echo(f"--- schema\n{json.dumps(prompt.schema, ensure_ascii=False, indent=2)}")


def _readable(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


def _as_json(extraction: Extraction, *, explain: bool) -> dict[str, Any]:
    record = extraction.record
    data: dict[str, Any] = {
        "kind": str(extraction.kind),
        "record": record.values,
        "evidence": {name: evidence.model_dump(mode="json") for name, evidence in record.evidence.items()},
        "missing": list(record.missing()),
    }
    if explain:
        data |= {
            "reason": extraction.reason,
            "wanted": list(extraction.wanted),
            "notes": list(extraction.notes),
            "candidates": _explained(extraction),
        }
    return data


def _explained(extraction: Extraction) -> list[dict[str, Any]]:
    """Every candidate in the order of the fields, best first, each with its fate."""
    order = {name: place for place, name in enumerate(FIELDS)}
    ranked = sorted(extraction.candidates, key=lambda c: (order.get(c.field, len(order)), -c.confidence))
    return [
        {
            "field": candidate.field,
            "value": candidate.value,
            "unit": candidate.unit,
            "method": str(candidate.method),
            "confidence": candidate.confidence,
            "locator": candidate.locator,
            "quote": candidate.quote,
            "fate": fate(candidate, extraction),
        }
        for candidate in ranked
    ]


def fate(candidate: Candidate, extraction: Extraction) -> str:
    """What became of a candidate, and why, in words."""
    winner = extraction.record.evidence.get(candidate.field)
    if winner is None:
        no_property = not extraction.record.values
        return f"unused: the page is {extraction.kind}" if no_property else "rejected by the checks across fields"
    if (candidate.method, candidate.locator, candidate.value) == (winner.method, winner.locator, winner.value):
        doubt = ", but it is doubtful and a model would be asked" if candidate.field in extraction.doubtful else ""
        return f"won with confidence {winner.confidence:.2f}{doubt}"
    if candidate.value == winner.value:
        return f"agrees with the winner ({winner.method})"
    return f"lost to {winner.method} with confidence {winner.confidence:.2f}"


def _tables(extraction: Extraction, data: Mapping[str, Any]) -> Iterator[Table | Text]:
    title = f"{extraction.page.url}: {extraction.kind} ({extraction.reason})"
    yield record_table(printable(title), data["record"], data["evidence"])
    if data["missing"]:
        yield Text(f"Missing: {', '.join(data['missing'])}")
    if "candidates" in data:
        columns = ("field", "value", "method", "confidence", "fate", "quote")
        rows = [tuple(candidate[name] for name in columns) for candidate in data["candidates"]]
        yield make_table("Candidates", columns, rows)
