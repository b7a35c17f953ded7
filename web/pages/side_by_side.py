"""What each source says of each field, beside what was chosen: who says what, which value won, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app.property.doubt import says_the_same
from app.property.record import FIELDS
from app.property.storage.properties.tables import SourceRow
from web.pages.words import in_words

_LONGEST_CHARS = 160


@dataclass(frozen=True, slots=True)
class SourceName:
    """How a source is called on the page: its number, its host and whose it is."""

    number: int
    host: str
    kind: str


@dataclass(frozen=True, slots=True)
class Cell:
    """What a source says of a field, "" if nothing. `verdict`: chosen, agrees, older, differs, or beside (something
    else that contradicts nothing); `reason` as the store has it, "" where it has none."""

    text: str
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    meaning: str
    is_conflict: bool
    cells: tuple[Cell, ...]


def source_names(shown: Mapping[str, Any]) -> list[SourceName]:
    """In the order of `sources`; `kind` is "" where nobody said."""
    return [
        SourceName(number, urlsplit(source["url"]).netloc or source["url"], _kind(source))
        for number, source in enumerate(shown["sources"], start=1)
    ]


def side_by_side(shown: Mapping[str, Any], said: Sequence[SourceRow]) -> list[Row]:
    """A row for each field that two sources or more speak of, with a cell for each of `said`; conflicts come first."""
    conflicts = {conflict["field"]: conflict for conflict in shown["conflicts"]}
    rows = [
        Row(name, spec.meaning, name in conflicts, tuple(_cells(name, shown, said, conflicts.get(name))))
        for name, spec in FIELDS.items()
        if sum(name in one.record for one in said) > 1
    ]
    return sorted(rows, key=lambda row: not row.is_conflict)


def _kind(source: Mapping[str, Any]) -> str:
    return str(source.get("source_kind") or "").replace("_", " ")


def _cells(
    name: str, shown: Mapping[str, Any], said: Sequence[SourceRow], conflict: Mapping[str, Any] | None
) -> Iterator[Cell]:
    chosen = shown["evidence"].get(name)
    for one in said:
        if name not in one.record:
            yield Cell("", "", "")
            continue
        proof = one.evidence[name]
        text = in_words(one.record[name])
        text = text if len(text) <= _LONGEST_CHARS else f"{text[: _LONGEST_CHARS - 1]}…"
        verdict, reason = _judged(proof, conflict)
        if not verdict:
            won = chosen is not None and _is_same_proof(proof, chosen)
            same = won or chosen is None or says_the_same(name, proof, chosen)
            verdict = "chosen" if won else "agrees" if same else "differs" if conflict else "beside"
        yield Cell(text, verdict, reason)


def _judged(proof: Mapping[str, Any], conflict: Mapping[str, Any] | None) -> tuple[str, str]:
    """What the store says of it: its verdict, and the reason."""
    if conflict is None:
        return "", ""
    proofs = conflict["evidence"]
    reasons, verdicts = conflict.get("reasons") or [], conflict.get("verdicts") or []
    for place, other in enumerate(proofs):
        if _is_same_proof(proof, other):
            verdict = str(verdicts[place]) if place < len(verdicts) else ("won" if place == 0 else "")
            reason = str(reasons[place]) if place < len(reasons) else ""
            return {"won": "chosen", "conflict": "differs"}.get(verdict, verdict), reason
    return "", ""


def _is_same_proof(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one[part] == other[part] for part in ("source_url", "content_sha256", "locator", "value"))
