"""Parse the delivery line of a US address: number, directionals, name, suffix, and unit (Publication 28)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.property.address import tables, units
from app.property.address.words import ORDINAL, spaced

#: Suffixes that are rarely a street's whole name. In a line such as `N ST`, the directional before the suffix is the
#: name. `PARK` is not one of them: `N PARK` is the north end of a street called Park.
ONLY_SUFFIX = frozenset(
    "ST AVE RD DR LN CT PL BLVD CIR TER WAY PKWY HWY TRL SQ ALY LOOP PIKE EXPY FWY TPKE".split()  # noqa: SIM905
)
_NUMBERS = (
    # examples: 123 1/2, 123-1/2
    (re.compile(r"(\d+)[ -](\d+/\d+)(?= )"), r"\1 \2"),
    # examples: 123-125, 42-10, 12-A, 123B
    (re.compile(r"(\d+[A-Z]?)-(\d+[A-Z]?)(?= )"), r"\1-\2"),
    (re.compile(r"(\d+)-?([A-Z])(?= )"), r"\1\2"),
    # examples: N6W23001, W140 N8917
    (re.compile(r"([NSEW])(\d+) ?([NSEW])(\d+)(?= )"), r"\1\2\3\4"),
    (re.compile(r"([NSEW])(\d+)(?= )"), r"\1\2"),
    (re.compile(r"(\d+)(?= )"), r"\1"),
)
_NAME_STARTS = {"ST": "SAINT", "MT": "MOUNT", "MNT": "MOUNT", "FT": "FORT", "DOCTOR": "DR"}


@dataclass(frozen=True, slots=True)
class Street:
    """The parts of a delivery line in capitals. Missing parts are "". `unit` is normalized, as in `UNIT 4`."""

    number: str = ""
    predirectional: str = ""
    name: str = ""
    suffix: str = ""
    postdirectional: str = ""
    unit: str = ""

    @property
    def street_name(self) -> str:
        return " ".join(p for p in (self.predirectional, self.name, self.suffix, self.postdirectional) if p)

    @property
    def line(self) -> str:
        return " ".join(p for p in (self.number, self.street_name, self.unit) if p)


def starts_with_number(line: str) -> bool:
    """Return whether `line` begins with a house number that is followed by other words."""
    return _number(line) is not None


def spelled_number(number: str) -> str:
    """Normalize a house number that is given without a street. Return other text unchanged."""
    found = _number(f"{number} X")
    return found[0] if found and found[1] == "X" else number


def read_line(line: str) -> Street:
    """Parse a delivery line that was normalized by `words.plain`. Never raises."""
    found = _number(line)
    number, rest = found or ("", line)
    words, unit = units.split(rest.split())
    street = _with_bare_unit(read_name(words), words) if unit is None else read_name(words)
    return replace(street, number=number, unit=unit or street.unit)


def read_name(words: Sequence[str]) -> Street:
    words = spaced(" ".join(words)).split()
    before, words = _predirectional(words)
    if road := _highway(words):
        return replace(road, predirectional=before)
    after, words = _postdirectional(words)
    suffix = ""
    if len(words) > 1 and words[-1] in tables.suffixes():
        suffix, words = tables.suffixes()[words[-1]], words[:-1]
    return Street("", before, _name(words, suffix), suffix, after)


def _with_bare_unit(street: Street, words: Sequence[str]) -> Street:
    """Recognize a unit without a designator, as in `12 MAIN ST 4B`."""
    head = words[:-1]
    unit = units.bare(words[-1]) if len(head) > 1 else None
    if unit is None or _highway(_predirectional(spaced(" ".join(words)).split())[1]):
        return street
    without = read_name(head)
    return replace(without, unit=unit) if without.suffix else street


def _number(line: str) -> tuple[str, str] | None:
    line = line.removeprefix("# ")
    first, _, rest = line.partition(" ")
    if rest and first in tables.HOUSE_NUMBER_WORDS and " " in rest and not rest.startswith("HUNDRED"):
        return tables.HOUSE_NUMBER_WORDS[first], rest
    for pattern, written in _NUMBERS:
        if found := pattern.match(line):
            number, rest = re.sub(r"(?<![\d/])0+(?=\d)", "", found.expand(written)), line[found.end() + 1 :]
            return _with_letter(number, rest)
    return None


def _with_letter(number: str, rest: str) -> tuple[str, str]:
    """Join a letter to the house number, as in `123 B MAIN ST`, but not in `123 B ST` or `123 E MAIN ST`."""
    letter, _, street = rest.partition(" ")
    # O never belongs to a house number, but to a name, as in O BRIEN
    is_letter = len(letter) == 1 and letter.isalpha() and letter not in ("O", *tables.DIRECTIONALS)
    if is_letter and number.isdigit() and read_name(street.split()).suffix:
        return number + letter, street
    return number, rest


def _predirectional(words: list[str]) -> tuple[str, list[str]]:
    if len(words) > 2 and (two := _two(words[:2])) and not _is_suffix_only(words[2:]):
        return two, words[2:]
    if len(words) > 1 and words[0] in tables.DIRECTIONALS and not _is_suffix_only(words[1:]):
        return tables.DIRECTIONALS[words[0]], words[1:]
    return "", words


def _postdirectional(words: list[str]) -> tuple[str, list[str]]:
    if len(words) > 2 and (two := _two(words[-2:])):
        return two, words[:-2]
    if len(words) > 1 and words[-1] in tables.DIRECTIONALS:
        return tables.DIRECTIONALS[words[-1]], words[:-1]
    return "", words


def _two(words: Sequence[str]) -> str | None:
    both = "".join(tables.DIRECTIONALS.get(word, "?") for word in words)
    return both if both in ("NE", "NW", "SE", "SW") else None


def _is_suffix_only(words: Sequence[str]) -> bool:
    suffix = tables.suffixes().get(words[0])
    if suffix not in ONLY_SUFFIX or not all(word in tables.DIRECTIONALS for word in words[1:]):
        return False
    # in NORTH AVE W, the name is NORTH, so AVE is only a suffix; in E HIGHWAY N, the name is HIGHWAY N
    return suffix == "AVE" or not _highway(words)


def is_highway(words: Sequence[str]) -> bool:
    return _highway(words) is not None


def _highway(words: Sequence[str]) -> Street | None:
    """Parse a highway such as `US HWY 50 W` or `OLD STATE RD 7`, whose number is part of its name."""
    old = "OLD " if words[:1] == ["OLD"] else ""
    found = tables.highway(" ".join(words[1:] if old else words))
    if found is None:
        return None
    kind, rest = found
    number, *more = rest.split()
    after = tables.DIRECTIONALS.get(more[-1], "") if more else ""
    more = more[:-1] if after else more
    suffix = tables.suffixes().get(more[-1], "") if more else ""
    name = " ".join([f"{old}{kind}", number, *(more[:-1] if suffix else more)])
    return Street("", "", name, suffix, after)


def _name(words: Sequence[str], suffix: str) -> str:
    """Write ordinals in a street name in digits (`21ST`), and SAINT, MOUNT, FORT, and a final suffix in full."""
    if not words:
        return ""
    words = list(words)
    if len(words) > 1:
        words[0] = _NAME_STARTS.get(words[0], words[0])
        words[-1] = tables.suffix_names().get(words[-1], words[-1])
    for length in range(min(5, len(words)), 0, -1):
        number = tables.ordinal_words().get(" ".join(words[-length:]))
        if number is not None:
            words[-length:] = [tables.ordinal(number)]
            break
    if written := ORDINAL.fullmatch(words[-1]):
        words[-1] = tables.ordinal(int(written[1]))
    elif len(words) == 1 and words[0].isdigit() and suffix:
        words[0] = tables.ordinal(int(words[0]))
    return " ".join("MARTIN LUTHER KING" if word == "MLK" else word for word in words)
