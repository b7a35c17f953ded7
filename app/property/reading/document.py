"""Prepare a page for the readers: tree, text segments, JSON body, locale, and unrelated blocks.

Broken input raises no error: a body that cannot be parsed has no tree. A page that is too large raises
`PageTooComplexError` (`budget.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, cast
from urllib.parse import SplitResult, unquote, urlsplit

import ftfy

from app.property.fields.countries import COUNTRIES
from app.property.fields.languages import languages
from app.property.page import Page
from app.property.reading import lenient_json, terms, trees, unrelated_blocks, visibility, visitor_blocks
from app.property.reading.budget import require_few_parts, require_small_tree
from app.property.reading.visitor_objects import without_visitors
from app.property.values import marks
from app.property.values.places import US_CODES, country_of_host, country_of_language, country_of_money

#: At most this many text segments are read; the labeled pages of the evaluation have at most 3,000.
_MOST_SEGMENTS = 8_000
_MOJIBAKE = re.compile(r"Â[²£°\u00a0·]|â‚¬|Ã[¤¶¼Ÿ©±³]|Å‚|Ä…")
_DESCRIBED = frozenset({"og:title", "og:description"})
_MOJIBAKE_BEGINS = "ÂâÃÅÄ"
_WORD = re.compile(r"\w+")
#: Pages may repeat a unit's sign as a name for screen readers: `m²`, then `square meters`. The name is dropped.
_UNIT_SIGNS = frozenset({"m²", "m2", "ft²", "ft2", "sq ft", "sqft", "sq. ft.", "sq.ft."})
_UNIT_NAMES = frozenset({"square meters", "square metres", "square feet", "square meter", "square metre"})
_LANGUAGE_OF = {word: code for code, words in languages().items() for word in words.get("telltales", ())}


#: For each country, a pattern of texts that are typical of pages about this country. The most reliable patterns come
#: first.
_COUNTRY_SIGNS = tuple(
    (code, re.compile((COUNTRIES[code].signs or "(?!)").replace("<states>", "|".join(sorted(US_CODES)))))
    for code in ("IE", "CA", "GB", "US", "PL", "SE")
)


@dataclass(frozen=True, slots=True)
class Locale:
    """The language (ISO 639-1) and country (ISO 3166-1) for reading numbers, dates, and `$`, and the year in which the
    page was fetched; None if unknown.
    """

    lang: str | None
    country: str | None
    year: int | None = None


def url_parts(url: str) -> SplitResult:
    """Split a URL that a page contains. For a malformed URL, all parts are empty."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _drop_reordered(root: Any) -> None:
    """Remove texts with characters that change the display order, because visitors do not see them as written."""
    for element in root.iter():
        if element.text and marks.reorders(element.text):
            element.text = None
        if element.tail and marks.reorders(element.tail):
            element.tail = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A text node with whitespace folded to single spaces. `owner` is the element around the text, and `index` is the
    segment's position in the page.
    """

    text: str
    owner: Any
    index: int


def _shown_value(element: Any) -> str | None:
    """Return the value of a read-only or disabled text input, which a form shows as text; None for other inputs."""
    fixed = element.get("readonly") is not None or element.get("disabled") is not None
    return element.get("value") if fixed and (element.get("type") or "text").lower() == "text" else None


@dataclass
class Document:
    """A page, and the data about it that readers share."""

    page: Page
    wanted_lang: str | None = None
    distrusted: frozenset[str] = frozenset()  # scripts with many contradicted values (`Extraction.distrusted`)
    row: str | None = None  # JSON pointer of the object to read, if a JSON body contains several
    _paths: dict[Any, str] = field(default_factory=dict)
    _made: dict[Any, Any] = field(default_factory=dict)
    _elements: trees.Elements | None = None

    @cached_property
    def text(self) -> str:
        """Return the body's text with repaired double encoding and without invisible characters."""
        require_few_parts(self.page.url, self.page.text)
        raw = marks.without_unseen(self.page.text.replace("\x00", ""))
        twice = not raw.isascii() and any(c in raw for c in _MOJIBAKE_BEGINS) and _MOJIBAKE.search(raw)
        return ftfy.fix_encoding(raw) if twice else raw

    @cached_property
    def json(self) -> Any:
        """Return the parsed JSON body without visitors' texts; None if the body is not a JSON object or array."""
        head = self.text.lstrip("\ufeff \r\n\t")[:1]
        if head not in ("{", "[") or "html" in self.page.content_type:
            return None
        value = lenient_json.loads(self.text.lstrip("\ufeff"))
        return without_visitors(lenient_json.unpacked(value)) if isinstance(value, dict | list) else None

    def of_row(self, row: str) -> Document:
        """Return a document of the same JSON body. Its readers read only the object at the JSON pointer `row`."""
        narrowed = replace(self, row=row, _paths={}, _made={})
        narrowed.__dict__["json"] = self.json  # avoids a second parsing
        return narrowed

    @cached_property
    def root(self) -> Any:
        """Return the root element; None for JSON and for empty or unreadable bodies.

        Invisible text and visitors' texts are removed.
        """
        if self.json is not None or not self.text.strip():
            return None
        root = trees.parsed(self.text)
        if root is None:
            return None
        require_small_tree(self.page.url, root)
        visitor_blocks.remove_visitors(root)
        self._elements = trees.Elements(root)
        visibility.blank(root)
        if marks.reorders(self.text):
            _drop_reordered(root)
        return root

    @cached_property
    def title_element(self) -> Any:
        """Parsers move the `<title>` into the body if visible content precedes it."""
        return next(self.root.iter("title"), None) if self.root is not None else None

    @cached_property
    def title(self) -> str:
        return trees.whole_text(self.title_element) if self.title_element is not None else ""

    @cached_property
    def title_path(self) -> str:
        return self.path(self.title_element) if self.title_element is not None else "/html/head/title"

    def having(self, *attributes: str) -> list[Any]:
        return self._elements.having(*attributes) if self.root is not None and self._elements else []

    @cached_property
    def heading(self) -> Any:
        return next(self.root.iter("h1"), None) if self.root is not None else None

    @cached_property
    def heading_text(self) -> str:
        return trees.whole_text(self.heading) if self.heading is not None else ""

    @cached_property
    def headline(self) -> str:
        """The title, and the beginning of the heading."""
        return f"{self.title} {self.heading_text[:200]}"

    @cached_property
    def described(self) -> list[Any]:
        found = self.root.iter("meta") if self.root is not None else ()
        return [e for e in found if e.get("property") in _DESCRIBED or e.get("name") == "description"]

    @cached_property
    def url(self) -> str:
        """Return the page's own URL: its canonical link or og:url, else the URL after redirects."""
        if self.root is None:
            return self.page.final_url
        found = [e.get("href") or "" for e in self.root.iter("link") if e.get("rel") == "canonical"]
        found += [e.get("content") or "" for e in self.root.iter("meta") if e.get("property") == "og:url"]
        absolute = [u.strip() for u in found if u.strip().startswith("http") and len(url_parts(u.strip()).path) > 1]
        return absolute[0] if absolute else self.page.final_url

    @cached_property
    def ids(self) -> frozenset[str]:
        """Return the tokens of the page's URLs that look like an id: at least four characters, one of them a digit."""
        tokens: set[str] = set()
        for address in {self.url, self.page.final_url, self.page.url}:
            parts = url_parts(unquote(address))
            tokens |= set(re.split(r"[^\w-]+|_", f"{parts.path} {parts.query} {parts.fragment}"))
            tokens |= set(re.split(r"[^A-Za-z0-9]+", f"{parts.path} {parts.query} {parts.fragment}"))
        return frozenset(t.lower() for t in tokens if len(t) >= 4 and any(c.isdigit() for c in t))

    @cached_property
    def locale(self) -> Locale:
        lang = self.wanted_lang or self._declared_language() or self._guessed_language
        host = url_parts(self.url).hostname or url_parts(self.page.final_url).hostname or ""
        declared = self.root.get("lang") if self.root is not None else None
        country = (
            country_of_host(host)
            or self._evident_country()  # more reliable than the language: many sites declare en-US
            or country_of_language(declared)
            or self._locale_country()
            or country_of_money(lang, f"{self.title} " + " ".join(s.text for s in self.segments[:80]))
            or country_of_language(lang)
        )
        return Locale(lang, country, self.page.fetched_at.year)

    def _declared_language(self) -> str | None:
        if self.root is None:
            return None
        declared = (self.root.get("lang") or self.root.get("{http://www.w3.org/XML/1998/namespace}lang") or "").strip()
        guessed = self._guessed_language
        language = declared.replace("_", "-").partition("-")[0].lower()
        return guessed if language in ("", "en") and guessed not in (None, "en") else language or None

    @cached_property
    def _guessed_language(self) -> str | None:
        sample = " ".join(s.text for s in self.segments[:1500])[:20_000]
        counts = dict.fromkeys(_LANGUAGE_OF.values(), 0)
        for word in _WORD.findall(sample):
            if word in _LANGUAGE_OF:
                counts[_LANGUAGE_OF[word]] += 1
        best = max(counts, key=lambda lang: counts[lang])
        return best if counts[best] >= 5 else None

    def _evident_country(self) -> str | None:
        """Return the country whose signs, such as postal codes, are in the title or first lines; otherwise None."""
        head = f"{self.title} " + " ".join(s.text for s in self.segments[:80] if len(s.text) <= 160)
        return next((code for code, pattern in _COUNTRY_SIGNS if pattern.search(head)), None)

    def _locale_country(self) -> str | None:
        found = self.root.xpath("//meta[@property='og:locale']/@content") if self.root is not None else []
        return country_of_language(found[0]) if found else None

    @cached_property
    def skipped(self) -> frozenset[Any]:
        """Return the elements unrelated to this property: navigation, footers, filters, and other properties."""
        if self.root is None:
            return frozenset()
        return unrelated_blocks.skipped(self.root)

    def is_skipped(self, element: Any) -> bool:
        return trees.is_inside(element, self.skipped)

    @cached_property
    def segments(self) -> list[Segment]:
        """Return the segments of visible text in document order, except text in `skipped` elements."""
        found: list[Segment] = []
        if self.root is not None:
            body = self.root.find("body")
            self._collect(body if body is not None else self.root, self.skipped, found)
        return found

    @cached_property
    def segments_beside(self) -> list[Segment]:
        """Return the segments of visible text in `skipped` elements, such as menus and other properties."""
        found: list[Segment] = []
        if self.root is not None:
            unread = {e for e in self.skipped if not isinstance(e.tag, str) or e.tag in unrelated_blocks.NEVER_TEXT}
            for element in self.root.iter():
                if (
                    element in self.skipped
                    and element not in unread
                    and self.skipped.isdisjoint(element.iterancestors())
                ):
                    self._collect(element, unread, found)
        return found

    def _collect(self, root: Any, skipped: Set[Any], found: list[Segment]) -> None:
        stack: list[tuple[Any, str | None, Any]] = [(root, None, None)]
        while stack and len(found) < _MOST_SEGMENTS:
            element, tail, owner = stack.pop()
            if element is None:
                self._append(tail, owner, found)
                continue
            if element in skipped:
                continue
            self._append(_shown_value(element) if element.tag == "input" else element.text, element, found)
            for child in reversed(element):
                stack.append((None, child.tail, element))
                stack.append((child, None, None))

    @staticmethod
    def _append(text: str | None, owner: Any, found: list[Segment]) -> None:
        folded = " ".join(text.split()) if text else ""
        if folded == "2" and owner.tag == "sup" and found and found[-1].text[-1:] in "mt":
            found[-1] = Segment(found[-1].text + "2", found[-1].owner, found[-1].index)
        elif folded and not (found and found[-1].text in _UNIT_SIGNS and folded.casefold() in _UNIT_NAMES):
            found.append(Segment(folded, owner, len(found)))

    @cached_property
    def abbreviates(self) -> bool:
        """Return whether the page is a printed listing sheet: at least five of its labels are abbreviated."""
        return len({s.text for s in self.segments if s.text.endswith(":") and terms.is_abbreviation(s.text)}) >= 5

    def once[T](self, make: Callable[[Document], T]) -> T:
        """Return `make(self)`, computed once and shared by all readers."""
        if make not in self._made:
            self._made[make] = make(self)
        return cast("T", self._made[make])

    def meaning(self, label: str) -> terms.Meaning | None:
        """Return the meaning of a visible label on this page; None for an unknown label."""
        return terms.label_meaning(label, self.locale.lang, sheet=self.abbreviates)

    def path(self, element: Any) -> str:
        if element not in self._paths:
            self._paths[element] = str(element.getroottree().getpath(element))
        return self._paths[element]
