"""A page made ready for the extractors: tree, text segments, JSON body, locale, and what of the page is about others.

Built once a page. Never raises on broken input: a body that cannot be parsed is a document without a tree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

import ftfy
from lxml import etree, html

from app.property.extract import lenient_json
from app.property.normalise.places import US_CODES, country_of_host, country_of_language
from app.property.page import Page

_SKIPPED_TAGS = frozenset({"script", "style", "noscript", "template", "select", "option", "svg", "iframe", "nav", "footer", "head", "button"})
#: class and id words of blocks that show other properties, or the site itself
_OTHERS = re.compile(
    r"(?:^|[\s_-])(?:similar|nearby|related|recommend(?:ed|ations?)?|comparables?|comps|recently|suggest(?:ed|ions?)|footer|breadcrumbs?|"
    r"navbar|cookies?|also-like|you-may|other-(?:listings|properties|homes)|others?-properties|mortgage|calculator|neighbou?rhood-homes|aehnliche|"
    r"podobne|liknande|modal|filters?|search-form|searchbox|autocomplete|carousel-similar|interested)(?=$|[\s_-])",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER_HEADINGS = re.compile(
    r"^\W*(?:similar|nearby|comparable|recommended|other (?:homes|properties|listings)|more (?:homes|properties|listings)|recently (?:sold|viewed)|"
    r"you (?:may|might)|properties (?:near|nearby)|homes (?:near|like|for sale (?:near|in))|ähnliche|weitere (?:objekte|immobilien|angebote)|"
    r"das könnte|podobne|inne (?:ogłoszenia|oferty)|zobacz (?:też|także|podobne)|liknande|fler bostäder|people also|new listings|popular)",
    re.IGNORECASE,
)
_MOJIBAKE = re.compile(r"Â[²£°\u00a0·]|â‚¬|Ã[¤¶¼Ÿ©±³]|Å‚|Ä…")
_WORDS_OF = {
    "de": re.compile(r"\b(?:und|der|die|das|ist|Wohnung|Zimmer|mit)\b"),
    "pl": re.compile(r"\b(?:jest|oraz|się|na|mieszkanie|pokoje|powierzchnia|oferta)\b"),
    "sv": re.compile(r"\b(?:och|att|är|med|lägenhet|bostad|rum|för)\b"),
    "fr": re.compile(r"\b(?:les|une|est|avec|pièces|maison)\b"), "es": re.compile(r"\b(?:los|una|con|para|vivienda|piso)\b"),
    "en": re.compile(r"\b(?:the|and|of|with|property|for|home)\b"),
}  # fmt: skip


_COUNTRY_SIGNS = (
    ("IE", re.compile(r"\bCo\. [A-Z][a-z]+|\b(?:[AC-FHKNPRTV-Y]\d{2}|D6W) ?[0-9AC-FHKNPRTV-Y]{4}\b|\bEircode\b")),
    ("GB", re.compile(r"£ ?\d|\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b")),
    ("US", re.compile(rf"\b(?:{'|'.join(sorted(US_CODES))}),? \d{{5}}(?:-\d{{4}})?\b|\bsq\.? ?ft\b.*\$|\$.*\bsq\.? ?ft\b")),
    ("PL", re.compile(r"\bzł\b")),
    ("SE", re.compile(r"\bkvm\b.*\bkr\b|\bkr\b.*\bkvm\b")),
)


@dataclass(frozen=True, slots=True)
class Locale:
    """What decides how numbers, dates and `$` are read: ISO 639-1 language, ISO 3166-1 country; None: not known."""

    lang: str | None
    country: str | None


@dataclass(frozen=True, slots=True)
class Segment:
    """One text node, whitespace folded. `owner` is the element that it stands in (for a tail: the parent)."""

    text: str
    owner: Any
    index: int


@dataclass
class Document:
    """The page and, made on first use, everything that the extractors share."""

    page: Page
    wanted_lang: str | None = None
    _paths: dict[int, str] = field(default_factory=dict)

    @cached_property
    def text(self) -> str:
        """The body's text, with double-encoded characters mended."""
        raw = self.page.text.replace("\x00", "")
        return ftfy.fix_encoding(raw) if _MOJIBAKE.search(raw) else raw

    @cached_property
    def json(self) -> Any:
        """The body as JSON where the body is JSON, else None."""
        head = self.text.lstrip("\ufeff \r\n\t")[:1]
        if head not in ("{", "[") or "html" in self.page.content_type:
            return None
        value = lenient_json.loads(self.text.lstrip("\ufeff"))
        return lenient_json.unpacked(value) if isinstance(value, dict | list) else None

    @cached_property
    def root(self) -> Any:
        """The root element, or None for JSON and empty bodies."""
        if self.json is not None or not self.text.strip():
            return None
        parser = html.HTMLParser(encoding="utf-8", recover=True, huge_tree=True, remove_comments=True, remove_pis=True)
        try:
            return html.document_fromstring(self.text.encode("utf-8", "replace"), parser=parser)
        except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
            return None

    @cached_property
    def title(self) -> str:
        found = self.root.xpath("string((//head/title|//title)[1])") if self.root is not None else ""
        return re.sub(r"\s+", " ", str(found)).strip()

    @cached_property
    def url(self) -> str:
        """The page's own address: canonical link or og:url, else the address it was fetched from."""
        if self.root is None:
            return self.page.final_url
        found = self.root.xpath("//link[@rel='canonical']/@href") + self.root.xpath("//meta[@property='og:url']/@content")
        absolute = [u.strip() for u in found if u.strip().startswith("http") and len(urlsplit(u.strip()).path) > 1]
        return absolute[0] if absolute else self.page.final_url

    @cached_property
    def ids(self) -> frozenset[str]:
        """Tokens of the page's addresses that look like an id: at least four characters, one of them a digit."""
        tokens: set[str] = set()
        for address in {self.url, self.page.final_url, self.page.url}:
            parts = urlsplit(unquote(address))
            tokens |= {t for t in re.split(r"[^\w-]+|_", f"{parts.path} {parts.query} {parts.fragment}")}
            tokens |= set(re.split(r"[^A-Za-z0-9]+", f"{parts.path} {parts.query} {parts.fragment}"))
        return frozenset(t.lower() for t in tokens if len(t) >= 4 and any(c.isdigit() for c in t))

    @cached_property
    def locale(self) -> Locale:
        lang = self.wanted_lang or self._declared_language() or self._guessed_language()
        host = urlsplit(self.url).hostname or urlsplit(self.page.final_url).hostname or ""
        declared = self.root.get("lang") if self.root is not None else None
        country = (
            country_of_host(host)
            or self._evident_country()  # before the declared language: content systems say en-US by default
            or country_of_language(declared)
            or self._locale_country()
            or country_of_language(lang)
        )
        return Locale(lang, country)

    def _declared_language(self) -> str | None:
        if self.root is None:
            return None
        declared = (self.root.get("lang") or self.root.get("{http://www.w3.org/XML/1998/namespace}lang") or "").strip()
        guessed = self._guessed_language()
        language = declared.replace("_", "-").partition("-")[0].lower()
        return guessed if language in ("", "en") and guessed not in (None, "en") else language or None

    def _guessed_language(self) -> str | None:
        sample = " ".join(s.text for s in self.segments[:1500])[:20_000]
        counts = {lang: len(pattern.findall(sample)) for lang, pattern in _WORDS_OF.items()}
        best = max(counts, key=lambda lang: counts[lang])
        return best if counts[best] >= 5 else None

    def _evident_country(self) -> str | None:
        """The country whose postal codes or counties the title and first lines show."""
        head = f"{self.title} " + " ".join(s.text for s in self.segments[:80] if len(s.text) <= 160)
        return next((code for code, pattern in _COUNTRY_SIGNS if pattern.search(head)), None)

    def _locale_country(self) -> str | None:
        found = self.root.xpath("//meta[@property='og:locale']/@content") if self.root is not None else []
        return country_of_language(found[0]) if found else None

    @cached_property
    def skipped(self) -> frozenset[Any]:
        """Elements that hold nothing about this property: page furniture, filters, and blocks on other properties."""
        if self.root is None:
            return frozenset()
        skipped = {e for e in self.root.iter() if self._is_furniture(e)}
        for heading in self.root.iter("h2", "h3", "h4", "h5", "div", "p", "strong", "b"):
            if heading.tag in ("h2", "h3", "h4", "h5") or (len(heading) == 0 and heading.text and len(heading.text) < 60):
                block = _block_of_others(heading)
                if block is not None:
                    skipped.add(block)
        return frozenset(skipped | _cards(self.root))

    def _is_furniture(self, element: Any) -> bool:
        if not isinstance(element.tag, str) or element.tag in _SKIPPED_TAGS:
            return True
        names = f"{element.get('class') or ''} {element.get('id') or ''}".strip()
        if not names or element.tag in ("body", "html", "main", "form"):
            return False
        return _OTHERS.search(_CAMEL.sub("-", names)[:400]) is not None

    @cached_property
    def segments(self) -> list[Segment]:
        """Visible text in document order, without what is `skipped`."""
        found: list[Segment] = []
        if self.root is not None:
            self._collect(self.root, found)
        return found

    def _collect(self, root: Any, found: list[Segment]) -> None:
        body = root.find("body")
        stack: list[tuple[Any, str | None, Any]] = [(body if body is not None else root, None, None)]
        while stack:
            element, tail, owner = stack.pop()
            if element is None:
                self._append(tail, owner, found)
                continue
            if element in self.skipped:
                continue
            self._append(element.text, element, found)
            for child in reversed(element):
                stack.append((None, child.tail, element))
                stack.append((child, None, None))

    @staticmethod
    def _append(text: str | None, owner: Any, found: list[Segment]) -> None:
        folded = " ".join(text.split()) if text else ""
        if folded == "2" and owner.tag == "sup" and found and found[-1].text[-1:] in "mt":
            found[-1] = Segment(found[-1].text + "2", found[-1].owner, found[-1].index)
        elif folded:
            found.append(Segment(folded, owner, len(found)))

    def path(self, element: Any) -> str:
        """XPath of an element of this page."""
        return str(element.getroottree().getpath(element))


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
                link = card.get("href") if card.tag == "a" else next((a.get("href") for a in card.iter("a") if a.get("href")), None)
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
