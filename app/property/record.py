"""The record: RESO field names, what each may hold, and the evidence that every value carries.

Says what a value looks like; how one is found is `extract/`, how records become a property is `merge.py`.
Names follow the RESO Data Dictionary 2.0 (https://ddwiki.reso.org); ours are prefixed `X_`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

#: What a field holds: text, a whole number, a decimal number, yes/no, an ISO 8601 date, a list of texts, or rows.
FieldType = Literal["text", "integer", "number", "boolean", "date", "texts", "rows"]


class PageKind(StrEnum):
    """What a fetched page is. Only listings and records hold a property."""

    LISTING = "listing"
    RECORD = "record"
    SEARCH = "search"
    BLOCKED = "blocked"
    GONE = "gone"


class SourceKind(StrEnum):
    """Whose page it is: what a source may be believed on depends on it (`merge.py`)."""

    ASSESSOR = "assessor"
    GIS = "gis"
    TAX_ROLL = "tax_roll"
    PERMITS = "permits"
    PORTAL = "portal"
    ASSOCIATION = "association"
    OTHER = "other"


class Method(StrEnum):
    """How a value was read, most trustworthy first."""

    JSONLD = "jsonld"
    MICRODATA = "microdata"
    STATE = "state"
    LABEL = "label"
    OPENGRAPH = "opengraph"
    LLM = "llm"
    WEB_SEARCH = "web_search"
    DERIVED = "derived"


class FieldSpec(BaseModel):
    """One field: its type, the group it is shown in, whether a model is worth asking for it, and what it means."""

    model_config = ConfigDict(frozen=True)

    name: str
    type: FieldType
    group: Literal["listing", "address", "facts", "text", "tax", "ours"]
    ask_model: bool
    meaning: str


def _specs() -> Mapping[str, FieldSpec]:
    rows: list[tuple[str, FieldType, str, bool, str]] = [
        ("ListingId", "text", "listing", False, "the id that the page shows for this listing"),
        ("ListingKey", "text", "listing", False, "the site's internal id of this listing"),
        ("OriginatingSystemName", "text", "listing", False, "the system or MLS that the listing comes from"),
        ("StandardStatus", "text", "listing", True, "Active, Pending, Closed, Withdrawn, Expired or Coming Soon"),
        ("MlsStatus", "text", "listing", False, "the status in the site's own words"),
        ("PropertyType", "text", "listing", True, "Residential, Residential Lease, Land, Commercial Sale, ..."),
        ("PropertySubType", "text", "listing", True, "Single Family Residence, Apartment, Condominium, Townhouse, ..."),
        ("ListPrice", "number", "listing", True, "the price asked, in X_Currency; per X_PricePeriod if for rent"),
        ("OriginalListPrice", "number", "listing", False, "the price first asked"),
        ("ClosePrice", "number", "listing", True, "the price of the newest sale"),
        ("CloseDate", "date", "listing", True, "the date of the newest sale"),
        ("UnparsedAddress", "text", "address", True, "street part of the property's address, as written"),
        ("StreetNumber", "text", "address", False, "house number"),
        ("StreetName", "text", "address", False, "street without the house number"),
        ("UnitNumber", "text", "address", False, "apartment or unit"),
        ("City", "text", "address", True, "city or town"),
        ("StateOrProvince", "text", "address", True, "state, province or region; two letters in the US"),
        ("CountyOrParish", "text", "address", True, "county"),
        ("PostalCode", "text", "address", True, "postal code as written"),
        ("Country", "text", "address", False, "ISO 3166-1 alpha-2"),
        ("Latitude", "number", "address", False, "degrees north, WGS 84, -90 to 90"),
        ("Longitude", "number", "address", False, "degrees east, WGS 84, -180 to 180"),
        ("SubdivisionName", "text", "address", True, "subdivision or neighbourhood plat"),
        ("RoomsTotal", "number", "facts", True, "all rooms (not bedrooms); half rooms occur in Germany"),
        ("BedroomsTotal", "integer", "facts", True, "bedrooms"),
        ("BathroomsTotalInteger", "integer", "facts", True, "bathrooms, full and half together"),
        ("BathroomsFull", "integer", "facts", False, "full bathrooms"),
        ("BathroomsHalf", "integer", "facts", False, "half bathrooms"),
        ("LivingArea", "number", "facts", True, "living area in LivingAreaUnits"),
        ("LivingAreaUnits", "text", "facts", False, "Square Feet or Square Meters"),
        ("LotSizeArea", "number", "facts", True, "lot area in LotSizeUnits"),
        ("LotSizeUnits", "text", "facts", False, "Square Feet, Square Meters, Acres or Hectares"),
        ("YearBuilt", "integer", "facts", True, "year of construction"),
        ("StoriesTotal", "number", "facts", True, "storeys of the building"),
        ("Roof", "texts", "facts", True, "roof covering of the house"),
        ("ConstructionMaterials", "texts", "facts", True, "exterior walls and construction"),
        ("Heating", "texts", "facts", True, "heating"),
        ("Cooling", "texts", "facts", True, "cooling"),
        ("ParkingTotal", "number", "facts", True, "parking spaces"),
        ("PoolPrivateYN", "boolean", "facts", True, "private pool"),
        ("AssociationYN", "boolean", "facts", True, "is there a home owners association"),
        ("AssociationFee", "number", "facts", True, "home owners association fee, in X_Currency"),
        ("PowerProductionType", "texts", "facts", True, "solar or other power production"),
        ("PublicRemarks", "text", "text", False, "the description for the public"),
        ("ListAgentFullName", "text", "text", True, "the agent's name"),
        ("ListOfficeName", "text", "text", True, "the agency's name"),
        ("Media", "texts", "text", False, "URLs of pictures"),
        ("ParcelNumber", "text", "tax", True, "assessor's parcel number"),
        ("TaxAnnualAmount", "number", "tax", True, "property tax of TaxYear, in X_Currency"),
        ("TaxAssessedValue", "number", "tax", True, "assessed (capped) value, in X_Currency"),
        ("TaxYear", "integer", "tax", True, "year of the tax values"),
        ("X_MarketValue", "number", "tax", True, "total just or market value by the assessor"),
        ("X_Currency", "text", "ours", True, "ISO 4217"),
        ("X_PricePeriod", "text", "ours", False, "day, week, month or year; absent for a sale"),
        ("X_PriceQualifier", "text", "ours", False, "from, on application, auction or range"),
        ("X_RentBasis", "text", "ours", False, "cold, warm or pcm"),
        ("X_PriceHistory", "rows", "ours", False, "dated prices: date, price, event"),
        ("X_TaxHistory", "rows", "ours", False, "values by year: year, assessed, market, tax"),
        ("X_EnergyRating", "text", "ours", False, "energy certificate class"),
        ("X_AccessNotes", "text", "ours", True, "gated community and other access notes"),
        ("X_EstimatedValueLow", "number", "ours", False, "low end of an estimate of value"),
        ("X_EstimatedValueHigh", "number", "ours", False, "high end of an estimate of value"),
        ("X_PotentialEquityLow", "number", "ours", False, "derived: estimated low - last sale price; may be negative"),
        ("X_PotentialEquityHigh", "number", "ours", False, "derived: estimated high - last sale price"),
        ("X_PricePerArea", "number", "ours", False, "derived: ListPrice, else ClosePrice, per unit of LivingArea"),
        ("X_AgeYears", "integer", "ours", False, "derived: years since YearBuilt when the property was last read"),
        ("X_GoogleEarthUrl", "text", "ours", False, "derived from the coordinates or the address"),
        ("X_Permits", "rows", "ours", False, "permits: kind, date, status"),
        ("X_RoofYear", "integer", "ours", True, "year of the roof, from a roof permit, else as stated"),
    ]
    return MappingProxyType({n: FieldSpec(name=n, type=t, group=g, ask_model=a, meaning=m) for n, t, g, a, m in rows})


#: Every field by its RESO name, in the order in which records, tables and CSV columns show them.
FIELDS: Mapping[str, FieldSpec] = _specs()
#: the field that says in what unit another one is
UNIT_OF: Mapping[str, str] = {"LivingArea": "LivingAreaUnits", "LotSizeArea": "LotSizeUnits"}

#: Fields that name people: they are kept no longer than personal data may be (`store/personal_data.py`).
PEOPLE_FIELDS = frozenset({"ListAgentFullName"})

Confidence = Annotated[float, Field(ge=0.0, le=1.0)]


class Evidence(BaseModel):
    """Where one value was read.

    `raw` is the text as it stood on the page, `quote` enough of its surroundings to find it again, `locator` a JSON
    pointer (jsonld, state), an XPath (microdata, opengraph, label) or `chars:START-END` in the text sent (llm).
    `rendered`: the page was drawn by a browser; where it was not, nothing is said.
    """

    model_config = ConfigDict(frozen=True)

    value: Any
    raw: str
    unit: str | None = None
    method: Method
    locator: str
    quote: str
    source_url: str
    fetched_at: datetime
    content_sha256: str
    confidence: Confidence
    rendered: Annotated[bool, Field(exclude_if=lambda rendered: not rendered)] = False


_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "date": (str,),
    "texts": (list,),
    "rows": (list,),
}


def fits(name: str, value: Any) -> bool:
    """True if `name` is a field and `value` of its type; True and False are no numbers."""
    spec = FIELDS.get(name)
    if spec is None:
        return False
    return isinstance(value, _PYTHON_TYPES[spec.type]) and isinstance(value, bool) == (spec.type == "boolean")


class PropertyRecord(BaseModel):
    """One page's data: values by RESO name, and the evidence of each. A field that the page lacks is absent.

    Raises `ValueError` for an unknown name, a value of the wrong type, or a value without evidence.
    """

    model_config = ConfigDict(frozen=True)

    values: dict[str, Any] = Field(default_factory=dict)
    evidence: dict[str, Evidence] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known_typed_and_evidenced(self) -> Self:
        for name, value in self.values.items():
            if name not in FIELDS:
                raise ValueError(f"{name} is not a field of a property record")
            if not fits(name, value):
                raise ValueError(f"{name} must be {FIELDS[name].type}, not {type(value).__name__}")
            if name not in self.evidence:
                raise ValueError(f"{name} has a value without evidence")
        return self

    def missing(self) -> tuple[str, ...]:
        """The fields that a model is worth asking for and that this record lacks, in the order of `FIELDS`."""
        return tuple(n for n, spec in FIELDS.items() if spec.ask_model and n not in self.values)
