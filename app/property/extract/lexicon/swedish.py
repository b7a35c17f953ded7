"""Swedish labels and JSON keys of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "fast pris|pris/hyra|hyra per månad|hyra/mån|månadshyra kr|startbud|accepterat bud|"
        "pris|utgångspris|begärt pris|hyra|månadshyra|acceptpris|accepterat pris",
    ),
    (
        "_Ignore",
        "pris/m²|pris per m²|avgift|driftkostnad|driftskostnad|månadsavgift|pris per kvm|kvadratmeterpris|"
        "antal besök|byggrätt|fastighetsbeteckning|taxeringsvärde|budgivning|prisutveckling|biarea|pantsättning|våning",
    ),
    (
        "ListingId",
        "objektnummer|objektsnummer|objektsnr|objekt nr|annonsid|referensnummer|annonsnummer",
    ),
    (
        "PropertySubType",
        "bostadstyp|typ|boendeform|typ av bostad",
    ),
    (
        "PropertySubType:0.4",
        "upplåtelseform",
    ),
    (
        "RoomsTotal",
        "antal rum|rum",
    ),
    (
        "BedroomsTotal",
        "sovrum|antal sovrum",
    ),
    (
        "BathroomsTotalInteger",
        "badrum|antal badrum",
    ),
    (
        "LivingArea",
        "boarea|boyta|storlek|bo area|living area",
    ),
    (
        "LotSizeArea",
        "tomtarea|tomtstorlek|tomtyta|tomt|tomt area",
    ),
    (
        "YearBuilt",
        "byggår|byggnadsår|byggt",
    ),
    (
        "StoriesTotal",
        "antal våningar|våningar",
    ),
    (
        "Heating",
        "uppvärmning|värme",
    ),
    (
        "Roof",
        "tak|takbeläggning|yttertak",
    ),
    (
        "ConstructionMaterials",
        "fasad|stomme|byggnadssätt",
    ),
    (
        "_Address",
        "adress",
    ),
    (
        "UnparsedAddress",
        "gatuadress",
    ),
    (
        "City",
        "stad|ort|kommun|postort",
    ),
    (
        "PostalCode",
        "postnummer",
    ),
    (
        "StateOrProvince",
        "län",
    ),
    (
        "ListAgentFullName",
        "mäklaren|fastighetsmäklare|ansvarig fastighetsmäklare|din mäklare|kontakt|"
        "mäklare|ansvarig mäklare|kontaktperson",
    ),
    (
        "ListOfficeName",
        "mäklarbyrå|mäklarfirma",
    ),
    (
        "PublicRemarks",
        "beskrivning",
    ),
    (
        "SubdivisionName",
        "förening",
    ),
    (
        "X_EnergyRating",
        "energiklass",
    ),
)
