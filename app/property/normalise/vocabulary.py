"""Words of seven languages and US land-use wording to RESO enumerations: property type and subtype, status.

RESO Data Dictionary 2.0 lookups; `Semi Detached` is ours, RESO has no word for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Ordered: the first pattern that matches wins, so that "semi-detached house" is not a plain house.
_SUBTYPE_WORDS: tuple[tuple[str, str], ...] = (
    ("Single Family Residence", r"^(?!.*vacant).*(?:single.?family|\bsfr\b)"),
    (
        "Unimproved Land",
        r"vacant|\bland\b|\blots?\b|acreage|unimproved|grundstück|baugrundstück|działk|\btomt|terrain|"
        r"terreno|\bsites?\b",
    ),
    (
        "Multi Family",
        r"multi.?family|mehrfamilien|wohn- und geschäfts|miethaus|apartment building|renditeobjekt|"
        r"anlageobjekt|\bfourplex|\btriplex",
    ),
    ("Duplex", r"\bduplex\b|two.?family|2.?family|zweifamilienhaus"),
    ("Warehouse", r"warehouse|lagerhalle|\bmagazyn"),
    ("Industrial", r"industrial|produktionshalle"),
    ("Office", r"\boffices?\b|\bbüro|\bbiuro|\bkontor"),
    ("Retail", r"\bretail\b|\bshops?\b|\bladen\b|lokal użytkowy|\bbutik"),
    ("Manufactured Home", r"manufactured|mobile home"),
    (
        "Townhouse",
        r"town.?ho(?:use|me)|row.?house|terrace|reihen(?:end|mittel|eck)?haus|szeregowiec|szeregow|radhus|"
        r"kedjehus|\bmews\b|maison mitoyenne",
    ),
    ("Semi Detached", r"semi.?detached|\bsemi-d\b|doppelhaus|bliźniak|parhus"),
    ("Condominium", r"\bcondo(?:minium)?s?\b|bostadsrätts?lägenhet"),
    ("Stock Cooperative", r"\bco-?op\b|cooperative"),
    (
        "Apartment",
        r"apartment|\bflats?\b|wohnung|\bloft\b|penthouse|maisonette|mieszkan|mieszkań|kawalerka|lägenhet|\bstudio\b|"
        r"appart?ement|\bpiso\b|appartamento|\bunit\b|bostadsrätt",
    ),
    (
        "Single Family Residence",
        r"single.?family|singlefamily|one.?family|1.?family|detached|bungalow|cottage|\bhouses?\b|"
        r"\bhomes?\b|einfamilienhaus|\bhaus\b|"
        r"\bvilla\b|\bdomu?\b|wolnostojąc|landhaus|stadthaus|\bmaison\b|\bcasa\b|\bhus\b|residential "
        r"single|sfr\b|mansion",
    ),
)
_SUBTYPES = tuple((name, re.compile(words, re.IGNORECASE)) for name, words in _SUBTYPE_WORDS)
_COMMERCIAL = re.compile(r"commercial|gewerbe|warehouse|\boffice|industrial|retail|komercyjn", re.IGNORECASE)
_COMMERCIAL_SUBTYPES = frozenset({"Warehouse", "Industrial", "Office", "Retail"})

_STATUS_WORDS: tuple[tuple[str, str], ...] = (
    (
        "Closed",
        r"^\W*sold\b|\bsold (?:on|for|by)\b|\brecently sold\b|^\W*verkauft|\bsprzedane\b|\bsåld\b|sale "
        r"agreed and closed|^closed$|soldout|^let agreed",
    ),
    (
        "Pending",
        r"under (?:offer|contract)|sale agreed|\bsstc\b|subject to contract|\bpending\b|reserviert|"
        r"reserved|rezerwacj|\bcontingent\b|under_offer",
    ),
    ("Withdrawn", r"withdrawn|off.?market"),
    ("Expired", r"\bexpired\b"),
    ("Coming Soon", r"coming.?soon|kommande"),
    (
        "Active",
        r"\bactive\b|for.?sale|for.?rent|to.?let\b|\bto rent\b|instock|available|zu verkaufen|zum kauf|"
        r"\bkaufen\b|zu vermieten|zur miete|"
        r"\bmieten\b|na sprzedaż|do wynajęcia|\bsprzedaż|wynajem|till salu|uthyres|\bà vendre\b|\ben venta\b",
    ),
)
_STATUSES = tuple((name, re.compile(words, re.IGNORECASE)) for name, words in _STATUS_WORDS)

_RENT = re.compile(
    r"for.?rent|\bto.?let\b|\bto rent\b|\brentals?\b|\blease\b|zu vermieten|zur miete|\bmieten\b|"
    r"mietwohnung|mietangebot|"
    r"\bmiete\b|kaltmiete|warmmiete|wynaj|wynajęci|uthyres|hyresrätt|à louer|en alquiler|in affitto|te huur",
    re.IGNORECASE,
)
_SALE = re.compile(
    r"for.?sale|\bbuy\b|zu verkaufen|zum kauf|\bkaufen\b|kaufpreis|eigentumswohnung|sprzeda|till salu|"
    r"utgångspris|à vendre|"
    r"en venta|in vendita|te koop|\bto sell\b|\bsell\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """RESO PropertyType (None where the words do not say) and PropertySubType."""

    type: str | None
    subtype: str | None


def property_kind(text: str) -> Kind | None:
    """What `text` (a type label's value, a land-use description) says the property is."""
    text = text.replace("_", " ")
    subtype = next((name for name, pattern in _SUBTYPES if pattern.search(text)), None)
    if subtype in _COMMERCIAL_SUBTYPES or (subtype is None and _COMMERCIAL.search(text)):
        return Kind("Commercial Sale", subtype)
    if subtype == "Unimproved Land":
        return Kind("Land", subtype)
    return Kind(None, subtype) if subtype else None


def standard_status(text: str) -> str | None:
    """RESO StandardStatus of the site's words."""
    text = text.replace("_", " ")
    return next((name for name, pattern in _STATUSES if pattern.search(text)), None)


def offer(text: str) -> str | None:
    """`rent` or `sale` where `text` says which of the two is offered; None where it says neither or both."""
    text = text.replace("_", " ")
    rent, sale = bool(_RENT.search(text)), bool(_SALE.search(text))
    return None if rent == sale else "rent" if rent else "sale"


_YES = frozenset({"yes", "y", "true", "1", "ja", "tak", "oui", "si", "sí", "has association"})
_NO = frozenset({"no", "n", "false", "0", "nein", "nie", "nej", "non", "none"})


def yes_no(text: str) -> bool | None:
    """True or False where `text` is a plain yes or no in one of our languages."""
    word = text.strip(" .:!").lower()
    return True if word in _YES else False if word in _NO else None
