"""What `propintel extract` tells of a page: every candidate with its fate, the prompt with its tokens, and what a
model's reply is believed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table
from rich.text import Text

from app.printable import printable
from app.property.reading.base import Candidate, Extraction
from app.property.reading.model.claim_check import Dropped
from app.property.reading.model.claims import Flaw
from app.property.reading.model.prompt import Prompt, as_sent
from app.property.reading.model.tokens import count_tokens
from app.property.reading.scorer import LOWERS, RAISES
from app.property.record import FIELDS
from cli.output import make_table

_FLAWS: Mapping[Flaw, str] = {
    "not_read": "dropped: it makes no sense for the field",
    "no_quote": "dropped: no quote came with it",
    "not_in_text": "dropped: its quote is not in the text that was sent",
    "order": "dropped: its line holds names of our fields, and so speaks to a machine",
    "other_label": "dropped: the words beside it name another field, or none",
    "not_said": "dropped: its quote does not say it, or it cannot be true",
}


def explained(extraction: Extraction, dropped: tuple[Dropped, ...] = ()) -> list[dict[str, Any]]:
    """Every candidate in the order of the fields, best first, each with its fate; then a model's dropped values."""
    order = {name: place for place, name in enumerate(FIELDS)}
    ranked = sorted(extraction.candidates, key=lambda c: (order.get(c.field, len(order)), -c.confidence))
    told: list[dict[str, Any]] = [
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
    return told + [
        {"field": one.field, "value": one.value, **nothing, "quote": one.quote, "fate": _FLAWS[one.flaw]}
        for one in dropped
    ]


def scores(extraction: Extraction) -> dict[str, Any]:
    """How the confidence of each value came about: what each of its features adds to the log-odds that it is right."""
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
    return f"lost to {winner.method} with confidence {winner.confidence:.2f}: {_short(winner.value)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else f"{text[:39]}…"


def prompt_json(prompt: Prompt) -> dict[str, Any]:
    """The prompt as it would be sent, and what it is made of in tokens."""
    names = ("fields", "messages", "schema", "max_completion_tokens", "prompt_tokens", "prefix_tokens")
    return {name: getattr(prompt, name) for name in names} | {"tokens": tokens_of(prompt)}


def tokens_of(prompt: Prompt) -> dict[str, int]:
    """Tokens (o200k) of each part; together they are `prompt_tokens`."""
    system, user = (count_tokens(message["content"]) for message in prompt.messages)
    return {"instruction": system, "text": user, "schema": count_tokens(as_sent(prompt.schema))}


def prompt_lines(prompt: Prompt) -> Iterator[str]:
    """The prompt to be read: each message as it is, the schema a property a line, then the tokens."""
    for message in prompt.messages:
        yield f"--- {message['role']}\n{readable(str(message['content']))}\n"
    properties = prompt.schema["properties"].items()
    body = ",\n".join(f"  {json.dumps(name)}: {json.dumps(sub, ensure_ascii=False)}" for name, sub in properties)
    yield f"--- schema\n{{\n{body}\n}}\n"
    parts = ", ".join(f"{name} {count}" for name, count in tokens_of(prompt).items())
    most = prompt.max_completion_tokens
    yield (
        f"--- tokens (o200k)\n{prompt.prompt_tokens} in all: {parts}; the first {prompt.prefix_tokens} are the same for"
        f" every page; the answer may have {most}"
    )


def readable(text: str) -> str:
    """Lines of a page's text that cannot move the cursor."""
    return "\n".join(printable(line) for line in text.split("\n"))


def explanation(data: Mapping[str, Any]) -> Iterator[Table | Text]:
    """Why the page is of its kind, what a model would be asked for, and every candidate."""
    yield Text(printable(f"Kind: {data['kind']}, for {data['reason']}"))
    yield Text(f"A model would be wanted for: {', '.join(data['wanted']) or 'nothing'}")
    for told in data["notes"]:
        yield Text(printable(f"Note: {told}"))
    columns = ("field", "value", "method", "confidence", "fate", "quote", "locator")
    rows = [tuple(candidate[name] for name in columns) for candidate in data["candidates"]]
    yield make_table("Candidates", columns, rows)
    yield make_table(
        "Confidence", ("field", "confidence", "log-odds, and what adds to them"), _score_rows(data["scores"])
    )


def _score_rows(told: Mapping[str, Any]) -> Iterator[tuple[str, float, str]]:
    for name, score in told.items():
        parts = [_added(feature, **part) for feature, part in score["features"].items() if part["adds"]]
        bound = f"; bounded: {score['bound']}" if score["bound"] else ""
        yield name, score["confidence"], f"{score['log_odds']:+.2f} = {', '.join(parts)}{bound}"


def _added(feature: str, value: float, adds: float) -> str:
    """`strong checks (2) +0.84`; a feature that is only there or not has no number."""
    words = feature.replace("_", " ").replace(".", " ")
    is_count = value != 1.0 or feature in RAISES | LOWERS
    return f"{words} ({value:g}) {adds:+.2f}" if is_count else f"{words} {adds:+.2f}"
