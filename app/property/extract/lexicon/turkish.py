"""Turkish labels and JSON keys of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "fiyat|fiyatı|satış fiyatı|kira|kira bedeli|aylık kira|satılık fiyatı|kira fiyatı",
    ),
    (
        "_Ignore",
        "i̇lan tarihi|kimden|"
        "aidat|aidat (tl)|depozito|depozito (tl)|m² fiyatı|metrekare fiyatı|bulunduğu kat|bina yaşı|"
        "ilan tarihi|ilan güncelleme tarihi|açık alan m²|kapalı alan m²|krediye uygun|takas|"
        "kat sayısı bulunduğu",
    ),
    (
        "ListingId",
        "i̇lan no|i̇lan numarası|ilan no|ilan numarası|portföy no|referans no|ilan no.",
    ),
    (
        "PropertySubType",
        "emlak tipi|konut tipi|konut şekli|gayrimenkul tipi|tipi|türü",
    ),
    (
        "_Layout",
        "oda sayısı|oda + salon sayısı|oda + salon",
    ),
    (
        "BathroomsTotalInteger",
        "banyo sayısı|banyo",
    ),
    (
        "LivingArea",
        "m² (net)|net m²|net metrekare|net alan|m² net|m²(net)|net / brüt m²",
    ),
    (
        "LivingArea:0.6",
        "m² (brüt)|brüt m²|brüt metrekare|m² brüt|brüt / net m²|m²",
    ),
    (
        "LotSizeArea",
        "arsa alanı|arsa m²|arsa metrekaresi|arsa büyüklüğü",
    ),
    (
        "YearBuilt",
        "yapım yılı|inşa yılı|yapı yılı|bina yapım yılı",
    ),
    (
        "StoriesTotal",
        "kat sayısı|binadaki kat sayısı|bina kat sayısı",
    ),
    (
        "Heating",
        "isıtma|isıtma tipi|isınma tipi|ısıtma|ısıtma tipi|ısınma tipi|yakıt tipi",
    ),
    (
        "_Address",
        "adres|konum",
    ),
    (
        "City",
        "il|şehir",
    ),
    (
        "PostalCode",
        "posta kodu",
    ),
    (
        "ListAgentFullName",
        "danışman|emlak danışmanı|yetkili|ilan sahibi",
    ),
    (
        "ListOfficeName",
        "emlak danışmanlığı|emlak ofisi|firma|ofis|mağaza|kimden firma",
    ),
    (
        "PublicRemarks",
        "açıklama",
    ),
)
