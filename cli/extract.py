"""`propintel extract`: read a saved page without a model, and show the prompt that a model would get."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from app.clock import SystemClock
from app.plurals import counted
from app.printable import printable
from app.property.fetch.decode.text import page_from_file
from app.property.reading.base import Candidate, Extraction
from app.property.reading.budget import reading
from app.property.reading.model.claim_check import Dropped, check_claims
from app.property.reading.model.claims import Flaw
from app.property.reading.model.llm import read_answer
from app.property.reading.model.page_kind import PAGE_KIND
from app.property.reading.model.prompt import Prompt, as_sent, build_prompt
from app.property.reading.model.tokens import count_tokens
from app.property.reading.pipeline import extract as extract_page
from app.property.reading.pipeline import with_model_values, with_page_kind
from app.property.reading.scorer import LOWERS, RAISES
from app.property.record import FIELDS
from app.property.urls.targets import normalize_target
from app.settings import load_settings
from app.settings.forms import ModelUse
from cli.command import command, new_app
from cli.output import cut, make_table, note, print_json, show, wants_json
from cli.property_tables import record_table

app = new_app("extract")

_FILE = {"exists": True, "dir_okay": False, "readable": True}


@command(
    app,
    "",
    "page.html --url https://www.example.com/homes/123",
    "page.html --url URL --explain",
    "page.html --url URL --show-prompt",
    "page.html --url URL --answer reply.json --explain",
)
def extract(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A saved page.", **_FILE)],
    url: Annotated[str, typer.Option("--url", help="The URL that the page was saved from.")],
    lang: Annotated[
        str | None, typer.Option("--lang", help="Its language as ISO 639-1, if the page names a wrong one.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also show every candidate, why it won or lost, and its confidence.")
    ] = False,
    show_prompt: Annotated[
        bool, typer.Option("--show-prompt", help="Show what a model would be sent, with its tokens.")
    ] = False,
    answer: Annotated[
        Path | None,
        typer.Option("--answer", help="A model's reply as JSON: the values that the page supports are used.", **_FILE),
    ] = None,
) -> None:
    """Read a saved page, without network, key, or database. The same page always gives the same result.

    JSON: `{"kind", "record", "evidence", "missing"}`; with --explain also "reason", "wanted", "notes", "candidates",
    and "scores". With --show-prompt, the JSON is the prompt; with --explain and --show-prompt, it is all of the above
    and "prompt".
    """
    address = normalize_target(url)
    page = page_from_file(file, address, SystemClock().now())
    language = _checked_language(lang)
    settings = load_settings() if explain or show_prompt or answer else None  # reading the page needs no settings
    with reading(page.url, page.spent):
        extraction, prompt = extract_page(page, lang=language), None
        if settings and (show_prompt or answer):
            budget, use = settings.openai.text_tokens, settings.reading.model_use
            prompt = build_prompt(extraction, lang=language, budget=budget, use=use)
    if prompt and not prompt.fields:
        note("Nothing would be sent: the page has no text, nothing is missing, or MODEL_USE is never.")
    if prompt and show_prompt and not explain and not answer:
        _show_prompt(prompt)
        return
    dropped: tuple[Dropped, ...] = ()
    if settings and prompt and answer:
        extraction, dropped = _answered(extraction, prompt, answer, language, settings.reading.model_use)
    data = _as_json(extraction)
    data |= _explained(extraction, dropped, settings.reading.model_use) if settings and explain else {}
    data |= {"prompt": prompt_json(prompt)} if prompt and show_prompt else {}
    show(data, lambda: _tables(extraction, data, prompt if show_prompt else None))


def _checked_language(lang: str | None) -> str | None:
    if lang is None or (len(lang) == 2 and lang.isascii() and lang.isalpha()):
        return lang.lower() if lang else None
    raise typer.BadParameter(f"{lang!r} is not a two-letter code such as en, de, or fr", param_hint="--lang")


def _answered(
    extraction: Extraction, prompt: Prompt, answer: Path, lang: str | None, use: ModelUse
) -> tuple[Extraction, tuple[Dropped, ...]]:
    values = dict(read_answer(answer.read_text("utf-8"), prompt, model=str(answer)))
    kind, _ = values.pop(PAGE_KIND, (None, ""))
    candidates, dropped = check_claims(values, prompt)
    accepted = len(values) - len(dropped)
    note(f"Of {counted(len(values), 'value')} of the reply, {accepted} accepted, {len(dropped)} dropped.")
    with reading(extraction.page.url, extraction.page.spent):
        answered = with_model_values(extraction, candidates, len(dropped), lang=lang, use=use)
        return with_page_kind(answered, kind), dropped


def _show_prompt(prompt: Prompt) -> None:
    if wants_json():
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


def _explained(extraction: Extraction, dropped: tuple[Dropped, ...], use: ModelUse) -> dict[str, Any]:
    return {
        "reason": extraction.reason,
        "wanted": list(extraction.asked(use)),
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


_FLAWS: Mapping[Flaw, str] = {
    "not_read": "dropped: not a value of the field",
    "no_quote": "dropped: it has no quote",
    "not_in_text": "dropped: its quote is not in the text that was sent",
    "order": "dropped: its line names our fields, as if written for a machine",
    "other_label": "dropped: the label beside it names another field, or none",
    "not_stated": "dropped: its quote does not state it, or it cannot be true",
}


def explained(extraction: Extraction, dropped: tuple[Dropped, ...] = ()) -> list[dict[str, Any]]:
    """Return every candidate with its outcome, by field and best first, followed by the dropped values of a model."""
    order = {name: place for place, name in enumerate(FIELDS)}
    ranked = sorted(extraction.candidates, key=lambda c: (order.get(c.field, len(order)), -c.confidence))
    shown: list[dict[str, Any]] = [
        {
            "field": candidate.field,
            "value": candidate.value,
            "unit": candidate.unit,
            "method": str(candidate.method),
            "reader": candidate.reader,
            "confidence": round(candidate.confidence, 3),
            "locator": candidate.locator,
            "quote": candidate.quote,
            "fate": fate(candidate, extraction),
        }
        for candidate in ranked
    ]
    nothing = {"unit": None, "method": "llm", "reader": "model", "confidence": 0.0, "locator": ""}
    return shown + [
        {"field": one.field, "value": one.value, **nothing, "quote": one.quote, "fate": _FLAWS[one.flaw]}
        for one in dropped
    ]


def scores(extraction: Extraction) -> dict[str, Any]:
    """Return each field's confidence, and how much each feature of its value adds to the log-odds of being correct."""
    return {
        name: {
            "confidence": score.confidence,
            "log_odds": round(sum(score.adds.values()), 2),
            "bound": score.bound or None,
            "features": {
                feature: {"value": round(score.facts.features[feature], 3), "adds": round(adds, 2)}
                for feature, adds in score.adds.items()
            },
        }
        for name, score in sorted(extraction.scores.items(), key=lambda one: list(FIELDS).index(one[0]))
    }


def fate(candidate: Candidate, extraction: Extraction) -> str:
    """Return the outcome of a candidate in words: unused, rejected, won, agrees with the winner, or lost."""
    winner = extraction.record.evidence.get(candidate.field)
    if winner is None:
        no_property = not extraction.record.values
        return f"unused: the page is {extraction.kind}" if no_property else "rejected by the checks across fields"
    if (candidate.method, candidate.locator, candidate.value) == (winner.method, winner.locator, winner.value):
        doubt = ", but it is uncertain and a model would be asked" if candidate.field in extraction.doubtful else ""
        return f"won with confidence {winner.confidence:.2f}{doubt}"
    if candidate.value == winner.value:
        return f"agrees with the winner ({winner.method})"
    text = winner.value if isinstance(winner.value, str) else json.dumps(winner.value, ensure_ascii=False, default=str)
    return f"lost to {winner.method} with confidence {winner.confidence:.2f}: {cut(text, 40)}"


def prompt_json(prompt: Prompt) -> dict[str, Any]:
    names = ("fields", "messages", "schema", "max_completion_tokens", "prompt_tokens", "prefix_tokens")
    return {name: getattr(prompt, name) for name in names} | {"tokens": tokens_of(prompt)}


def tokens_of(prompt: Prompt) -> dict[str, int]:
    """Return the number of tokens of each part of the prompt, in the encoding o200k. The sum is `prompt_tokens`."""
    system, user = (count_tokens(message["content"]) for message in prompt.messages)
    return {"instruction": system, "text": user, "schema": count_tokens(as_sent(prompt.schema))}


def prompt_lines(prompt: Prompt) -> Iterator[str]:
    for message in prompt.messages:  # page text may contain terminal control characters
        content = "\n".join(map(printable, str(message["content"]).split("\n")))
        yield f"--- {message['role']}\n{content}\n"
    properties = prompt.schema["properties"].items()
    body = ",\n".join(f"  {json.dumps(name)}: {json.dumps(sub, ensure_ascii=False)}" for name, sub in properties)
    yield f"--- schema\n{{\n{body}\n}}\n"
    parts = ", ".join(f"{name} {count}" for name, count in tokens_of(prompt).items())
    most = prompt.max_completion_tokens
    yield (
        f"--- tokens (o200k)\n{prompt.prompt_tokens} in all: {parts}; the first {prompt.prefix_tokens} are the same for"
        f" every page; the answer may have {most}"
    )


def explanation(data: Mapping[str, Any]) -> Iterator[Table | Text]:
    """Yield the reason for the page's kind, the fields to ask a model for, and tables of all candidates."""
    yield Text(printable(f"Kind: {data['kind']}, because of {data['reason']}"))
    yield Text(f"A model would be asked for: {', '.join(data['wanted']) or 'nothing'}")
    for text in data["notes"]:
        yield Text(printable(f"Note: {text}"))
    columns = ("field", "value", "method", "confidence", "fate", "quote", "locator")
    rows = [tuple(candidate[name] for name in columns) for candidate in data["candidates"]]
    yield make_table("Candidates", columns, rows)
    yield make_table(
        "Confidence", ("field", "confidence", "log-odds, and what adds to them"), _score_rows(data["scores"])
    )


def _score_rows(scored: Mapping[str, Any]) -> Iterator[tuple[str, float, str]]:
    for name, score in scored.items():
        parts = [_added(feature, **part) for feature, part in score["features"].items() if part["adds"]]
        bound = f"; bounded: {score['bound']}" if score["bound"] else ""
        yield name, score["confidence"], f"{score['log_odds']:+.2f} = {', '.join(parts)}{bound}"


def _added(feature: str, value: float, adds: float) -> str:
    words = feature.replace("_", " ").replace(".", " ")
    is_count = value != 1.0 or feature in RAISES | LOWERS
    return f"{words} ({value:g}) {adds:+.2f}" if is_count else f"{words} {adds:+.2f}"
