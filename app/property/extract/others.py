"""What of a page is about something else: page furniture, filters, blocks and cards of other properties."""

from __future__ import annotations

import re
from typing import Any

_SKIPPED_TAGS = frozenset(
    {"script", "style", "noscript", "template", "select", "option", "svg", "iframe", "nav", "footer", "head", "button"}
)
#: class and id words of blocks that show other properties, or the site itself
_OTHERS = re.compile(
    r"(?:^|[\s_-])(?:similar|nearby|related|recommend(?:ed|ations?)?|comparables?|comps|recently|"
    r"suggest(?:ed|ions?)|footer|breadcrumbs?|"
    r"navbar|cookies?|also-like|you-may|other-(?:listings|properties|homes)|others?-properties|"
    r"mortgage|calculator|neighbou?rhood-homes|aehnliche|"
    r"podobne|liknande|modal|filters?|search-form|searchbox|autocomplete|carousel-similar|interested)(?=$|[\s_-])",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER_HEADINGS = re.compile(
    r"^\W*(?:similar|nearby|comparable|recommended|other (?:homes|properties|listings)|more (?:homes|"
    r"properties|listings)|recently (?:sold|viewed)|"
    r"you (?:may|might)|properties (?:near|nearby)|homes (?:near|like|for sale (?:near|in))|ähnliche|"
    r"weitere (?:objekte|immobilien|angebote)|"
    r"das könnte|podobne|inne (?:ogłoszenia|oferty)|zobacz (?:też|także|podobne)|liknande|fler "
    r"bostäder|people also|new listings|popular)",
    re.IGNORECASE,
)


def skipped(root: Any) -> frozenset[Any]:
    """Elements whose text and markup say nothing about the page's own property."""
    found = {e for e in root.iter() if _is_furniture(e)}
    for heading in root.iter("h2", "h3", "h4", "h5", "div", "p", "strong", "b"):
        if heading.tag in ("h2", "h3", "h4", "h5") or (len(heading) == 0 and heading.text and len(heading.text) < 60):
            block = _block_of_others(heading)
            if block is not None:
                found.add(block)
    return frozenset(found | _cards(root))


def _is_furniture(element: Any) -> bool:
    if not isinstance(element.tag, str) or element.tag in _SKIPPED_TAGS:
        return True
    names = f"{element.get('class') or ''} {element.get('id') or ''}".strip()
    if not names or element.tag in ("body", "html", "main", "form"):
        return False
    return _OTHERS.search(_CAMEL.sub("-", names)[:400]) is not None


def _block_of_others(heading: Any) -> Any:
    """The block that a heading such as `Similar homes` opens: its nearest ancestor that holds more than the heading."""
    text = " ".join(heading.text_content().split())[:80]
    if not _OTHER_HEADINGS.match(text):
        return None
    block = heading.getparent()
    for _ in range(3):
        if block is None or block.tag in ("body", "html", "main", "article"):
            return None
        content = " ".join(block.text_content().split())
        if len(content) > len(text) + 40:
            opens = content.find(text[:30], 0, 100) >= 0
            return block if opens and block.find(".//h1") is None else None
        block = block.getparent()
    return None


#: a card names a price, a place and a few facts
_CARD_CHARS = 600
_AMOUNT = re.compile(r"[$€£]\s?\d{2}|\d\s?(?:€|zł|kr\b|EUR)")


def _repeated(card: Any) -> Any:
    """`card`, or the wrapper around it of which its parent has several alike."""
    element = card
    for _ in range(3):
        parent = element.getparent()
        if parent is None or parent.tag in ("body", "html"):
            return card
        alike = [c for c in parent if c.tag == element.tag and c.get("class") == element.get("class")]
        if len(element.text_content()) > _CARD_CHARS:
            return card
        if len(alike) >= 2:
            return element
        element = parent
    return card


def _cards(root: Any) -> set[Any]:
    """Cards on other properties: siblings that each show a price and lead to an address of their own."""
    by_parent: dict[Any, dict[Any, str]] = {}
    for element in root.iter():
        text = element.text if isinstance(element.tag, str) and element.tag not in _SKIPPED_TAGS else None
        if not text or len(text) > 60 or not _AMOUNT.search(text):
            continue
        for card in (element, *list(element.iterancestors())[:7]):
            if card.tag in ("li", "article", "a", "div"):
                link = (
                    card.get("href")
                    if card.tag == "a"
                    else next((a.get("href") for a in card.iter("a") if a.get("href")), None)
                )
                if len(card.text_content()) > _CARD_CHARS:
                    break
                if link and not link.startswith(("#", "javascript")) and card.getparent() is not None:
                    whole = _repeated(card)
                    by_parent.setdefault(whole.getparent(), {}).setdefault(whole, link)
                    break
    for article in root.iter("article"):
        card = article.getparent() if article.getparent() is not None and article.getparent().tag == "li" else article
        link = next((a.get("href") for a in article.iter("a") if a.get("href")), None)
        if link and card.getparent() is not None and article.find(".//h1") is None:
            by_parent.setdefault(card.getparent(), {}).setdefault(card, link)
    return {card for cards in by_parent.values() if len(set(cards.values())) >= 2 for card in cards}
