"""Compare the values of a property's sources: for each field, which value was chosen, which values differ, and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.property.fields.table import FIELDS
from app.property.merging.doubt import says_the_same
from app.property.presenting.sources import source_name
from app.property.presenting.words import in_words
from app.property.storage.properties.tables import SourceRow

_LONGEST_CHARS = 160


@dataclass(frozen=True, slots=True)
class SourceName:
    number: int
    name: str

    @property
    def numbered(self) -> str:
        return f"{self.number}. {self.name}"


@dataclass(frozen=True, slots=True)
class Cell:
    """A source's value of a field. All parts are "" if the source states no value.

    `verdict` is "chosen", "agrees", "older", "differs", or "beside" (a different value that is not a contradiction).
    `reason` is the stored reason for the verdict, or "".
    """

    text: str
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """A field that two or more sources state. `cells` has one cell for each source."""

    name: str
    label: str
    meaning: str
    is_conflict: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Opinion:
    """A value of a field, and all sources that state the value. `reason` is empty if no reason is stored."""

    text: str
    verdict: str
    reason: str
    sources: tuple[SourceName, ...]


def opinions(row: Row, names: Sequence[SourceName]) -> list[Opinion]:
    """Return the values stated for a field: the chosen one first, then the others by number of sources."""
    # the text alone cannot be the key, because different values may be shortened to the same text
    found: dict[tuple[str, bool], list[tuple[Cell, SourceName]]] = {}
    for cell, name in zip(row.cells, names, strict=True):
        if cell.verdict:
            found.setdefault((cell.text, cell.verdict == "differs"), []).append((cell, name))
    stated = []
    for (text, _), some in found.items():
        verdicts = [cell.verdict for cell, _ in some]
        verdict = "chosen" if "chosen" in verdicts else verdicts[0]
        reasons = dict.fromkeys(cell.reason for cell, _ in some if cell.reason and cell.verdict == verdict)
        stated.append(Opinion(text, verdict, "; ".join(reasons), tuple(name for _, name in some)))
    return sorted(stated, key=lambda one: (one.verdict != "chosen", -len(one.sources)))


def source_names(shown: Mapping[str, Any]) -> list[SourceName]:
    """Return the numbered names of the property's sources, in the order of `sources`."""
    return [
        SourceName(number, source_name(shown, source["url"])) for number, source in enumerate(shown["sources"], start=1)
    ]


def side_by_side(shown: Mapping[str, Any], records: Sequence[SourceRow]) -> list[Row]:
    """Return a row for each field that two or more sources state, conflicts first."""
    conflicts = {conflict["field"]: conflict for conflict in shown["conflicts"]}
    rows = [
        Row(name, spec.label, spec.meaning, name in conflicts, tuple(_cells(name, shown, records, conflicts.get(name))))
        for name, spec in FIELDS.items()
        if sum(name in one.record for one in records) > 1
    ]
    return sorted(rows, key=lambda row: not row.is_conflict)


def _cells(
    name: str, shown: Mapping[str, Any], records: Sequence[SourceRow], conflict: Mapping[str, Any] | None
) -> Iterator[Cell]:
    chosen = shown["evidence"].get(name)
    for one in records:
        if name not in one.record:
            yield Cell("", "", "")
            continue
        proof = one.evidence[name]
        text = in_words(name, one.record[name], one.record, proof.get("unit"))
        text = text if len(text) <= _LONGEST_CHARS else f"{text[: _LONGEST_CHARS - 1]}…"
        verdict, reason = _judged(proof, conflict)
        if not verdict:
            won = chosen is not None and _is_same_proof(proof, chosen)
            same = won or chosen is None or says_the_same(name, proof, chosen)
            verdict = "chosen" if won else "agrees" if same else "differs" if conflict else "beside"
        yield Cell(text, verdict, reason)


def _judged(proof: Mapping[str, Any], conflict: Mapping[str, Any] | None) -> tuple[str, str]:
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
