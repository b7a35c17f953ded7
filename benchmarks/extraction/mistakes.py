"""The errors of the simulated model: 3 % of its answers are wrong, in equal shares of two kinds.

One half takes another pair of the page for the field's: a value of the same form, with its true quote. The other half
keeps the quote, but its value is not what the quote says. The same run always has the same errors, and exactly as many.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.property.reading.model.prompt import ENUMS, Prompt
from app.property.record import FIELDS
from benchmarks.extraction.passages import PageLines, Place
from benchmarks.extraction.scorer import LABELS
from benchmarks.extraction.simulated import Claimed

WRONG = 0.03
#: The largest ratio between a value and another of the same form.
_MAX_RATIO = 5.0
_MAX_TEXT_CHARS = 60
_PAIR = re.compile(r"([^\W\d_][^:|\n]{2,38}): ([^|\n]{2,60})$", re.MULTILINE)
_MONTH_OF_DATE = re.compile(r"(?<=-)\d\d")


@dataclass(frozen=True, slots=True)
class AnsweredPage:
    """A page's prompt, its labels, and the right answers of the simulated model."""

    prompt: Prompt
    row: Mapping[str, Any]
    claims: Sequence[Claimed]


def make_mistakes(pages: Mapping[str, AnsweredPage], share: float = WRONG) -> dict[str, dict[str, Claimed]]:
    """Return wrong claims that replace `share` of all right claims: for each page's file, by field.

    The number is exact, rounded to a whole claim. If too few pages have another pair of the same form, more values are
    changed instead.
    """
    answered = [(file, claim) for file, page in pages.items() for claim in page.claims]
    answered.sort(key=lambda one: _draw(f"{one[0]} {one[1].field}"))
    count = round(share * len(answered))
    mistaken: dict[tuple[str, str], Claimed] = {}
    pairs = count // 2
    for make, wanted in ((_other_pair, pairs), (_other_value, count)):
        for file, claim in answered:
            if len(mistaken) >= wanted:
                break
            wrong = make(claim, pages[file]) if (file, claim.field) not in mistaken else None
            if wrong is not None:
                mistaken[file, claim.field] = wrong
    found: dict[str, dict[str, Claimed]] = {}
    for (file, field), wrong in mistaken.items():
        found.setdefault(file, {})[field] = wrong
    return found


def _draw(name: str) -> str:
    """Return a text that orders names at random, but the same in every run."""
    return hashlib.sha256(name.encode()).hexdigest()


def _other_pair(claim: Claimed, page: AnsweredPage) -> Claimed | None:
    """Return the claim with the value and the quote of another pair of the page, if there is one of the same form."""
    pairs = _numbers(claim, page) if isinstance(claim.value, int | float) else _texts(claim, page)
    options = sorted(
        (replace(claim, value=value, quote=quote) for value, quote in pairs),
        key=lambda one: _draw(f"{one.field} {one.value} {one.quote}"),
    )
    return options[0] if options else None


def _numbers(claim: Claimed, page: AnsweredPage) -> Iterator[tuple[float, str]]:
    lines, true = PageLines(page.prompt.text), _true_numbers(claim, page)
    for place in lines.numbers:
        value = place.number
        if not value or any(abs(value - number) < 0.005 * max(1.0, number) for number in true):
            continue
        if not 1 / _MAX_RATIO <= value / max(claim.value, 1) <= _MAX_RATIO:
            continue
        is_whole = float(value).is_integer()
        if (FIELDS[claim.field].type == "integer" and not is_whole) or _is_of_claim(place, claim, page):
            continue
        for passage in lines.passages(place):
            quote = page.prompt.text[passage.start : passage.end]
            if passage.pair and quote.count("\n") < 3 and claim.quote not in quote:
                yield int(value) if is_whole else value, quote


def _true_numbers(claim: Claimed, page: AnsweredPage) -> list[float]:
    labeled = page.row.get(claim.label)
    return [float(one) for one in (labeled, claim.value) if isinstance(one, int | float)]


def _is_of_claim(place: Place, claim: Claimed, page: AnsweredPage) -> bool:
    start = page.prompt.text.find(claim.quote)
    return start <= place.start < start + len(claim.quote)


def _texts(claim: Claimed, page: AnsweredPage) -> Iterator[tuple[Any, str]]:
    if claim.field in ENUMS or isinstance(claim.value, bool):
        return
    true = _folded(page.row.get(claim.label))
    for match in _PAIR.finditer(page.prompt.text):
        value = match[2].strip()
        if (re.search(r"\d", value) is None) != (re.search(r"\d", str(claim.value)) is None):
            continue
        if _folded(value) not in true and true not in _folded(value) and "://" not in value:
            yield [value] if isinstance(claim.value, list) else value, match[0]


def _other_value(claim: Claimed, page: AnsweredPage) -> Claimed | None:
    """Return the claim with a value that its quote does not state."""
    value = claim.value
    if isinstance(value, bool):
        return None
    if claim.field in ENUMS:
        options: list[Any] = [one for one in ENUMS[claim.field] if one != value and not _is_true_kind(one, claim, page)]
    elif isinstance(value, int | float):
        options = [value + step for step in _steps(value)]
    elif _MONTH_OF_DATE.search(str(value)):
        options = [_MONTH_OF_DATE.sub(f"{month:02}", str(value), count=1) for month in range(1, 13)]
    else:
        options = [[one] if isinstance(value, list) else one for one in _other_texts(page)]
    stated, true = _folded(claim.quote), _folded(value)
    wrong = [one for one in options if _folded(one) not in stated and _folded(one) not in true]
    wrong.sort(key=lambda one: _draw(f"{claim.field} {one}"))
    return replace(claim, value=wrong[0]) if wrong else None


def _steps(value: float) -> tuple[int, ...]:
    """Return differences as a slip makes them: one more or less of a count, other digits of a larger number."""
    return (1, 2) if value < 20 else (10, -10, 9, -9) if value < 3_000 else (900, -900, 10_000, 1_000)


def _other_texts(page: AnsweredPage) -> list[str]:
    """Return short lines of the page, which a mistaken reader may give for a name."""
    lines = (line.strip() for line in page.prompt.text[: page.prompt.shown].split("\n"))
    return [line for line in lines if 3 < len(line) <= _MAX_TEXT_CHARS and not re.search(r"[\d:|]", line)]


def _is_true_kind(kind: str, claim: Claimed, page: AnsweredPage) -> bool:
    return LABELS[claim.label][1](page.row[claim.label], kind, page.row, {})


def _folded(value: Any) -> str:
    text = (
        ", ".join(map(str, value)) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else value
    )
    return re.sub(r"[\W_]+", "", str(text).casefold())
