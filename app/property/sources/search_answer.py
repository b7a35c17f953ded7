"""Parse the answer of a web search into cited pages and claims about them. No I/O.

The answer is a text in which citations (`url_citation`) follow the statements. A model wrote it from untrusted pages,
so a statement is not evidence. A statement is stored as a claim with the page that it cites. A claim becomes a value
only if the page itself states it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from app.errors.targets import InvalidTargetError
from app.property.page import Page
from app.property.reading import phrases
from app.property.reading.base import Candidate, Reading
from app.property.reading.document import Document, Locale
from app.property.reading.readings import candidates_of, typed
from app.property.reading.terms import meaning
from app.property.record import DERIVED_FIELDS, FIELDS, Method, fits
from app.property.urls.targets import normalize_url

_URL = re.compile(r"https?://[^\s()\[\]<>\"']+")
_LABELED = re.compile(r"^\W*([A-Za-z][\w /#-]{1,38}?)\W{0,3}:\s*(\S.*?)\W*$", re.DOTALL)
_MARKS = re.compile(r"[*_`|]+")
_LOCALE = Locale("en", "US")
_SHORT = 300
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class UnverifiedClaim:
    """A value that, according to the answer, the page `url` states. `quote` is the statement."""

    field: str
    value: Any
    quote: str
    url: str


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """The parsed answer of a web search.

    `cited` are the normalized URLs of cited pages, in the order of their citations. `visited` are the pages that the
    search reports as opened or found. `uncited` are other URLs in the text. If the answer is unusable, `flaw` is
    `refused`, `incomplete`, or `empty`, and `explanation` gives the details.
    """

    cited: tuple[str, ...] = ()
    visited: tuple[str, ...] = ()
    uncited: tuple[str, ...] = ()
    claims: tuple[UnverifiedClaim, ...] = ()
    flaw: str = ""
    explanation: str = ""

    def without(self, urls: Set[str]) -> SearchAnswer:
        cited, visited, uncited = (
            tuple(url for url in some if url not in urls) for some in (self.cited, self.visited, self.uncited)
        )
        claims = tuple(claim for claim in self.claims if claim.url not in urls)
        return replace(self, cited=cited, visited=visited, uncited=uncited, claims=claims)

    def urls(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.cited, *self.visited, *self.uncited)))


def read_answer(output: Sequence[Any], status: str = "completed", reason: str = "") -> SearchAnswer:
    """Parse the `output` items of a response. Malformed items are ignored.

    `status` is the status of the response. `reason` explains a status other than "completed": `incomplete_details` or
    the message of `error`.
    """
    items = [item for item in output if isinstance(item, Mapping)]
    parts = [part for item in items if item.get("type") == "message" for part in _mappings(item.get("content"))]
    visited = tuple(dict.fromkeys(url for item in items for url in _looked_at(item)))
    cited: dict[str, None] = {}
    claims: dict[tuple[str, str], UnverifiedClaim] = {}
    named: dict[str, None] = {}
    for part in parts:
        text = part.get("text")
        if not isinstance(text, str):
            continue
        named.update(dict.fromkeys(filter(None, map(_target, _URL.findall(text)))))
        for url, claim in _citations(text, _mappings(part.get("annotations"))):
            cited[url] = None
            for one in _claims(claim, url):
                claims.setdefault((one.field, one.url), one)
    flaw, explanation = _flaw(parts, status, reason)
    uncited = tuple(url for url in named if url not in cited and url not in visited)
    return SearchAnswer(tuple(cited), visited, uncited, tuple(claims.values()), flaw, explanation)


def _flaw(parts: Sequence[Mapping[str, Any]], status: str, reason: str) -> tuple[str, str]:
    refusal = next((str(part.get("refusal")) for part in parts if part.get("type") == "refusal"), None)
    if refusal is not None or reason == "content_filter":
        return "refused", f"the model refused to answer: {(refusal or reason)[:_SHORT]}"
    if status not in ("completed", ""):
        return "incomplete", f"the answer is {status[:40]}{f' ({reason[:_SHORT]})' if reason else ''}"
    if not any(isinstance(part.get("text"), str) and part["text"].strip() for part in parts):
        return "empty", "the answer is empty"
    return "", ""


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _target(url: Any) -> str | None:
    if not isinstance(url, str) or not url.lower().startswith(("http://", "https://")):
        return None
    try:
        return normalize_url(url.rstrip(".,;"))
    except InvalidTargetError:
        return None


def _looked_at(item: Mapping[str, Any]) -> Iterator[str]:
    action = item.get("action")
    if item.get("type") != "web_search_call" or not isinstance(action, Mapping):
        return
    for url in (action.get("url"), *(source.get("url") for source in _mappings(action.get("sources")))):
        if (target := _target(url)) is not None:
            yield target


def _citations(text: str, annotations: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield each cited URL with the words that it supports: those since the previous citation or the start of the line.

    If there are none, the citation supports the same words as the previous one.
    """
    before, words = 0, ""
    marks = [a for a in annotations if a.get("type") == "url_citation" and _is_span(a, text)]
    for mark in sorted(marks, key=lambda a: int(a["start_index"])):
        url, start, end = _target(mark.get("url")), int(mark["start_index"]), int(mark["end_index"])
        line = max(text.rfind("\n", 0, start) + 1, min(before, start))
        fresh = " ".join(_MARKS.sub(" ", text[line:start]).split()).strip(" -•;,")
        words = fresh if re.search(r"\w", fresh) else words
        before = end
        if url is not None:
            yield url, words


def _is_span(mark: Mapping[str, Any], text: str) -> bool:
    start, end = mark.get("start_index"), mark.get("end_index")
    return isinstance(start, int) and isinstance(end, int) and 0 <= start <= end <= len(text)


def _claims(claim: str, url: str) -> Iterator[UnverifiedClaim]:
    if not claim or len(claim) > _SHORT:
        return
    for found in _values(claim):
        askable = found.field in FIELDS and found.field not in DERIVED_FIELDS and FIELDS[found.field].type != "rows"
        if askable and fits(found.field, found.value):
            yield UnverifiedClaim(found.field, found.value, claim, url)


def _values(claim: str) -> Iterator[Candidate]:
    labeled = _LABELED.match(claim)
    field = _field(labeled[1]) if labeled else None
    if labeled is None or field is None:
        yield from _of_sentence(claim)
        return
    reading = Reading(field, labeled[2], Method.WEB_SEARCH, "", claim, 0.3, labeled[1])
    yield from candidates_of(reading, _LOCALE)


def _field(label: str) -> str | None:
    name = label.replace(" ", "")
    if name in FIELDS:
        return name
    found = meaning(label, _LOCALE.lang)
    return found.field if found is not None else None


def _of_sentence(claim: str) -> Iterator[Candidate]:
    body = f"<html lang=en><body><p>{claim.replace('<', '&lt;')}</p></body></html>"
    page = Page("", "http://answer.invalid/", "text/html", body, body.encode(), _NEVER)
    yield from typed(phrases.read(Document(page, "en")), _LOCALE)
