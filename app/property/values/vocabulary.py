"""Map words in the language files to values of the RESO Data Dictionary 2.0, to "rent" or "sale", or to a Boolean."""

import re
from dataclasses import dataclass

from app.choices import require_choice
from app.property.fields.phrases import by_key, first_of, pattern, words
from app.property.values.text_cache import remembered

_LONGEST_KEPT = 300

#: Subtypes in order of precedence. `House` is last, because it also matches `semi-detached house`.
_SUBTYPES = by_key(
    "kinds",
    *("Single Family Residence", "Unimproved Land", "Multi Family", "Duplex", "Warehouse", "Industrial", "Office"),
    *("Retail", "Manufactured Home", "Townhouse", "Semi Detached", "Condominium", "Stock Cooperative", "Apartment"),
    "House",
)
_COMMERCIAL = pattern("kinds", "Commercial")
_COMMERCIAL_SUBTYPES = frozenset({"Warehouse", "Industrial", "Office", "Retail"})

#: Maps keys of language files that are not RESO values to RESO values.
_MEANT = {"House": "Single Family Residence", "Sold Subject To Contract": "Pending"}
_STATUSES = by_key(
    "status",
    *("Sold Subject To Contract", "Closed", "Off Market", "Pending", "Withdrawn", "Expired", "Coming Soon", "Active"),
)
#: Matches the words of `ActiveUnderContract`, `off-market`, and `COMING_SOON`.
_WORDS = re.compile(r"[A-Z]?[a-z]+|[^\W_]+")
_RENT, _SALE = pattern("offers", "rent"), pattern("offers", "sale")


@dataclass(frozen=True, slots=True)
class Kind:
    """A RESO PropertyType and PropertySubType, each None if unknown."""

    type: str | None
    subtype: str | None


#: In these countries, "duplex" means a flat on two floors, not a house of two flats.
_DUPLEX_IS_FLAT = frozenset({"BE", "BR", "ES", "FR", "GB", "IE", "IT", "LU", "NL", "PT"})
_DUPLEX = re.compile(r"\bduplex\b", re.IGNORECASE)


def property_kind(text: str, country: str | None = None) -> Kind | None:
    """Return the kind of property in `text`, or None. `country` decides what `duplex` means."""
    kind = _kind(text)
    flat = kind is not None and kind.subtype == "Duplex" and country in _DUPLEX_IS_FLAT and _DUPLEX.search(text)
    return Kind(None, "Apartment") if flat else kind


@remembered(2_000, _LONGEST_KEPT)
def _kind(text: str) -> Kind | None:
    text = text.replace("_", " ")
    subtype = first_of(_SUBTYPES, text)
    subtype = _MEANT.get(subtype or "", subtype)
    if subtype in _COMMERCIAL_SUBTYPES or (subtype is None and is_commercial(text)):
        return Kind("Commercial Sale", subtype)
    if subtype == "Unimproved Land":
        return Kind("Land", subtype)
    return Kind(None, subtype) if subtype else None


def is_commercial(text: str) -> bool:
    return _COMMERCIAL.search(text) is not None


#: The status of a home that is not for sale now. RESO's statuses have no such value: `Withdrawn` is a listing that
#: its seller took back, and `Closed` is one that ended in a sale.
OFF_MARKET = "Off Market"


def standard_status(text: str) -> str | None:
    """Return the RESO StandardStatus that `text` states, or `OFF_MARKET`, or None."""
    text = text.replace("_", " ")
    status = first_of(_STATUSES, text)
    return _MEANT.get(status or "", status)


def require_status(text: str) -> str:
    """Return the RESO status that a user names: `coming-soon`, `Active Under Contract` (Pending), `sold` (Closed).

    Raises `ValueError` with all statuses if `text` is none, or if it has other words.
    """
    words = " ".join(_WORDS.findall(text[:_LONGEST_KEPT])).lower().removeprefix("active ")
    meant = next((status for status, found in _STATUSES.items() if found.fullmatch(words)), "")
    return require_choice(_MEANT.get(meant, meant) or text, sorted(_STATUSES.keys() - _MEANT.keys() - {OFF_MARKET}))


@remembered(2_000, _LONGEST_KEPT)
def offer(text: str) -> str | None:
    """Return "rent" or "sale". Return None if `text` contains words for both, or for neither."""
    text = text.replace("_", " ")
    rent, sale = bool(_RENT.search(text)), bool(_SALE.search(text))
    return None if rent == sale else "rent" if rent else "sale"


_YES, _NO = words("answers", "yes"), words("answers", "no")


def yes_no(text: str) -> bool | None:
    """Return True or False if `text` is just yes or no in a known language, else None."""
    word = text.strip(" .:!").lower()
    return True if word in _YES else False if word in _NO else None
