"""Find elements unrelated to the property: navigation, filters, and cards of other properties."""

import re
from collections.abc import Iterable, Sequence
from itertools import islice, takewhile
from typing import Any

from app.property.fields.phrases import pattern
from app.property.reading.trees import is_inside, spaced_text, whole_text

NEVER_TEXT = frozenset({"script", "style", "noscript", "template", "select", "option", "svg", "iframe", "head"})
_SKIPPED_TAGS = NEVER_TEXT | {"nav", "footer", "button"}
#: Words (`OTHERS`) and word sequences (`_IN_A_ROW`) in classes and ids of elements about the site or other homes.
OTHERS = frozenset({
    "similar", "nearby", "related", "recommend", "recommended", "recommendation", "recommendations", "comparable",
    "comparables", "comps", "recently", "suggest", "suggested", "suggestion", "suggestions", "footer", "breadcrumb",
    "breadcrumbs", "navbar", "cookie", "cookies", "mortgage", "calculator", "aehnliche", "podobne", "liknande", "modal",
    "filter", "filters", "searchbox", "autocomplete", "interested"
})  # fmt: skip
_IN_A_ROW = re.compile(
    r"-(?:also-like|you-may|other-(?:listings|homes)|others?-properties|neighbou?rhood-homes|search-form)-"
)
_NAME_WORDS = re.compile(r"[\s_-]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
SIMILAR = pattern("pages", "similar")
_ELSEWHERE, _CALCULATORS = pattern("pages", "elsewhere"), pattern("pages", "calculators")


def skipped(root: Any) -> frozenset[Any]:
    """Return the elements that are not about the page's own property."""
    known: dict[str, bool] = {}
    found = {e for e in root.iter() if _is_furniture(e, known)}
    for heading in root.iter("h2", "h3", "h4", "h5", "div", "p", "strong", "b"):
        if heading.tag in ("h2", "h3", "h4", "h5") or (len(heading) == 0 and heading.text and len(heading.text) < 60):
            found.update(_blocks_of_others(heading))
    found.update(e for e in root.iter("dl", "table", "ul") if not is_inside(e, found) and _is_calculator(e))
    return frozenset(found | cards(root))


def _is_calculator(block: Any) -> bool:
    """Return whether the block is a mortgage calculator, whose taxes and fees are its own assumptions."""
    text = spaced_text(block) if not is_long(block) else ""
    return len({term.group().casefold() for term in _CALCULATORS.finditer(text)}) > 1


def heads_others(heading: Any) -> bool:
    """Return whether the heading introduces other properties: `Similar homes`."""
    return _is_of_others(" ".join(islice(heading.itertext(), 20)).strip())


def _is_of_others(text: str) -> bool:
    return SIMILAR.match(text) is not None or _ELSEWHERE.match(text) is not None


def _is_furniture(element: Any, known: dict[str, bool]) -> bool:
    """Return whether the tag, class, or id marks the element as unrelated. `known` caches results by class and id."""
    if not isinstance(element.tag, str) or element.tag in _SKIPPED_TAGS:
        return True
    names = f"{element.get('class') or ''} {element.get('id') or ''}".strip()
    if not names or element.tag in ("body", "html", "main", "form"):
        return False
    if names not in known:
        words = words_of_names(names)
        known[names] = not OTHERS.isdisjoint(words) or _IN_A_ROW.search(f"-{'-'.join(words)}-") is not None
    return known[names]


def words_of_names(names: str) -> list[str]:
    """Split classes and ids into words: `SimilarHomes card_2` into `similar`, `homes`, `card`, `2`."""
    return _NAME_WORDS.split(_CAMEL.sub("-", names)[:400].lower())


def _blocks_of_others(heading: Any) -> Sequence[Any]:
    """Return the elements with the content under a heading such as `Similar homes`; nothing for other headings.

    The result is the nearest ancestor with more text than the heading, if that ancestor begins with the heading and
    contains no `<h1>`. Otherwise, the result is a list or table right behind the heading, or several elements of the
    same class there.
    """
    text = whole_text(heading)[:80]
    if not _is_of_others(text):
        return ()
    block = heading.getparent()
    for _ in range(3):
        if block is None or block.tag in ("body", "html", "main", "article"):
            break
        content = whole_text(block)
        if len(content) > len(text) + 40:
            if content.find(text[:30], 0, 100) >= 0 and block.find(".//h1") is None:
                return (block,)
            break
        block = block.getparent()
    behind = heading.getnext()
    if behind is None or behind.tag in ("table", "ul", "ol"):
        return () if behind is None else (behind,)
    if not behind.get("class"):
        return ()
    alike = takewhile(lambda e: (e.tag, e.get("class")) == (behind.tag, behind.get("class")), behind.itersiblings())
    run = (behind, *islice(alike, _MOST_ALIKE))
    return run if len(run) > 1 else ()


_MOST_ALIKE = 40
#: The maximum number of characters in a card, which shows a price, a place, and a few facts.
_CARD_CHARS = 600
_ARTICLE_CHARS = 1500
#: At most this many elements with a price, and this many articles, are examined.
_MOST_CARDS = 400
_AMOUNT = re.compile(r"[$€£]\s?\d{2}|\d\s?(?:€|zł|kr\b|EUR)")


def _repeated(card: Any) -> Any:
    """Return the nearest element with a similar sibling, from `card` to two levels above it, or else `card`."""
    element = card
    for _ in range(3):
        parent = element.getparent()
        if parent is None or parent.tag in ("body", "html") or is_long(element):
            return card
        beside = (*islice(element.itersiblings(), 3), *islice(element.itersiblings(preceding=True), 3))
        if any(c.tag == element.tag and c.get("class") == element.get("class") for c in beside):
            return element
        element = parent
    return card


def is_long(element: Any) -> bool:
    length = 0
    for text in element.itertext():
        length += len(text)
        if length > _CARD_CHARS:
            return True
    return False


def cards(root: Any) -> set[Any]:
    """Return the cards of other properties: siblings that each show a price and link to their own page."""
    by_parent: dict[Any, dict[Any, str]] = {}
    for element in islice((e for e in root.iter() if _shows_price(e)), _MOST_CARDS):
        found = _card_around(element)
        if found is not None:
            whole = _repeated(found[0])
            by_parent.setdefault(whole.getparent(), {}).setdefault(whole, found[1])
    articles: dict[tuple[Any, str | None], dict[Any, str]] = {}
    for article in islice(root.iter("article"), _MOST_CARDS):
        parent = article.getparent()
        card = parent if parent is not None and parent.tag == "li" else article
        link = _link_in(article)
        is_card = link and article.find(".//h1") is None and len(whole_text(article)) <= _ARTICLE_CHARS
        if link and is_card and card.getparent() is not None:
            # cards share a class, while the sections of one text usually differ in class
            articles.setdefault((card.getparent(), article.get("class")), {}).setdefault(card, link)
    groups = (*by_parent.values(), *articles.values())
    return {card for group in groups if len(set(group.values())) >= 2 and _alike(group) for card in group}


def _alike(cards: Iterable[Any]) -> bool:
    names = [frozenset((card.get("class") or "").split()) for card in cards]
    return len(names) != 2 or not all(names) or not names[0].isdisjoint(names[1])


def _shows_price(element: Any) -> bool:
    text = element.text if isinstance(element.tag, str) and element.tag not in _SKIPPED_TAGS else None
    return isinstance(text, str) and len(text) <= 60 and _AMOUNT.search(text) is not None


def _card_around(element: Any) -> tuple[Any, str] | None:
    """Return the nearest short element that contains the price and is or contains a link, and the link's target."""
    for card in (element, *islice(element.iterancestors(), 7)):
        if card.tag not in ("li", "article", "a", "div"):
            continue
        if is_long(card):
            return None
        link = card.get("href") if card.tag == "a" else _link_in(card)
        if link and not link.startswith(("#", "javascript")) and card.getparent() is not None:
            return card, link
    return None


def _link_in(element: Any) -> str | None:
    return next((a.get("href") for a in element.iter("a") if a.get("href")), None)
