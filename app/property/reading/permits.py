"""Read the list of building permits from tables and JSON lists, and the year of the roof from these permits.

The roof's year is the year of the newest finished permit for the house's roof. A permit is finished if it has a finish
date or a status that means finished. A permit without a status also counts as finished if its list has no finish dates.
Refused permits never decide the roof's year.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.property.fields.phrases import pattern
from app.property.reading.base import Reading
from app.property.reading.document import Document
from app.property.reading.object_values import Source
from app.property.reading.other_subjects import names_other
from app.property.reading.plausible import Finding, Values, Verdict, verdicts
from app.property.values.dates import parse_date
from app.property.values.vocabulary import is_commercial

#: Patterns for the headings of date columns, the most reliable date first.
_DATES = tuple(pattern("history", key) for key in ("finished", "issued", "applied"))
_KINDS, _STATUS, _PERMIT, _REFUSED, _DONE = (
    pattern("history", key) for key in ("works", "status", "permits", "refused", "done")
)
#: Patterns for a roof, something mounted on a roof, and a house.
_ROOF, _ON_ROOF, _HOUSE = (pattern("history", key) for key in ("roofs", "on_roofs", "houses"))


def of_rows(table: Sequence[Mapping[str, Any]], above: str, source: Source, locator: str) -> Iterator[Reading]:
    """Read the permits in `table`. Yield nothing if the table does not list permits.

    Each row maps the words of a column's heading to the cell. `above` is the table's heading or the list's key.
    """
    if not _PERMIT.search(above) and not any(_PERMIT.search(words) for row in table[:1] for words in row):
        return
    tells_done = any(_DATES[0].search(words) for row in table for words in row)
    permits = [p for row in table if (p := _permit(row, tells_done=tells_done)) is not None]
    if not permits:
        return
    kept = [{k: p[k] for k in ("kind", "date", "status") if p[k]} for p in permits]
    yield Reading("X_Permits", kept, source.method, locator, str(kept[0]), source.confidence)
    granted = [p for p in permits if p["is_done"] and not _REFUSED.search(f"{p['status']}")]
    roofs = [p for p in granted if _is_of_house(p["kind"])]
    if roofs:
        newest = max(roofs, key=lambda p: str(p["date"]))
        quote = " | ".join(str(newest[k]) for k in ("kind", "date", "status") if newest[k])
        yield Reading("X_RoofYear", newest["date"][:4], source.method, locator, quote, source.confidence)


def check_roof(values: Values, page: Document) -> Iterator[Finding]:
    """Check the roof's year: a permit for the roof proves it, and it is as old as the house, or newer."""
    year, built = values.get("X_RoofYear"), values.get("YearBuilt")
    if year is None:
        return
    if built:
        fits = built - 1 <= year <= page.page.fetched_at.year
        yield from verdicts(("X_RoofYear",), fits, Verdict.PLAUSIBLE)
    if any(_is_roof_of(permit, year) for permit in values.get("X_Permits") or ()):
        yield "X_RoofYear", Verdict.STRONG


def _is_roof_of(permit: Mapping[str, Any], year: int) -> bool:
    """Return whether a permit that was not refused is for the house's roof, and of this year."""
    is_granted = _REFUSED.search(str(permit.get("status", ""))) is None
    return is_granted and str(permit.get("date", ""))[:4] == str(year) and _is_of_house(str(permit.get("kind", "")))


def _is_of_house(kind: str) -> bool:
    """A garage's roof counts only if the house is named too."""
    return (
        _ROOF.search(kind) is not None
        and not _ON_ROOF.search(kind)
        and (_HOUSE.search(kind) is not None or not (names_other("X_RoofYear", kind) or is_commercial(kind)))
    )


def _permit(row: Mapping[str, Any], *, tells_done: bool) -> dict[str, Any] | None:
    texts = {words: str(value) for words, value in row.items()}
    kind = " - ".join(v for words, v in texts.items() if _KINDS.search(words) and re.search(r"[A-Za-z]{3}", v))
    done = _date(texts, _DATES[0])
    date = done or next((d for pattern in _DATES[1:] if (d := _date(texts, pattern))), None)
    if not kind or date is None:
        return None
    status = next((v for words, v in texts.items() if _STATUS.search(words)), None)
    says_done = _DONE.search(status) is not None if status and status.strip() else not tells_done
    return {"kind": kind, "date": date, "status": status, "is_done": bool(done) or says_done}


def _date(texts: Mapping[str, str], pattern: re.Pattern[str]) -> str | None:
    found = (parse_date(value) for words, value in texts.items() if pattern.search(words))
    return next((date for date in found if date), None)
