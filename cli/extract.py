"""`propintel extract`: what can be read from a saved page without a model, and what a model would be asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from app.clock import SystemClock
from app.printable import printable
from app.property.fetch.decode.text import page_from_file
from app.property.reading.base import Extraction
from app.property.reading.budget import reading
from app.property.reading.model.claim_check import Dropped, check_claims
from app.property.reading.model.llm import read_answer
from app.property.reading.model.prompt import Prompt, build_prompt
from app.property.reading.pipeline import extract as extract_page
from app.property.reading.pipeline import with_model_values
from app.property.urls.targets import normalise_target
from app.settings import load_settings
from cli.explaining import explained, explanation, prompt_json, prompt_lines, scores
from cli.output import Format, FormatOption, note, print_json, show, wants_json
from cli.property_tables import record_table

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXAMPLES = """\b
Examples:
  propintel extract page.html --url https://www.example.com/homes/123
  propintel extract page.html --url URL --explain           every candidate, why it won or lost, each confidence
  propintel extract page.html --url URL --show-prompt       what a model would be sent, to the letter
  propintel extract page.html --url URL --answer reply.json --explain   what of a model's reply is believed
"""
_FILE = {"exists": True, "dir_okay": False, "readable": True}


@app.command(epilog=_EXAMPLES)
def extract(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A saved page.", **_FILE)],
    url: Annotated[str, typer.Option("--url", help="The address that the page was saved from.")],
    lang: Annotated[
        str | None, typer.Option("--lang", help="ISO 639-1 code of its language, if the page does not say it right.")
    ] = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Also every candidate, why it won or lost, and how each confidence came about."),
    ] = False,
    show_prompt: Annotated[
        bool, typer.Option("--show-prompt", help="What a model would be sent for this page, with its tokens.")
    ] = False,
    answer: Annotated[
        Path | None,
        typer.Option("--answer", help="A model's reply to it, as JSON: what the page bears out is used.", **_FILE),
    ] = None,
    format_: FormatOption = None,
) -> None:
    """Read a saved page: deterministic, without network, key or database.

    JSON: `{"kind", "record", "evidence", "missing"}`; with --explain also "reason", "wanted", "notes", "candidates"
    and "scores".
    With --show-prompt it is the prompt alone, or with --explain too, all of that and "prompt".
    """
    address = normalise_target(url)
    page = page_from_file(file, address, SystemClock().now())
    language = _checked_language(lang)
    with reading(page.url, page.spent):
        extraction = extract_page(page, lang=language)
        prompt = _prompt(extraction, language) if show_prompt or answer else None
    if prompt and not prompt.fields:
        note("Nothing would be sent: the page has no text, nothing is missing, or MODEL_USE is never.")
    if prompt and show_prompt and not explain and not answer:
        _show_prompt(prompt, format_)
        return
    dropped: tuple[Dropped, ...] = ()
    if prompt and answer:
        extraction, dropped = _answered(extraction, prompt, answer, language)
    data = _as_json(extraction)
    data |= _explained(extraction, dropped) if explain else {}
    data |= {"prompt": prompt_json(prompt)} if prompt and show_prompt else {}
    show(data, format_, lambda: _tables(extraction, data, prompt if show_prompt else None))


def _prompt(extraction: Extraction, lang: str | None) -> Prompt:
    settings = load_settings()
    return build_prompt(extraction, lang=lang, budget=settings.openai.text_tokens, use=settings.reading.model_use)


def _checked_language(lang: str | None) -> str | None:
    if lang is None or (len(lang) == 2 and lang.isascii() and lang.isalpha()):
        return lang.lower() if lang else None
    raise typer.BadParameter(f"{lang!r} is not a two-letter code such as en, de or fr", param_hint="--lang")


def _answered(
    extraction: Extraction, prompt: Prompt, answer: Path, lang: str | None
) -> tuple[Extraction, tuple[Dropped, ...]]:
    """The extraction with what the page bears out of the reply in the file. Raises `ModelAnswerInvalidError`."""
    values = read_answer(answer.read_text("utf-8"), prompt, model=str(answer))
    candidates, dropped = check_claims(values, prompt)
    note(f"Of {len(values)} values of the reply {len(values) - len(dropped)} are borne out, {len(dropped)} dropped.")
    with reading(extraction.page.url, extraction.page.spent):
        use = load_settings().reading.model_use
        return with_model_values(extraction, candidates, len(dropped), lang=lang, use=use), dropped


def _show_prompt(prompt: Prompt, format_: Format | None) -> None:
    if wants_json(format_):
        print_json(prompt_json(prompt))
        return
    for part in prompt_lines(prompt):
        typer.echo(part)


def _as_json(extraction: Extraction) -> dict[str, Any]:
    record = extraction.record
    return {
        "kind": str(extraction.kind),
        "record": record.values,
        "evidence": {name: evidence.model_dump(mode="json") for name, evidence in record.evidence.items()},
        "missing": list(record.missing()),
    }


def _explained(extraction: Extraction, dropped: tuple[Dropped, ...]) -> dict[str, Any]:
    return {
        "reason": extraction.reason,
        "wanted": list(extraction.asked(load_settings().reading.model_use)),
        "notes": list(extraction.notes),
        "candidates": explained(extraction, dropped),
        "scores": scores(extraction),
    }


def _tables(extraction: Extraction, data: Mapping[str, Any], prompt: Prompt | None) -> Iterator[Table | Text]:
    title = f"{extraction.page.url}: {extraction.kind} ({extraction.reason})"
    yield record_table(printable(title), data["record"], data["evidence"])
    if data["missing"]:
        yield Text(f"Missing: {', '.join(data['missing'])}")
    if "candidates" in data:
        yield from explanation(data)
    if prompt:
        yield from map(Text, prompt_lines(prompt))
