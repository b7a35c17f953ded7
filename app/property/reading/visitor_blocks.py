"""Remove what visitors of a site wrote from a page's tree: comments, reviews, questions and answers, guest books.

A block is found by its types, names, or heading (`visitor_words.py`), as a quotation with an author, or by its form:
several elements alike that begin or end with a person and a date. The element stays, without content and attributes,
so that XPaths remain valid.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice, pairwise
from typing import Any

from app.property.fields.phrases import pattern
from app.property.reading.signatures import Signature, signatures
from app.property.reading.trees import is_inside, spaced_text, whole_text
from app.property.reading.visitor_words import INVITES, SIGNED, TYPE, Kind, Named, of_heading, of_name

_TEXTLESS = frozenset({"script", "style", "noscript", "template", "select", "svg", "iframe", "head"})
#: Elements of the whole page, and elements that hold a single field of a form or record.
_WHOLE = frozenset({"html", "head", "body", "main", "script", "style", "meta", "link", "h1", "title"})
_FIELDS = frozenset({"td", "th", "tr", "dt", "dd", "label", "input", "textarea", "span", "a", "button", "i", "option"})
_NAMED_BY = frozenset({"class", "id", "role"})
_TYPED_BY = frozenset({"itemtype", "typeof"})
_PROPERTIES = frozenset({"review", "reviews", "comment", "suggestedAnswer", "acceptedAnswer"})
_HEADINGS, _LABELS = ("h2", "h3", "h4", "h5", "h6"), ("div", "p", "span", "strong", "b", "summary", "legend")
_LINKS = frozenset({"a", "button", "nav", "header", "footer"})
_AUTHOR_NAMES = re.compile(r"author|avatar|commenter|reviewer|user-?name|reply|posted", re.IGNORECASE)
_ASKS = re.compile(r"(?:^|\s)Q\s?[:.)]\s|(?:\S+\s+){3,}\S+\s?[?？]\s*$")
_ENDS_SIGNED = re.compile(r"[—–-]\s?\W?[^\W\d_][\w.'’-]*(?:\s[\w.'’-]+){0,4}(?:,.{0,40})?$")
_PROSE = re.compile(r"(?:[^\W\d_A-Z][^\W\d_]+[,;]?\s+){4}")
_AUTHORITY = pattern("pages", "record")
#: Maximum levels between a heading and its section, texts at a section's beginning, elements of one comment without an
#: element of its own, siblings that are comments, and characters in one comment.
_MOST_CLIMB, _MOST_TEXTS, _MOST_RUN, _MOST_ALIKE, _COMMENT_CHARS = 3, 40, 8, 300, 6_000
#: A section has more characters than its heading; a text has more than its signature; a label is at most this long.
_SECTION_CHARS, _TEXT_CHARS, _LABEL_CHARS = 12, 8, 60


def remove_visitors(root: Any) -> None:
    """Empty the elements below `root` that hold visitors' texts."""
    page = _Page(root)
    for block in page.blocks():
        del block[:]
        block.text = None
        for name in block.keys():  # noqa: SIM118 (an element's own iteration gives its children)
            if name not in ("class", "id"):
                del block.attrib[name]
    for element in page.tails:
        element.tail = None


class _Page:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._elements = [e for e in root.iter() if isinstance(e.tag, str)]
        self._found: set[Any] = set()
        self._invites = False
        self.tails: set[Any] = set()  # elements whose following text also belongs to visitors

    def blocks(self) -> set[Any]:
        inside: set[Any] = set()
        for element in self._elements:
            is_inside_block = element.getparent() in inside
            if not is_inside_block and element.tag not in _WHOLE and self._is_named(element):
                self._add(element)
            if is_inside_block or element in self._found:
                inside.add(element)
        for element in self._elements:
            if element.tag in _HEADINGS or element.tag in _LABELS:
                self._add_under(element)
            elif element.tag == "blockquote" and _is_by_someone(element):
                self._add(element.getparent() if element.getparent().tag == "figure" else element)
        self._add_signed()
        return self._found

    def _add(self, *elements: Any) -> None:
        self._found.update(e for e in elements if e.tag not in _WHOLE and not self._is_whole(e))

    def _is_known(self, element: Any) -> bool:
        return is_inside(element, self._found)

    @cached_property
    def _h1(self) -> list[Any]:
        return [e for e in self._elements if e.tag == "h1"]

    @cached_property
    def _is_authoritys(self) -> bool:
        """Return whether the page's title or heading is an authority's, whose records have comments of its own."""
        title = next((e for e in self._elements if e.tag == "title"), None)
        texts = [whole_text(e) for e in (title, *self._h1[:1]) if e is not None]
        return any(_AUTHORITY.search(text[:300]) for text in texts)

    def _is_whole(self, element: Any) -> bool:
        """Return whether the element wraps the page: all its main headings, or, without these, all figures."""
        if self._h1:
            return element in self._around_h1
        return self._figures[element] == self._figures[self._root]

    @cached_property
    def _around_h1(self) -> frozenset[Any]:
        return frozenset.intersection(*(frozenset(h1.iterancestors()) for h1 in self._h1[:20]))

    @cached_property
    def _figures(self) -> dict[Any, int]:
        """Return the number of texts with a digit in each element."""
        counts = dict.fromkeys(self._elements, 0)
        for element in reversed(self._elements):
            is_shown = element.tag not in _TEXTLESS
            counts[element] = counts[element] * is_shown + (is_shown and _has_digit(element.text))
            if (parent := element.getparent()) in counts:
                counts[parent] += counts[element] + _has_digit(element.tail)
        return counts

    # --- by types and names ------------------------------------------------------------------------------------------

    def _is_named(self, element: Any) -> bool:
        names = [element.tag] if "-" in element.tag else []
        for attribute, value in element.items():
            if attribute in _TYPED_BY and TYPE.search(value):
                return True
            if attribute in ("itemprop", "property") and not _PROPERTIES.isdisjoint(value.split()):
                return True
            if attribute in _NAMED_BY or attribute.startswith("data-"):
                names += value.split()[:20] if len(value) <= 400 else []
            elif attribute == "aria-label" and of_heading(value, True) is not None:
                names.append(value)
        found = [named for name in dict.fromkeys(names) if (named := of_name(name)) is not None]
        if any(named.kind is Kind.TEXTS for named in found):
            return True
        is_field = element.tag in _FIELDS
        return not is_field and any(self._are_visitors(named, [element]) for named in found)

    def _are_visitors(self, named: Named, block: Sequence[Any]) -> bool:
        """Return whether a block that may be an authority's or agent's own text is signed, or else cannot be theirs."""
        if named.kind is Kind.COMMENTS and not named.is_own and not self._is_authoritys:
            headings = (of_heading(text, False) for one in block[:1] for text in _headings_of(one))
            if not any(heading is not None and heading.is_own for heading in headings):
                return True
        return any(_is_signed(one, asks=named.kind is Kind.QUESTIONS) for one in block)

    # --- by heading --------------------------------------------------------------------------------------------------

    def _add_under(self, heading: Any) -> None:
        is_label = heading.tag in _LABELS
        if is_label and (len(heading) > 1 or len(heading.text or "") > _LABEL_CHARS):
            return
        text = " ".join(" ".join(islice(heading.itertext(), 8)).split())
        named = of_heading(text, is_label)
        if named is None or self._is_known(heading) or any(e.tag in _LINKS for e in islice(heading.iterancestors(), 4)):
            return
        self._invites = self._invites or INVITES.search(text) is not None or named.kind is not Kind.QUESTIONS
        block, is_section = self._section(heading, text)
        is_sure = named.kind is Kind.TEXTS and (is_section or not is_label)
        is_own = named.is_own or (is_label and not text[:1].isdigit())
        if is_sure or self._are_visitors(replace(named, is_own=is_own), block):
            self._add(*block)
            if not is_section:  # texts may stand between the elements
                self.tails.update((heading, *block))

    def _section(self, heading: Any, text: str) -> tuple[Sequence[Any], bool]:
        """Return what a heading introduces: the element that begins with it and has no other heading, or else what
        follows the heading; and whether it is such an element.
        """
        level, block = heading.tag, heading.getparent()
        for _ in range(_MOST_CLIMB):
            if block is None or block.tag in _WHOLE:
                break
            content = " ".join(" ".join(islice(block.itertext(), _MOST_TEXTS)).split())
            begins = 0 <= content.find(text[:30], 0, 100) <= (60 if level in _HEADINGS else 3)
            if not begins or len(content) > len(text) + _SECTION_CHARS:
                others = (e for e in block.iter("h1", *_HEADINGS) if e is not heading and _ranks(e, level))
                if begins and next(others, None) is None:
                    return (block,), True
                break
            heading, block = block, block.getparent()
        return list(_until_heading(heading, level)), False

    # --- by form -----------------------------------------------------------------------------------------------------

    def _add_signed(self) -> None:
        body = self._root.find("body")
        signed = [one for one in signatures(self._root if body is None else body) if not self._is_known(one.element)]
        for one, other in pairwise(signed):
            if not self._is_known(one.element) or not self._is_known(other.element):
                self._add_pair(one, other)
        for one in signed if self._invites else ():
            if not self._is_known(one.element):
                self._add(*_around(one))

    def _add_pair(self, one: Signature, other: Signature) -> None:
        if one.element is other.element:
            self._add(one.element)
            return
        first, second = _branches(one.element, other.element)
        if first is None or second is None or (first.tag, first.get("class")) != (second.tag, second.get("class")):
            return
        if all(_is_comment(branch, signature) for branch, signature in ((first, one), (second, other))):
            alike = (e for e in islice(first.getparent(), _MOST_ALIKE) if isinstance(e.tag, str))
            self._add(*(e for e in alike if (e.tag, e.get("class")) == (first.tag, first.get("class"))))
        elif all(len(spaced_text(b)) <= len(s.text) + _TEXT_CHARS for b, s in ((first, one), (second, other))):
            run = [first]
            for element in islice(first.itersiblings(), _MOST_RUN):
                if element is second:
                    self._add(*run, second, *islice(_until_heading(second, "h6"), len(run) - 1))
                    return
                run.append(element)


def _has_digit(text: str | None) -> bool:
    return text is not None and any(map(str.isdigit, text))


def _ranks(heading: Any, level: str) -> bool:
    """Return whether `heading` ranks at least as high as a heading or label of the tag `level`."""
    return level in _LABELS or bool(heading.tag <= level)


def _until_heading(element: Any, level: str) -> Iterator[Any]:
    for behind in islice(element.itersiblings(), _MOST_ALIKE):
        first = behind if behind.tag in ("h1", *_HEADINGS) else next(iter(behind), None)
        if first is not None and first.tag in ("h1", *_HEADINGS) and _ranks(first, level):
            return
        yield behind


def _headings_of(block: Any) -> Iterator[str]:
    """Yield the first text of the block, and the heading right before the block or an element around it."""
    yield next((text.strip() for text in block.itertext() if text.strip()), "")
    for element in (block, *islice(block.iterancestors(), _MOST_CLIMB - 1)):
        before = element.getprevious()
        if before is not None and before.tag in _HEADINGS:
            yield whole_text(before)


def _is_by_someone(quote: Any) -> bool:
    """Return whether a quotation has an author: an element for it, a caption, or a line behind a dash."""
    if quote.get("cite") or next(quote.iter("cite", "footer", "figcaption"), None) is not None:
        return True
    parent, behind = quote.getparent(), quote.getnext()
    if parent is None or parent.tag == "figure":
        return parent is not None
    line = spaced_text(behind) if behind is not None and isinstance(behind.tag, str) else ""
    named = behind is not None and (behind.tag == "cite" or _AUTHOR_NAMES.search(behind.get("class") or ""))
    return bool(named or (line[:1] in "—–-" and len(line) <= 80)) or _ENDS_SIGNED.search(spaced_text(quote)) is not None


def _is_signed(block: Any, *, asks: bool) -> bool:
    """Return whether the block has an author or date of a visitor's text, or, if `asks`, a question."""
    for element in islice(block.iter(), 2_000):
        if element.tag in ("time", "blockquote", "cite") or element.get("role") == "comment":
            return True
        if isinstance(element.tag, str) and _AUTHOR_NAMES.search(f"{element.get('class')} {element.get('rel')}"):
            return True
        for text in (element.text, element.tail if element is not block else None):
            if text and (SIGNED.search(text[:400]) or (asks and _ASKS.search(text.strip()[:400]))):
                return True
    return next(iter(signatures(block)), None) is not None


def _branches(one: Any, other: Any) -> tuple[Any, Any]:
    """Return the elements around `one` and `other` that are siblings; None if one element is inside the other."""
    around = {other: other}
    below = other
    for above in other.iterancestors():
        around[above], below = below, above
    below = None
    for above in (one, *one.iterancestors()):
        if above in around:
            return (None, None) if below is None or above is other else (below, around[above])
        below = above
    return None, None


def _is_comment(block: Any, signature: Signature) -> bool:
    """Return whether the block is a text that begins or ends with the signature."""
    text = spaced_text(block)
    if not len(signature.text) + _TEXT_CHARS < len(text) <= _COMMENT_CHARS or block.tag in _WHOLE:
        return False
    at, author = text.find(signature.author), len(signature.text)
    is_outer = 0 <= at <= 60 or text.rfind(signature.author) >= len(text) - author - 40
    return is_outer and (block.tag != "tr" or _PROSE.search(text) is not None)  # rows of deeds name people and dates


def _around(signature: Signature) -> Sequence[Any]:
    """Return the comment of a signature: the element that begins or ends with it, or its own element and the next."""
    around = [signature.element, *islice(signature.element.iterancestors(), _MOST_CLIMB)]
    for block in around:
        if _is_comment(block, signature) and next(block.iter("h1", *_HEADINGS), None) is None:
            return (block,)
    alone = [e for e in around if e.tag not in _WHOLE and len(spaced_text(e)) <= len(signature.text) + _TEXT_CHARS]
    return (alone[-1], *islice(_until_heading(alone[-1], "h6"), 1)) if alone else ()
