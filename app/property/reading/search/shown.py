"""Find the listings that a results page shows: similar cards or rows, each with facts and its own link."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from app.property.fields.phrases import alternatives
from app.property.reading.document import Document
from app.property.reading.search.links import Links, Shape, is_alike, is_one_page, shape_of
from app.property.reading.trees import is_inside, whole_text
from app.property.reading.unrelated_blocks import OTHERS, SIMILAR, words_of_names

_MOST_LINKS = 4_000
#: Maximum number of characters of a card, the block of one listing. Cards may contain remarks and a price history.
_CARD_CHARS = 1_500
_MOST_LEVELS = 12
#: A single card counts as a property if it has at least this many kinds of facts.
_LEAST_FACTS = 2
_BOILERPLATE_TAGS = frozenset({"nav", "footer", "head", "script", "style", "noscript", "template", "select", "iframe"})
_BOILERPLATE = (OTHERS - {"mortgage", "calculator", "filter", "filters", "searchbox", "autocomplete", "recently"}) | {
    "pagination", "pager", "sponsored", "advert", "adverts", "advertisement", "advertisements", "datepicker", "calendar"
}  # fmt: skip
_PAID_FOR = re.compile(rf"\W*(?:{alternatives('pages', 'advertisements')})\W*", re.IGNORECASE)
_FACTS = (
    re.compile(r"[$€£]\s?\d[\d,.]{2,}|\d[\d.,\u00a0 ]*\s?(?:€|zł|kr\b|EUR|CHF|USD)"),
    re.compile(
        r"\b\d+[A-Za-z]?(?:-\d+)? (?:[NSEW]\.? )?[^\W\d_][\w'.-]*(?: [\w'.-]+){0,4}|\b\d{5}(?:-\d{4})?\b|"
        r"[^\W\d_]{3,}(?:straße|strasse|str\.|gatan|vägen|weg|allee) \d+|\bul\. [^\W\d_]"
    ),
    re.compile(
        r"\b\d+(?:[.,]\d+)?\+?\s?(?:bds?|beds?|bedrooms?|br|ba|baths?|rooms?|zimmer|zi\.|pok\w*|rum|rok|pièces?|hab\w*|studio)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\d[\d.,\u00a0 ]*\s?(?:sq\.? ?ft|sqft|sf\b|square feet|m²|m2\b|qm\b|kvm\b|acres?\b|ha\b)", re.IGNORECASE
    ),
)


@dataclass
class Cards:
    """The listing URLs of a results page. Paid listings are only in `paid_for`."""

    listings: list[str] = field(default_factory=list)
    paid_for: list[str] = field(default_factory=list)


@dataclass
class _Card:
    element: Any
    urls: list[str]
    facts: int
    is_paid_for: bool


def shown(page: Document, links: Links, known: frozenset[Shape]) -> Cards:
    """Return the URLs of the page's cards. Links with the shapes of earlier listings (`known`) are also accepted."""
    found = Cards()
    if page.root is None:
        return found
    groups = [_judged(cards) for cards in _groups(page.root, links)]
    accepted = [(cards, worth) for cards, worth in groups if worth >= 1.0 and (len(cards) > 1 or worth >= _LEAST_FACTS)]
    if not accepted:
        return found
    best = max(accepted, key=lambda one: len(one[0]) * one[1])
    best_usual = _usual([card.urls for card in best[0]])
    wanted = known if best_usual is None else {best_usual, *known}
    for cards, _ in accepted:
        usual = _usual([card.urls for card in cards])
        if usual is None or not is_alike(usual, wanted):
            continue
        for card in cards:
            url = _link_of(card, usual)
            if url is not None:
                (found.paid_for if card.is_paid_for else found.listings).append(url)
    return found


def _groups(root: Any, links: Links) -> Iterator[list[_Card]]:
    boilerplate = _boilerplate(root)
    by_place: dict[tuple[Any, str, str], dict[Any, list[tuple[Any, str]]]] = {}
    anchors = (a for a in root.iter("a") if a.get("href"))
    for anchor in islice(anchors, _MOST_LINKS):
        url = links.listing(anchor.get("href"))
        if url is None or is_inside(anchor, boilerplate):
            continue
        card = _card_of(anchor, url, links)
        # only the first class name counts, since the others may differ between similar cards
        place = (card.getparent(), card.tag, next(iter((card.get("class") or "").split()), ""))
        by_place.setdefault(place, {}).setdefault(card, []).append((anchor, url))
    for cards in by_place.values():
        yield [_made(card, inside) for card, inside in cards.items()]


def _card_of(anchor: Any, url: str, links: Links) -> Any:
    """Return the largest block around the link that links to no other listing of the same shape."""
    mine, card = shape_of(url), anchor
    for above in islice(anchor.iterancestors(), _MOST_LEVELS):
        if above.tag in ("body", "html", "main", "tbody", "table", "ul", "ol") or _leads_on(above, url, mine, links):
            return card
        card = above
    return card


def _leads_on(block: Any, url: str, mine: Shape, links: Links) -> bool:
    for other in islice((a for a in block.iter("a") if a.get("href")), 60):
        found = links.listing(other.get("href"))
        if found is not None and shape_of(found) == mine and not is_one_page(found, url):
            return True
    return False


def _made(card: Any, inside: Sequence[tuple[Any, str]]) -> _Card:
    text = whole_text(card)[: _CARD_CHARS + 1]
    facts = sum(pattern.search(text) is not None for pattern in _FACTS) if len(text) <= _CARD_CHARS else 0
    paid = any("sponsored" in (anchor.get("rel") or "").lower() for anchor, _ in inside) or _says_paid_for(card)
    return _Card(card, [url for _, url in inside], facts, paid)


def _says_paid_for(card: Any) -> bool:
    texts = (text for text in islice(card.itertext(), 60) if text and len(text) <= 40)
    return any(_PAID_FOR.fullmatch(text.strip()) for text in texts if text.strip())


def _judged(cards: list[_Card]) -> tuple[list[_Card], float]:
    """Return the cards and the average number of kinds of facts per card; 0 if all cards link to one page."""
    urls = {url for card in cards for url in card.urls}
    if len(cards) > 1 and len(urls) < 2:
        return cards, 0.0
    return cards, sum(card.facts for card in cards) / len(cards)


def _usual(of_cards: Sequence[Sequence[str]]) -> Shape | None:
    """Return the most common shape of links. A shape counts once per card, and at most once per distinct URL."""
    cards, pages = Counter[Shape](), dict[Shape, set[str]]()
    for urls in of_cards:
        for shape in {shape_of(url) for url in urls}:
            cards[shape] += 1
        for url in urls:
            pages.setdefault(shape_of(url), set()).add(url)
    if not cards:
        return None
    return max(cards, key=lambda shape: (min(cards[shape], len(pages[shape])), shape.is_numbered, shape.first))


def _link_of(card: _Card, usual: Shape) -> str | None:
    """Return the link to the card's own page. The link has the usual shape, or else a similar shape on another host, or
    else leads to another host if the card has enough facts.
    """
    found = [url for url in card.urls if shape_of(url) == usual]
    found += [url for url in card.urls if is_alike(shape_of(url), [usual])]
    if card.facts >= _LEAST_FACTS:
        found += [url for url in card.urls if shape_of(url).host != usual.host]
    return found[0] if found else None


def _boilerplate(root: Any) -> frozenset[Any]:
    found = {element for element in root.iter() if _is_boilerplate(element)}
    for heading in root.iter("h2", "h3", "h4", "h5"):
        if SIMILAR.match(whole_text(heading)[:80]):
            block = heading.getparent()
            if block is not None and block.tag not in ("body", "html", "main") and block.find(".//h1") is None:
                found.add(block)
    return frozenset(found)


def _is_boilerplate(element: Any) -> bool:
    if not isinstance(element.tag, str) or element.tag in _BOILERPLATE_TAGS:
        return True
    if element.tag in ("body", "html", "main", "form", "a"):
        return False
    names = f"{element.get('class') or ''} {element.get('id') or ''}".strip()
    return bool(names) and not _BOILERPLATE.isdisjoint(words_of_names(names))
