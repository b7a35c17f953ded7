"""Finnish labels and JSON keys of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "velaton hinta|velaton myyntihinta|myyntihinta|hinta|vuokra|kuukausivuokra|vuokra/kk|pyyntihinta|vuokra €/kk",
    ),
    (
        "_Ignore",
        "neliöhinta|hoitovastike|yhtiövastike|rahoitusvastike|velkaosuus|vesimaksu|vakuus|kerros|vastike|"
        "kiinteistövero|saunamaksu|vapautuminen|vapautuu|kunto|muut tilat|parveke|remontit|tontin omistus|"
        "kokonaispinta-ala",
    ),
    (
        "ListingId",
        "kohdenumero|kohteen numero|kohde-id|ilmoitusnumero|kohdetunnus",
    ),
    (
        "PropertySubType",
        "talotyyppi|kohdetyyppi|asuntotyyppi|rakennustyyppi|tyyppi|huoneistotyyppi",
    ),
    (
        "RoomsTotal",
        "huoneita|huoneiden määrä|huoneluku|huoneiden lukumäärä",
    ),
    (
        "_Layout",
        "huoneisto|huoneistoselitelmä|kokoonpano|kuvaus huoneistosta",
    ),
    (
        "BedroomsTotal",
        "makuuhuoneita|makuuhuoneet|makuuhuoneiden lukumäärä",
    ),
    (
        "BathroomsTotalInteger",
        "kylpyhuoneita|kylpyhuoneet|kylpyhuoneiden lukumäärä",
    ),
    (
        "LivingArea",
        "asuinpinta-ala|pinta-ala|asuintilojen pinta-ala|koko|asuinala",
    ),
    (
        "LotSizeArea",
        "tontin pinta-ala|tontin koko|tontti|tontin ala",
    ),
    (
        "YearBuilt",
        "rakennusvuosi|rakennettu|valmistumisvuosi|käyttöönottovuosi",
    ),
    (
        "StoriesTotal",
        "kerroksia|kerrosten lukumäärä|kerrosluku|kerroksia yhteensä",
    ),
    (
        "Heating",
        "lämmitys|lämmitysjärjestelmä|lämmitystapa",
    ),
    (
        "Roof",
        "katto|kattomateriaali|kattotyyppi|katemateriaali",
    ),
    (
        "ConstructionMaterials",
        "rakennusmateriaali|julkisivu",
    ),
    (
        "_Address",
        "osoite|sijainti",
    ),
    (
        "City",
        "kaupunki|kunta|paikkakunta",
    ),
    (
        "StateOrProvince",
        "maakunta",
    ),
    (
        "PostalCode",
        "postinumero",
    ),
    (
        "ListAgentFullName",
        "välittäjä|kiinteistönvälittäjä|yhteyshenkilö|myyjä",
    ),
    (
        "ListOfficeName",
        "välitysliike|toimisto|ilmoittaja|vuokranantaja",
    ),
    (
        "PublicRemarks",
        "kuvaus|esittely",
    ),
    (
        "X_EnergyRating",
        "energialuokka|energiatodistus",
    ),
)
