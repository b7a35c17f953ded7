"""What a page is: a listing, a record of an assessor, a list of several, a block page, or a page that is gone.

Decided from the title, the visible text and what was read; a block page must never reach the model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from app.property.extract.document import Document
from app.property.extract.jsonbody import the_one
from app.property.normalise.vocabulary import offer
from app.property.record import PageKind

_BLOCKED = re.compile(
    r"access (?:to this page has been )?denied|pardon our interruption|are you (?:a )?(?:human|robot)|"
    r"verify (?:that )?you are (?:a )?human|"
    r"unusual traffic|checking your browser|just a moment|attention required|captcha|bot detection|"
    r"request blocked|you have been blocked|"
    r"enable javascript and cookies|security check|(?:please )?(?:log|sign) in to (?:continue|view|"
    r"see)|members only|login required|403 forbidden|"
    r"zugriff verweigert|ich bin kein roboter|odmowa dostępu|incident id|reference #\d+\.[0-9a-f]+",
    re.IGNORECASE,
)
_GONE = re.compile(
    r"no longer (?:available|listed|on the market|active)|has (?:been removed|expired)|(?:page|"
    r"listing|property) (?:was )?not found|\b(?:error|http|status|code)\W{0,3}404\b|"
    r"\b404\W{0,3}(?:error|not found|page|seite|strona|sidan)|(?:^|[-–—|:] ?)404 ?(?:$|[-–—|])|"
    r"(?:listing|advert|ad|posting) (?:has|was) (?:been )?(?:deleted|removed|withdrawn|expired)|nicht "
    r"mehr (?:verfügbar|online)|wurde (?:gelöscht|entfernt|deaktiviert)|"
    r"ogłoszenie (?:jest )?(?:nieaktualne|archiwalne|wygasło)|oferta (?:jest )?nieaktualna|är (?:inte "
    r"längre|borttagen)|finns inte (?:längre|kvar)|n'est plus disponible",
    re.IGNORECASE,
)
_SEARCH_TITLE = re.compile(
    r"\b\d[\d,. ]* (?:homes|properties|houses|apartments|listings|results|condos|rentals|real estate "
    r"listings|immobilien|wohnungen|ogłosze[nń]|ofert|bostäder)\b|"
    r"\b(?:homes|houses|apartments|properties|condos|real estate) for (?:sale|rent) in\b|search "
    r"results|wohnungen (?:mieten|kaufen) in|suchergebnis|wyniki wyszukiwania",
    re.IGNORECASE,
)
_RECORD_WORDS = re.compile(
    r"property (?:record|report|appraiser|card|profile|search application)|assessor|parcel (?:report|"
    r"summary|information|details|viewer)|appraisal district|tax roll|"
    r"property assessment|field card|real property|tax deed|clerk of (?:the )?(?:circuit )?court|\btreasurer\b|"
    r"tax collector|register of deeds|county recorder",
    re.IGNORECASE,
)
#: a block or "gone" page has little else to say
_SMALL_PAGE_CHARS = 2500
_RECORD_FIELDS = frozenset({"ParcelNumber", "TaxAssessedValue", "X_MarketValue"})
#: what a page about one property tells, three or more of it as a rule
TELLING = frozenset(
    {
        "ListPrice",
        "BedroomsTotal",
        "LivingArea",
        "RoomsTotal",
        "BathroomsTotalInteger",
        "UnparsedAddress",
        "YearBuilt",
        "ParcelNumber",
        "LotSizeArea",
    }
)


def classify(page: Document, fields: Mapping[str, float]) -> tuple[PageKind, str]:
    """The kind and the reason in words; `fields`: the best confidence of a value by field."""
    if page.json is not None:
        return _json_kind(page, fields)
    text = " ".join(s.text for s in page.segments)
    head = f"{page.title} {text[:1500]}"
    told = len(TELLING & set(fields))
    if told < 3 and len(text) < _SMALL_PAGE_CHARS:
        if match := _BLOCKED.search(head) or _BLOCKED.search(page.text[:20_000] if len(text) < 300 else ""):
            return PageKind.BLOCKED, f"the page says {match.group()!r}"
        if match := _GONE.search(head):
            return PageKind.GONE, f"the page says {match.group()!r}"
    if told < 4 and (match := _SEARCH_TITLE.search(f"{page.title} {_heading(page)}")):
        return PageKind.SEARCH, f"the title says {match.group()!r}"
    return _with_property(page, fields, text, told)


def _with_property(page: Document, fields: Mapping[str, float], text: str, told: int) -> tuple[PageKind, str]:
    words = _RECORD_WORDS.search(f"{page.title} {text[:3000]}")
    if words and not _asks(page, fields):
        return PageKind.RECORD, f"the page says {words.group()!r} and asks no price"
    banner = fields.get("StandardStatus", 0.0) >= 0.6 and not words  # sold, pending, off the market
    if _RECORD_FIELDS & set(fields) and not _asks(page, fields) and not banner:
        return PageKind.RECORD, "it has a parcel number or assessed values and asks no price"
    return PageKind.LISTING, f"it tells {told} of the facts that a listing tells"


def _asks(page: Document, fields: Mapping[str, float]) -> bool:
    """True where a price is asked: one that markup or a label names, or any next to words that offer."""
    price = fields.get("ListPrice", 0.0)
    offered = offer(f"{page.title} {_heading(page)}") is not None
    profile = _RECORD_WORDS.search(f"{page.title} {page.url.replace('-', ' ')}") is not None
    listed = not {"ListAgentFullName", "ListOfficeName"}.isdisjoint(fields)
    return (
        (price > 0.45 and listed and not profile)
        or (price > 0.55 and (offered or not profile))
        or (price > 0 and offered)
    )


def _json_kind(page: Document, fields: Mapping[str, float]) -> tuple[PageKind, str]:
    if the_one(page.json)[0] is None:
        return PageKind.SEARCH, "the answer holds several objects"
    if "ListPrice" in fields and "TaxAssessedValue" not in fields:
        return PageKind.LISTING, "an object with a price asked"
    return PageKind.RECORD, "an object about one parcel"


def _heading(page: Document) -> str:
    found = page.root.xpath("string((//h1)[1])") if page.root is not None else ""
    return " ".join(str(found).split())[:200]
