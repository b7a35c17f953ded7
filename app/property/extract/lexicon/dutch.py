"""Dutch labels and JSON keys of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "vraagprijs|huurprijs|koopprijs|prijs|prijs van de woning|huur|huurprijs per maand|verkoopprijs|"
        "kale huur|kale huurprijs|richtprijs|instelprijs|laatste vraagprijs|huurprijs (excl. kosten)",
    ),
    (
        "_Ignore",
        "prijs per m²|vraagprijs per m²|servicekosten|bijdrage vve|waarborg|waarborgsom|borg|kosten|"
        "maandlasten|lasten|verdieping|gelegen op|inhoud|externe bergruimte|gebouwgebonden buitenruimte|"
        "overige inpandige ruimte|kadastraal inkomen|k.i.|renovatiejaar|jaar van renovatie|laatste renovatie|"
        "aangeboden sinds|beschikbaar|beschikbaar vanaf|beschikbaarheid|terras|oppervlakte terras|"
        "oppervlakte tuin|breedte perceel|aantal toiletten|toiletten|bezoeken|vaste kosten",
    ),
    (
        "ListingId",
        "referentie|referentienummer|objectnummer|ref|ref.|woningnummer|referentiecode|pandnummer|"
        "immoweb code|advertentienummer|aanbodnummer|dossiernummer",
    ),
    (
        "PropertySubType",
        "soort woonhuis|soort appartement|type woning|type|woningtype|soort object|soort woning|type pand|"
        "soort vastgoed|objecttype|type eigendom",
    ),
    (
        "RoomsTotal",
        "aantal kamers|kamers|aantal vertrekken",
    ),
    (
        "BedroomsTotal",
        "slaapkamers|aantal slaapkamers|slaapkamer",
    ),
    (
        "BathroomsTotalInteger",
        "aantal badkamers|badkamers|badkamer",
    ),
    (
        "LivingArea",
        "wonen|woonoppervlakte|gebruiksoppervlakte wonen|woonopp.|bewoonbare opp.|bewoonbare oppervlakte|"
        "bewoonbare opp|oppervlakte wonen|woonruimte|woonopp|netto woonoppervlakte|leefoppervlakte",
    ),
    (
        "LivingArea:0.6",
        "oppervlakte|gebruiksoppervlakte|totale oppervlakte|bebouwde oppervlakte",
    ),
    (
        "LotSizeArea",
        "perceel|perceeloppervlakte|grondoppervlakte|oppervlakte grond|oppervlakte perceel|"
        "terreinoppervlakte|grootte perceel|perceelopp.|oppervlakte terrein|opp. terrein",
    ),
    (
        "YearBuilt",
        "bouwjaar|jaar van bouw|bouwperiode",
    ),
    (
        "StoriesTotal",
        "aantal woonlagen|aantal bouwlagen|woonlagen|aantal verdiepingen|verdiepingen",
    ),
    (
        "Heating",
        "verwarming|type verwarming|soort verwarming",
    ),
    (
        "Cooling",
        "airconditioning|airco|koeling",
    ),
    (
        "Roof",
        "soort dak|dak|daktype",
    ),
    (
        "ConstructionMaterials",
        "bouwmateriaal|gevel",
    ),
    (
        "_Address",
        "adres|ligging en adres",
    ),
    (
        "UnparsedAddress",
        "straat",
    ),
    (
        "City",
        "plaats|gemeente|stad|woonplaats",
    ),
    (
        "StateOrProvince",
        "provincie",
    ),
    (
        "PostalCode",
        "postcode",
    ),
    (
        "Country:0.9",
        "land",
    ),
    (
        "ListAgentFullName",
        "contactpersoon|contact|uw makelaar|vastgoedmakelaar|uw contactpersoon",
    ),
    (
        "ListOfficeName",
        "makelaar|makelaarskantoor|kantoor|aangeboden door|verhuurder|aanbieder|immokantoor|vastgoedkantoor",
    ),
    (
        "MlsStatus",
        "status",
    ),
    (
        "PublicRemarks",
        "omschrijving|beschrijving",
    ),
    (
        "X_EnergyRating",
        "energielabel|epc-label|energieklasse|epc label",
    ),
    (
        "ParkingTotal",
        "aantal parkeerplaatsen|parkeerplaatsen",
    ),
)
