"""Key words of JSON objects: whose branch a key opens, which keys hold a label, its value, an amount, a unit."""

from __future__ import annotations

import re
from functools import lru_cache

#: keys under which a JSON answer lists what it found
RESULT_KEYS = frozenset(
    {"results", "items", "data", "listings", "properties", "features", "records", "parcels", "hits", "docs", "rows"}
    | {"content", "homes", "ads", "adverts", "entries", "value"}
)
#: branches on other properties, other people, the site or its words
CUT = re.compile(
    r"\b(?:similar|nearby|recommend\w*|related|comparables?|comps|neighbou?rs?|breadcrumbs?|"
    r"translations?|i18n|messages|owners?|mailing|mail|users?|"
    r"session|schools?|mortgage|analytics|tracking|seo|ads|advertising|targeting|experiments?|config|"
    r"filters?|facets|search|footer|header|navigation|menus?|"
    r"query|saved|recently|suggested|other|others|aggregations?|locations? tree|surrounding|"
    r"collections?|itemlistelement|ispartof|publisher|"
    r"author|potentialaction|mainentityofpage|calculator|transport|poi|images?|photos?|media|pictures|"
    r"gallery|video|brand colors|logo|nav|"
    r"estimates?|rentals? nearby|competitor\w*|home values?|valuations?|avm|extra features?|ad "
    r"targets?|tracking config|hubs?|links?|faqs?|reviews?|trends?|market (?:insights|statistics|"
    r"trends)|suburb (?:insights|profile|data|statistics)|demographics?|appraiz\w*|appraiser)\b"
)
AGENT = re.compile(
    r"\b(?:agents?|brokers?|realtors?|negotiators?|listers?|contacts?|sellers?|performer|offeredby|"
    r"offered by|advertisers?|advert owner|ad owner|lister|vendor contact|consultants?|listing "
    r"agents?)\b"
)
OFFICE = re.compile(
    r"\b(?:office|agency|branch|brokerage|company|organi[sz]ation|estate agents?|customers?|"
    r"memberof|member of|listing company|brand|provider|worksfor|agencies)\b"
)
#: `ForSaleQuery{"id":71}`, `homeByUrl({"url":"/p/71"})`: a cache's key is the query whose answer it holds
_ARGUMENTS = re.compile(r"[({]")
# fmt: off
NAMES = frozenset({
    "agencyname", "agent name", "contact name", "display name", "displayname", "full name", "fullname",
    "legal name", "name", "person name", "title name",
})
OFFICE_KEYS = frozenset({
    "agency", "agency name", "branch", "branch name", "brokerage", "company", "company name", "office",
    "office name", "organisation", "organization",
})
NUMERIC = frozenset({
    "AssociationFee", "BathroomsTotalInteger", "ClosePrice", "ListPrice", "LivingArea", "LotSizeArea",
    "OriginalListPrice", "RoomsTotal", "TaxAnnualAmount", "TaxAssessedValue", "X_MarketValue", "_RentWarm",
})
GEO = frozenset({
    "City", "Country", "CountyOrParish", "PostalCode", "StateOrProvince", "UnparsedAddress",
})
MEASURED = NUMERIC | {
    "BathroomsFull", "BathroomsHalf", "BedroomsTotal", "MlsStatus", "ParkingTotal", "PropertySubType",
    "StoriesTotal", "YearBuilt", "_Address",
}
LABEL_KEYS = (
    "localizedLabel", "label", "Label", "displayName", "title", "name", "key", "Key", "term", "heading", "caption",
    "InfoName", "propertyName", "type", "attributeName", "fieldName",
)
VALUE_KEYS = (
    "localizedValue", "displayValue", "formattedValue", "value", "Value", "values", "content", "text", "InfoValue",
    "description", "data", "answer", "label",
)
AMOUNT_KEYS = (
    "value", "amount", "price", "raw", "numeric", "min", "displayValue", "formatted", "display", "text", "number",
    "count", "total", "size", "sqft", "long",
)
UNIT_KEYS = (
    "unitCode", "unitText", "unit", "units", "sizeUnit", "measurement", "unitType", "symbol", "uom",
)
UNIT_CODES = {
    "MTK": "m²", "FTK": "sqft", "SQFT": "sqft", "ACR": "acres", "HAR": "ha", "SQM": "m²", "METRES_SQUARED": "m²",
    "SQUARE_METRES": "m²", "SQUAREMETER": "m²", "SQUARE_METERS": "m²", "SQUARE_FEET": "sqft", "M2": "m²",
    "SQUAREMETERS": "m²", "SQUAREFEET": "sqft",
}
# fmt: on


def is_cut(key: str, words: str) -> bool:
    """True for a key whose branch is about something else; a long key, or one with arguments, is a cache's query."""
    return len(key) <= 60 and _ARGUMENTS.search(key) is None and _is_cut(words)


@lru_cache(maxsize=10_000)
def _is_cut(words: str) -> bool:
    return CUT.search(words) is not None
