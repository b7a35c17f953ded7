"""Read values stated in sentences, and asking prices in short texts."""

import re
from collections.abc import Iterator

from app.property.reading.base import Reading
from app.property.reading.blocks import Block, blocks
from app.property.reading.document import Document
from app.property.reading.sentences import DOLLARS, SENTENCE, facts_in
from app.property.record import Method
from app.property.values.vocabulary import offer

_OFFERED = re.compile(
    r"(?:^|[•|·]\s*|(?<!original )(?<!originally )(?<!previously )(?<!median )(?<!average )\b)"
    r"(?:offered (?:at|for)|asking(?: price)?|listed (?:at|for)|list price|now|"
    r"priced (?:at|from)|prices? (?:from|starting at)|"
    r"starting (?:at|from)|from|opening bid|starting bid|"
    rf"buy (?:it )?now)\s*:?\s*(?P<price>{DOLLARS})(?![\d,]*\s*(?:/|per|an?)\s*(?:mo|sq|week|night))",
    re.I,
)
_RANGE = re.compile(rf"(?P<low>{DOLLARS})\s*(?:-|–|—|to|and)\s*(?P<high>{DOLLARS})")
_ESTIMATE = re.compile(r"\bestimate[ds]?\b|\best\.|\bavm\b|\bvaluation\b|\bworth\b", re.I)
_NO_ESTIMATE = re.compile(r"\brent|\bper month|/mo|\btaxes\b|\bpayment|\brepair|\bcost", re.I)
_NO_RENT = re.compile(
    r"\b(?:pet|parking|storage|deposit|fee|lot|hoa|est\w*|from|tax\w*|insurance|mortgage|payment|utilit\w*)\b", re.I
)
_PIECES = re.compile(r"\s+[•|·—–/-]\s+")
#: Elements that contain labels and values, not sentences.
_PAIRED = frozenset({"tr", "dt", "dd", "pre"})
_SHORT = 140
_MOST_BLOCKS = 1500


def read(page: Document) -> Iterator[Reading]:
    """Yield the values stated in sentences and list items, if the page is in English or its language is unknown."""
    if page.locale.lang not in (None, "en"):
        return
    for block in page.once(blocks)[:_MOST_BLOCKS]:
        for sentence in SENTENCE.split(block.text):
            yield from _readings(sentence, block, page)


def _readings(text: str, block: Block, page: Document) -> Iterator[Reading]:
    facts = facts_in(text, page.locale.lang or "en", prose=block.element.tag not in _PAIRED)
    for field, raw, confidence in (*facts, *_prices(text, block, page)):
        label = "price" if field == "ListPrice" else ""
        yield Reading(field, raw, Method.LABEL, page.path(block.element), text[:300], confidence, label)


def lets(page: Document) -> bool:
    """Return whether the title or the heading offers the home for rent."""
    return "rent" in (offer(page.title), offer(page.heading_text[:200]))


def _prices(text: str, block: Block, page: Document) -> Iterator[tuple[str, object, float]]:
    if "$" not in text:
        return
    if span := _RANGE.search(text):
        before = page.segments[block.index - 1].text[-60:] if block.index else ""
        near = f"{before} {text}"
        if _ESTIMATE.search(near) and not _NO_ESTIMATE.search(near):
            yield "_EstimateRange", span.group(), 0.6
        elif len(text) <= 60 and page.once(lets) and not _NO_RENT.search(near):
            yield "ListPrice", span.group(), 0.5  # a page may list floor plans at several rents
        return
    if len(text) > _SHORT:
        return
    heads = block.element.tag in ("h1", "h2")
    if heads and (alone := next((p for p in _PIECES.split(text) if re.fullmatch(DOLLARS, p)), None)):
        yield "ListPrice", alone, 0.56
    offered = _OFFERED.search(text)
    if offered and not _ESTIMATE.search(text[max(0, offered.start() - 25) : offered.start()]):
        yield "ListPrice", offered.group().strip(" •|·"), 0.58
