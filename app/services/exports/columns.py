"""The columns of tables (CSV, Parquet) and the properties of GeoJSON features: what there is, and in which order.

Programs rely on both. A new column goes to the end, none is ever moved, renamed or taken away; a field of the record
that has no column is a mistake that a test reports.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.property.doubt import UNSURE_BELOW

#: every column in its place
COLUMNS: tuple[str, ...] = (
    "property",
    "ListingId", "ListingKey", "OriginatingSystemName", "StandardStatus", "MlsStatus", "PropertyType",
    "PropertySubType", "ListPrice", "OriginalListPrice", "ClosePrice", "CloseDate",
    "UnparsedAddress", "StreetNumber", "StreetName", "UnitNumber", "City", "StateOrProvince", "CountyOrParish",
    "PostalCode", "Country", "Latitude", "Longitude", "SubdivisionName",
    "RoomsTotal", "BedroomsTotal", "BathroomsTotalInteger", "BathroomsFull", "BathroomsHalf", "LivingArea",
    "LivingAreaUnits", "LotSizeArea", "LotSizeUnits", "YearBuilt", "StoriesTotal", "Roof", "ConstructionMaterials",
    "Heating", "Cooling", "ParkingTotal", "PoolPrivateYN", "AssociationYN", "AssociationFee", "PowerProductionType",
    "PublicRemarks", "ListAgentFullName", "ListOfficeName", "Media",
    "ParcelNumber", "TaxAnnualAmount", "TaxAssessedValue", "TaxYear", "X_MarketValue",
    "X_Currency", "X_PricePeriod", "X_PriceQualifier", "X_RentBasis", "X_PriceHistory", "X_TaxHistory",
    "X_EnergyRating", "X_AccessNotes", "X_EstimatedValueLow", "X_EstimatedValueHigh", "X_PotentialEquityLow",
    "X_PotentialEquityHigh", "X_GoogleEarthUrl", "X_Permits", "X_RoofYear",
    "sources", "created_at", "updated_at",
    "replaces", "conflicts", "low_confidence",
    "X_PricePerArea", "X_AgeYears",
)  # fmt: skip


def about(shown: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that are no field of the record, from a property in the shape of `PropertyStore.get`.

    `sources` are URLs; `replaces` ids of properties that turned out to be this one; `conflicts` fields that sources
    disagree on; `low_confidence` those whose value is less sure than 0.9.
    """
    return {
        "property": shown["property"],
        "sources": [source["url"] for source in shown["sources"]],
        "created_at": shown["created_at"],
        "updated_at": shown["updated_at"],
        "replaces": shown["replaces"],
        "conflicts": [conflict["field"] for conflict in shown["conflicts"]],
        "low_confidence": [name for name, proof in shown["evidence"].items() if proof["confidence"] < UNSURE_BELOW],
    }
