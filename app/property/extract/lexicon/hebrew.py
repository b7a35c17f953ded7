"""Hebrew labels of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "מחיר|מחיר מבוקש|שכר דירה",
    ),
    (
        "RoomsTotal",
        "חדרים|מספר חדרים",
    ),
    (
        "BathroomsTotalInteger",
        "חדרי רחצה|מקלחות|אמבטיות",
    ),
    (
        "LivingArea",
        'שטח|שטח בנוי|מ"ר|שטח במ"ר',
    ),
    (
        "LotSizeArea",
        "שטח מגרש|שטח הקרקע",
    ),
    (
        "YearBuilt",
        "שנת בנייה",
    ),
    (
        "_Address",
        "כתובת|מיקום",
    ),
    (
        "City",
        "עיר|יישוב",
    ),
    (
        "_Ignore",
        'ארנונה|ועד בית|קומה|מחיר למ"ר|תאריך כניסה',
    ),
    (
        "ListingId",
        "מספר מודעה|מספר נכס",
    ),
    (
        "PropertySubType",
        "סוג הנכס|סוג נכס",
    ),
    (
        "ListAgentFullName",
        "איש קשר|סוכן",
    ),
    (
        "PublicRemarks",
        "תיאור|תיאור הנכס",
    ),
)
