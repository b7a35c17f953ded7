"""Cut the passage around a value that a careful reader would quote: its cell, its clause, or its label's line with it.

Only the layout counts here: cells, columns with headers, labels on lines of their own. What a label means is decided
in `simulated.py`.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from benchmarks.extraction.presence import senses

#: The prompt allows a quote of up to three lines.
MAX_QUOTE_LINES = 3
#: A longer cell is cut around the value.
_MAX_CELL_CHARS, _MAX_LABEL_CHARS = 90, 40
_CELL_MARK = re.compile(r" \| | [•·] |\t| {3,}")
_CLAUSE_MARK = re.compile(r"[,;!?]\s|(?<=[^\W\d_]{3})\.\s| [-–—] | \*+ |[()]")
_WORD = re.compile(r"[^\W\d_]{3,}|[\u3040-\u30ff\u3400-\u9fff]{1,}|[\uac00-\ud7af]{1,}|\b(?:BR|BA|Bd|Ba)\b")
_NUMBER = re.compile(r"(?<![\d.,])\d[\d.,'’\u00a0\u202f ]*\d|\d")
_TIMES = re.compile(r"\s?(?:(k)\b|(M|Mio|mln|million)\b)", re.IGNORECASE)
_SPELLED = {
    word: number
    for number, words in {
        1: "one single eine ein une un jedna",
        2: "two zwei deux dos due dwa dwie twee två",
        3: "three drei trois tres tre trzy drie",
        4: "four vier quatre cuatro quattro cztery",
        5: "five fünf cinq cinco cinque pięć vijf",
        6: "six sechs seis sei sześć zes",
    }.items()
    for word in words.split()
}
_SPELLED_WORD = re.compile(rf"\b(?:{'|'.join(_SPELLED)})\b", re.IGNORECASE)
#: What may stand beside the value of a pair: its unit, its currency, and marks.
_UNIT_ONLY = re.compile(
    r"(?:[\W_]|\b(?:sq|sqft|ft|ft2|m2|sqm|qm|ha|ac|acres?|m|f|sf|usd|eur|gbp|pln|chf|kr|zł|years?)\b)*", re.IGNORECASE
)
_DIGIT = re.compile(r"\d")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b|%")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands in the text. `number` is the number as written there, if it is one."""

    start: int
    end: int
    number: float | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of the text that may be quoted. `label` is the part of it that may say what the value is.

    `pair` says whether this part is a label of its own, as in `Vintage: 1987`, or beside the value in a sentence.
    """

    start: int
    end: int
    label: str
    pair: bool


class PageLines:
    """The text of a prompt, with the places of its numbers."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def line_at(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1

    def bounds(self, line: int) -> tuple[int, int]:
        """Return where a line starts and ends, or an empty range if there is no such line."""
        if not 0 <= line < len(self._starts):
            return 0, 0
        end = self._starts[line + 1] - 1 if line + 1 < len(self._starts) else len(self.text)
        return self._starts[line], end

    def line(self, line: int) -> str:
        start, end = self.bounds(line)
        return self.text[start:end]

    @cached_property
    def numbers(self) -> list[Place]:
        found: list[Place] = []
        for at in range(len(self._starts)):
            offset, line = self._starts[at], self.line(at)
            for match in _NUMBER.finditer(line):
                times = _TIMES.match(line, match.end())
                factor = 1e3 if times and times[1] else 1e6 if times else 1.0
                end = times.end() if times else match.end()
                for start, stop, written in _parts(match):
                    found += [Place(offset + start, offset + stop, sense) for sense in senses(written)]
                if times:
                    found += [Place(offset + match.start(), offset + end, sense * factor) for sense in senses(match[0])]
            found += [
                Place(offset + match.start(), offset + match.end(), float(_SPELLED[match[0].casefold()]))
                for match in _SPELLED_WORD.finditer(line)
            ]
        return found

    def cell(self, place: Place) -> tuple[int, int]:
        """Return the bounds of the cell, or of the clause if the cell is long, that contains the place."""
        start, end = self.bounds(self.line_at(place.start))
        start, end = _between(_CELL_MARK, self.text, (start, end), place)
        if end - start > _MAX_CELL_CHARS:
            start, end = _between(_CLAUSE_MARK, self.text, (start, end), place)
        if end - start > _MAX_CELL_CHARS:
            start, end = _few_words(self.text, (start, end), place)
        while start < place.start and self.text[start].isspace():
            start += 1
        while end > place.end and self.text[end - 1].isspace():
            end -= 1
        return start, end

    def passages(self, place: Place) -> Iterator[Passage]:
        """Yield the passages that may say what the value is: its cell, else its column's header, else its label's
        line."""
        start, end = self.cell(place)
        before, after = self.text[start : place.start], self.text[place.end : end]
        if _WORD.search(f"{before} {after}") and not _UNIT_ONLY.fullmatch(f"{before} {after}"):
            yield Passage(start, end, f"{before} {after}", _is_label(before, after))
            return
        beside = self._cell_before(place)
        if beside is not None:
            yield Passage(beside[0], end, self.text[beside[0] : beside[1]], pair=True)
            return
        header = self._header(place, (start, end))
        if header is not None:
            yield header
            return
        line = self.line_at(place.start)
        for other in (line - 1, line + 1):
            text = self.line(other)
            if _WORD.search(text) and not _DIGIT.search(text) and len(text) <= _MAX_LABEL_CHARS:
                first, last = self.bounds(other)
                yield Passage(min(first, start), max(last, end), text, pair=True)
        yield Passage(start, end, "", pair=False)

    def _cell_before(self, place: Place) -> tuple[int, int] | None:
        """Return the bounds of a label in the cell before the place's: `Built: | 1929`."""
        start, _ = self.bounds(self.line_at(place.start))
        marks = list(re.finditer(r" \| ", self.text[start : place.start]))
        if not marks or _WORD.search(self.text, start + marks[-1].end(), place.start):
            return None
        end = start + marks[-1].start()
        before = start + marks[-2].end() if len(marks) > 1 else start
        cell = self.text[before:end]
        is_alternating = cell.endswith(":") or (": " not in cell and self._header(place, (before, place.end)) is None)
        is_label = _WORD.search(cell) and not _DIGIT.search(cell) and len(cell) <= _MAX_LABEL_CHARS
        return (before, end) if is_label and is_alternating else None

    def _header(self, place: Place, cell: tuple[int, int]) -> Passage | None:
        """Return the passage from a column's header to the cell, if both are in three lines."""
        line = self.line_at(place.start)
        row = self.line(line)
        if " | " not in row:
            return None
        offset = self.bounds(line)[0]
        column = len(re.findall(r": | \| ", row[: place.start - offset]))
        width = len(re.findall(r": | \| ", row)) + 1
        for above in range(line - 1, line - MAX_QUOTE_LINES, -1):
            heads = re.split(r": | \| ", self.line(above))
            if len(heads) > 1 and not _DIGIT.search(_YEAR.sub("", self.line(above))):
                if column < len(heads) and abs(len(heads) - width) <= 1:
                    return Passage(self.bounds(above)[0], cell[1], heads[column], pair=True)
                return None
        return None


def _parts(match: re.Match[str]) -> Iterator[tuple[int, int, str]]:
    """Yield a written number, and its parts between blanks: `1 250` may be one number or two."""
    yield match.start(), match.end(), match[0].rstrip(".,")
    if re.search(r"[ \u00a0\u202f]", match[0]):
        for part in re.finditer(r"[^ \u00a0\u202f]+", match[0]):
            yield match.start() + part.start(), match.start() + part.end(), part[0]


def _between(marks: re.Pattern[str], text: str, bounds: tuple[int, int], place: Place) -> tuple[int, int]:
    start, end = bounds
    for mark in marks.finditer(text, start, end):
        if mark.end() <= place.start:
            start = mark.end()
        elif mark.start() >= place.end:
            return start, mark.start() + (mark[0][0] in "!?")
    return start, end


def _few_words(text: str, bounds: tuple[int, int], place: Place) -> tuple[int, int]:
    """Return up to five words before the place and four after it."""
    before = [word.start() for word in re.finditer(r"\S+", text[bounds[0] : place.start])][-5:]
    after = [word.end() for word in re.finditer(r"\S+", text[place.end : bounds[1]])][:4]
    return bounds[0] + (before[0] if before else 0), place.end + (after[-1] if after else 0)


def _is_label(before: str, after: str) -> bool:
    """Return whether a cell is only a label and its value, in either order."""
    one, other = (before, after) if _WORD.search(before) else (after, before)
    is_short = len(one) <= _MAX_LABEL_CHARS and not _DIGIT.search(one)
    return is_short and _UNIT_ONLY.fullmatch(other) is not None
