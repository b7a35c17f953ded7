"""Find a person's name in a text: in either order, with initials, across tags and JSON keys.

The caller decides which words are a name, because it may know only hashes of the name. `Jane Doe` is found as:
- `Jane Doe`, `JANE DOE`, `Jane Q Doe`, `jane-doe`, `jane.doe@`, `Jane <b>Doe</b>`, `"first":"Jane","last":"Doe"`
- `Doe, Jane`, or without a comma in capitals, as assessment rolls write names: `DOE JANE Q`
- `Jane & John Doe`, `DOE JOHN & JANE`: two given names share a family name, and only the person's given name matches

`Jane Doe` is not found in `Jane Doe-Smith`, `Jane Doe Street`, and `Mary Jane Doe`, nor if a sentence ends after
`Jane`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.property.people.given_names import GIVEN_NAMES
from app.property.people.names import JOINING, SUFFIXES
from app.property.people.words import WORD, Text, Word, plain_form, unescaped, words_of

#: The separators within a name. A period followed by a space is a separator only after an initial.
_GAP = re.compile(r"""[\s\-_+.'"“”‘’\u00b7\u200b\u200d\ufeff\u00ad]{1,6}""")
_STOP = re.compile(r"[.]['\"”’]?\s")
_COMMA = re.compile(r"\s{0,2},\s{0,3}")
#: Matches the punctuation and blanks between two values that only a JSON key, label, or attribute name separates.
_KEYED = re.compile(r"""[\s"'\\:,={}\[\]_\-.>]{1,24}""")
_KEYS = frozenset(
    {"first", "last", "middle", "given", "family", "sur", "name", "firstname", "lastname", "middlename", "givenname",
     "familyname", "surname", "fname", "lname", "agentfirstname", "agentlastname", "agentfirst", "agentlast"}
)  # fmt: skip
#: Replaces a JSON key between two values of one object.
_OBJECT = "{}"
_TAG = re.compile(r"<[!/?A-Za-z][^<>]{0,4000}>")
_AMPERSAND = re.compile(r"[.]?\s{0,2}&\s{0,2}")
#: Words that may follow two given names in an assessment roll, but are not family names.
_AFTER_COUPLES = frozenset({"trustee", "trustees", "tr", "trs", "trust", "etal", "et", "jt", "hw", "jr", "sr"})
#: A name before one of these words is a street's or school's, not a person's.
_STREET_WORDS = (
    "st street rd road ave avenue blvd boulevard dr drive ln lane ct court pl place pkwy parkway hwy highway way ter "
    "terrace cir circle park school elementary"
)
_STREETS = frozenset(_STREET_WORDS.split())
_MOST_WORDS = 6


@dataclass(frozen=True, slots=True)
class Match:
    words: tuple[Word, ...]

    @property
    def start(self) -> int:
        return min(word.start for word in self.words)

    @property
    def end(self) -> int:
        return max(word.end for word in self.words)


def find_names(text: str, may_begin: Callable[[str], bool], is_name: Callable[[tuple[str, ...]], bool]) -> list[Match]:
    """Return all places in `text` where a name occurs, in order.

    `may_begin` returns False for words that cannot be part of a name; the function must be fast. `is_name` decides
    whether a sequence of plain words, given name first, is a name. A `*` at the end of a word matches any word with
    that prefix.
    """
    whole = unescaped(text)
    beginnings = {plain for plain in map(plain_form, set(WORD.findall(whole.plain))) if plain and may_begin(plain)}
    if not beginnings:
        return []
    words = [word for word in words_of(whole) if word.plain]
    found = dict[tuple[int, ...], Match]()
    for stream, gaps in _streams(whole, words):
        for n, word in enumerate(stream):
            if word.plain in beginnings:
                match = _match_at(stream, gaps, n, is_name)
                if match is not None:
                    found.setdefault(tuple(word.start for word in match.words), match)
        for match in _couples(stream, gaps, is_name):
            found.setdefault(tuple(word.start for word in match.words), match)
    return _without_nested(found.values())


def _streams(whole: Text, words: list[Word]) -> list[tuple[list[Word], list[str]]]:
    """Return up to three lists of words, each with the text after every word: all words, the words outside tags, and
    the words that are not JSON keys.
    """
    streams = [(words, _gaps(whole, words))]
    tags = [match.span() for match in _TAG.finditer(whole.plain)]
    if tags:
        bare, place = list[Word](), 0
        for word in words:
            while place < len(tags) and tags[place][1] <= word.at:
                place += 1
            if place == len(tags) or word.stop <= tags[place][0]:
                bare.append(word)
        streams.append((bare, [_TAG.sub(" ", gap) if "<" in gap else gap for gap in _gaps(whole, bare)]))
    if any(word.plain in _KEYS for word in words):
        values = [word for word in words if word.plain not in _KEYS]
        streams.append((values, [_without_keys(gap) for gap in _gaps(whole, values)]))
    return streams


def _gaps(whole: Text, words: Sequence[Word]) -> list[str]:
    nexts = [*(after.at for after in words[1:]), len(whole.plain)] if words else []
    return [whole.plain[word.stop : min(at, word.stop + 4100)] for word, at in zip(words, nexts, strict=True)]


def _without_keys(gap: str) -> str:
    """Return `_OBJECT` if `gap` separates two values of one object, such as `","lastName":"`; else return `gap`."""
    letters = re.findall(r"[^\W\d_]+", gap)
    if not letters or any(word.casefold() not in _KEYS for word in letters):
        return gap
    return _OBJECT if _KEYED.fullmatch(re.sub(r"[^\W\d_]+", "", gap)) else gap


def _match_at(
    stream: Sequence[Word], gaps: Sequence[str], start: int, is_name: Callable[[tuple[str, ...]], bool]
) -> Match | None:
    """Return the longest name that begins with the word at `start`."""
    window, comma, is_object = [stream[start]], 0, False
    best: Match | None = None
    while True:
        forms = _forms(window, comma, is_object=is_object)
        if any(map(is_name, forms)) and _stands_alone(stream, gaps, start, len(window)):
            best = Match(tuple(window))
        last = start + len(window) - 1
        if len(window) == _MOST_WORDS or last + 1 >= len(stream):
            return best
        gap = gaps[last]
        if gap == _OBJECT:
            is_object = True
        elif _COMMA.fullmatch(gap) and not comma:
            comma = len(window)
        elif not _GAP.fullmatch(gap) or (_STOP.match(gap) and len(stream[last].plain) > 1):
            return best
        window.append(stream[last + 1])


def _forms(window: Sequence[Word], comma: int, *, is_object: bool) -> list[tuple[str, ...]]:
    """Return the names that the words may be, given name first. `comma` is the number of words before a comma, or 0."""
    words = tuple(word.plain for word in window)
    if comma == len(words):
        return []
    is_turned = comma and words[comma] not in SUFFIXES
    orders = [words[comma:] + words[:comma]] if is_turned else [words]
    if not comma and len(words) > 1 and (is_object or all(word.text.isupper() for word in window)):
        orders.append(words[1:] + words[:1])
        orders += [(words[-1], *words[1:-1], words[0])] if is_object and len(words) > 2 else []
    forms = list[tuple[str, ...]]()
    for order in orders:
        forms.append(order)
        if len(order) >= 3:
            forms.append((order[0], f"{order[1][0]}*", *order[2:]))
            if len(order[1]) == 1:
                forms.append((order[0], *order[2:]))
    return forms


def _couples(
    stream: Sequence[Word], gaps: Sequence[str], is_name: Callable[[tuple[str, ...]], bool]
) -> Iterator[Match]:
    """Yield the names of people who share a family name: `Jane & John Doe`, `DOE JOHN A & JANE Q`."""
    for n in range(1, len(stream)):
        if _AMPERSAND.fullmatch(gaps[n - 1]):
            first, second = n - 1, n
        elif stream[n].plain in JOINING and n + 1 < len(stream) and _is_blank(gaps[n - 1]) and _is_blank(gaps[n]):
            first, second = n - 1, n + 1
        else:
            continue
        yield from _family_last(stream, gaps, first, second, is_name)
        yield from _family_first(stream, gaps, first, second, is_name)


def _family_last(
    stream: Sequence[Word], gaps: Sequence[str], first: int, second: int, is_name: Callable[[tuple[str, ...]], bool]
) -> Iterator[Match]:
    """Yield `Jane` in `Jane & John Doe`: Jane's name ends at `first`, and John's begins at `second`."""
    given = _given_at(stream, gaps, first, back=True)
    if not _is_capital(given[0]) or not _is_capital(stream[second]):
        return
    last = second + 1
    while last < len(stream) and last <= second + 3 and _GAP.fullmatch(gaps[last - 1]) and _is_capital(stream[last]):
        for start in range(second + 1, last + 1):
            family = tuple(word.plain for word in stream[start : last + 1])
            if len(family[-1]) > 1 and _is_one(given, family, is_name):
                yield Match(tuple(given))
        last += 1


def _family_first(
    stream: Sequence[Word], gaps: Sequence[str], first: int, second: int, is_name: Callable[[tuple[str, ...]], bool]
) -> Iterator[Match]:
    """Yield `JANE Q` in `DOE JOHN A & JANE Q`: `first` ends John's name, `second` begins Jane's given names."""
    given = _given_at(stream, gaps, second, back=False)
    end = second + len(given)
    if end < len(stream) and _is_blank(gaps[end - 1]) and stream[end].plain not in _AFTER_COUPLES:
        return
    for start in range(first - 1, max(first - 4, -1), -1):
        inner = stream[start:first]
        commas = [_COMMA.fullmatch(gap) is not None for gap in gaps[start:first]]
        if not all(comma or _GAP.fullmatch(gap) for comma, gap in zip(commas, gaps[start:first], strict=True)):
            return
        capitals = all(word.text.isupper() for word in (*inner, *given))
        for size in range(1, len(inner) + 1):
            family = tuple(word.plain for word in inner[:size])
            if (commas[size - 1] or capitals) and _is_one(given, family, is_name):
                yield Match(tuple(given))


def _given_at(stream: Sequence[Word], gaps: Sequence[str], at: int, *, back: bool) -> list[Word]:
    """Return the given name, with any middle initial, that ends (if `back`) or begins at the word `at`."""
    given, initial = (at - 1, at) if back else (at, at + 1)
    has_initial = given >= 0 and initial < len(stream) and len(stream[initial].plain) == 1
    if has_initial and _GAP.fullmatch(gaps[given]):
        return [stream[given], stream[initial]]
    return [stream[at]]


def _is_one(given: Sequence[Word], family: tuple[str, ...], is_name: Callable[[tuple[str, ...]], bool]) -> bool:
    words = tuple(word.plain for word in given)
    return is_name((*words, *family)) or is_name((words[0], *family))


def _is_capital(word: Word) -> bool:
    return word.text[0].isupper()


def _stands_alone(stream: Sequence[Word], gaps: Sequence[str], start: int, count: int) -> bool:
    """Return whether a match is not part of a longer name, such as `Jane Doe-Smith`, `Mary Jane Doe`, or `Jane Doe
    Street`.
    """
    if count == 1:
        return True
    before = gaps[start - 1] if start else ""
    after = gaps[start + count - 1] if start + count < len(stream) else ""
    inner = gaps[start : start + count - 1]
    is_slug = any(set(gap) <= set("-_+.") for gap in inner)
    if not is_slug and ((before == "-" and start) or after == "-"):
        return False
    if _is_blank(after) and stream[start + count].plain in _STREETS:
        return False
    is_further = _is_blank(before) and stream[start - 1].plain in GIVEN_NAMES
    return not (is_further and stream[start - 1].text[0].isupper())


def _is_blank(gap: str) -> bool:
    return bool(gap) and set(gap) <= set(" \t\u00a0")


def _without_nested(matches: Iterable[Match]) -> list[Match]:
    ordered = sorted(matches, key=lambda match: (match.start, -match.end))
    kept = list[Match]()
    for match in ordered:
        if not any(set(match.words) <= set(other.words) for other in kept[-3:]):
            kept.append(match)
    return kept
