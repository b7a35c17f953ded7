"""The county's GIS: an ArcGIS REST layer of parcels, and the queries it supports.

Source: https://developers.arcgis.com/rest/services-reference/enterprise/query-map-service-layer/ (f=json). A parcel is
a polygon in degrees (`outSR=4326`); dates are milliseconds since the epoch.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from simulators.county.sites import Page

Test = Callable[[Mapping[str, Any]], bool]
#: The maximum number of features in a response (`maxRecordCount`).
MOST = 25
_TYPES = {
    "OBJECTID": "OID", "PARCEL_ID": "String", "SITUS_ADDR": "String", "SITUS_UNIT": "String", "SITUS_CITY": "String",
    "SITUS_ST": "String", "SITUS_ZIP": "String", "OWNER": "String", "MAIL_ADDR": "String", "SUBDIV": "String",
    "YEAR_BUILT": "Integer", "BLDG_SQFT": "Double", "ACRES": "Double", "SALE_DATE": "Date", "SALE_PRICE": "Double",
    "ASSD_VALUE": "Double", "TAX_YEAR": "Integer",
}  # fmt: skip
_ALIASES = {
    "PARCEL_ID": "Parcel ID", "SITUS_ADDR": "Situs Address", "SITUS_UNIT": "Unit", "SITUS_CITY": "Situs City",
    "SITUS_ST": "Situs State", "SITUS_ZIP": "Situs ZIP", "OWNER": "Owner Name", "MAIL_ADDR": "Owner Mailing Address",
    "SUBDIV": "Subdivision", "YEAR_BUILT": "Year Built", "BLDG_SQFT": "Living Area (sq ft)", "ACRES": "Acreage",
    "SALE_DATE": "Sale Date", "SALE_PRICE": "Sale Price", "ASSD_VALUE": "Assessed Value", "TAX_YEAR": "Tax Year",
}  # fmt: skip
_CONDITION = re.compile(r"(?:UPPER\()?(\w+)\)?\s*(=|LIKE)\s*'((?:[^']|'')*)'", re.IGNORECASE)


class QueryError(ValueError):
    """The server does not support the `where` clause."""


def answer(pages: Iterable[Page], where: str) -> dict[str, Any]:
    wanted = _conditions(where)
    found = [_feature(page) for page in pages if _meets(page, wanted)]
    return {
        "displayFieldName": "SITUS_ADDR",
        "fieldAliases": {name: _ALIASES.get(name, name) for name in _TYPES},
        "geometryType": "esriGeometryPolygon",
        "spatialReference": {"wkid": 4326, "latestWkid": 4326},
        "fields": [
            {"name": name, "type": f"esriFieldType{kind}", "alias": _ALIASES.get(name, name)}
            for name, kind in _TYPES.items()
        ],
        "features": found[:MOST],
        **({"exceededTransferLimit": True} if len(found) > MOST else {}),
    }


def only(pages: Iterable[Page], where: str) -> Page | None:
    try:
        wanted = _conditions(where)
    except QueryError:
        return None
    found = [page for page in pages if _meets(page, wanted)]
    return found[0] if len(found) == 1 else None


def _meets(page: Page, wanted: Iterable[Test]) -> bool:
    row = _attributes(page)
    return all(test(row) for test in wanted)


def _conditions(where: str) -> list[Test]:
    """Parse conditions such as `NAME = 'value' AND NAME LIKE 'value%'`."""
    asked = []
    for part in re.split(r"\s+AND\s+", where.strip(), flags=re.IGNORECASE):
        match = _CONDITION.fullmatch(part.strip())
        if match is None or match[1].upper() not in _TYPES:
            raise QueryError(part)
        asked.append(_test(match[1].upper(), match[2].upper(), match[3].replace("''", "'")))
    return asked


def _test(name: str, operator: str, value: str) -> Test:
    if operator == "=":
        return lambda row: str(row[name]).upper() == value.upper()
    pattern = re.compile(re.escape(value).replace("%", ".*").replace("_", "."), re.IGNORECASE)
    return lambda row: pattern.fullmatch(str(row[name])) is not None


def _feature(page: Page) -> dict[str, Any]:
    y, x, half = page.says["Latitude"], page.says["Longitude"], 0.00014
    corners = ((-1, -1), (-1, 1), (1, 1), (1, -1), (-1, -1))
    ring = [[round(x + half * dx, 6), round(y + half * dy, 6)] for dx, dy in corners]
    return {"attributes": _attributes(page), "geometry": {"rings": [ring]}, "centroid": {"x": x, "y": y}}


def _attributes(page: Page) -> dict[str, Any]:
    says, home = page.says, page.home
    return {
        "OBJECTID": 40_000 + home.number, "PARCEL_ID": says["ParcelNumber"], "SITUS_ADDR": page.line,
        "SITUS_UNIT": home.unit,
        "SITUS_CITY": home.town.name.upper(), "SITUS_ST": says["StateOrProvince"], "SITUS_ZIP": says["PostalCode"],
        "OWNER": home.owner, "MAIL_ADDR": home.mailing, "SUBDIV": says["SubdivisionName"].upper(),
        "YEAR_BUILT": says["YearBuilt"], "BLDG_SQFT": float(says["LivingArea"]), "ACRES": says["LotSizeArea"],
        "SALE_DATE": _milliseconds(date.fromisoformat(says["CloseDate"])), "SALE_PRICE": float(says["ClosePrice"]),
        "ASSD_VALUE": float(says["TaxAssessedValue"]), "TAX_YEAR": says["TaxYear"],
    }  # fmt: skip


def _milliseconds(day: date) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
