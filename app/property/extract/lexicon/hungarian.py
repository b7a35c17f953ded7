"""Hungarian labels and JSON keys of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "ár|irányár|vételár|bérleti díj|eladási ár|kikiáltási ár|bérleti díj/hó|havi bérleti díj|ingatlan ára",
    ),
    (
        "_Ignore",
        "négyzetméterár|közös költség|kaució|emelet|rezsiköltség|átlag rezsi|erkély|erkély mérete|"
        "felújítás éve|telekár|m² ár|fajlagos ár|rezsi|kilátás|tájolás|hirdetés feladva|költözhető",
    ),
    (
        "ListingId",
        "hirdetéskód|azonosító|referenciaszám|hirdetés azonosító|ingatlan azonosító|referencia szám|"
        "ingatlankód|hirdetés kódja",
    ),
    (
        "PropertySubType",
        "ingatlan típusa|típus|ingatlan altípusa|altípus|ingatlantípus|jelleg|épület típusa|kategória",
    ),
    (
        "RoomsTotal",
        "szobák száma|szobák|szobaszám|szoba|szobák száma összesen",
    ),
    (
        "BathroomsTotalInteger",
        "fürdőszobák száma|fürdőszobák|fürdőszoba",
    ),
    (
        "BedroomsTotal",
        "hálószobák száma|hálószobák|hálók száma",
    ),
    (
        "LivingArea",
        "alapterület|lakóterület|hasznos alapterület|ingatlan mérete|méret|lakótér|nettó alapterület",
    ),
    (
        "LotSizeArea",
        "telekterület|telek területe|telek mérete|telekméret|telek|telek nagysága",
    ),
    (
        "YearBuilt",
        "építés éve|építési év|építés ideje|épült",
    ),
    (
        "StoriesTotal",
        "épület szintjei|szintek száma|épület szintjeinek száma|szintek",
    ),
    (
        "Heating",
        "fűtés|fűtés típusa|fűtési mód",
    ),
    (
        "Roof",
        "tető|tető típusa|tetőfedés",
    ),
    (
        "ConstructionMaterials",
        "falazat|építőanyag|szerkezet|ház anyaga|szerkezete",
    ),
    (
        "_Address",
        "cím|helyszín|elhelyezkedés|ingatlan címe",
    ),
    (
        "City",
        "település|város",
    ),
    (
        "StateOrProvince",
        "megye|vármegye",
    ),
    (
        "PostalCode",
        "irányítószám",
    ),
    (
        "ListAgentFullName",
        "értékesítő|ingatlanközvetítő|kapcsolattartó|referens|ingatlanos|közvetítő|munkatárs",
    ),
    (
        "ListOfficeName",
        "iroda|ingatlaniroda|hirdető|cég|ingatlanközvetítő iroda",
    ),
    (
        "PublicRemarks",
        "leírás|ingatlan leírása",
    ),
    (
        "X_EnergyRating",
        "energetikai besorolás|energetikai tanúsítvány|energetikai osztály",
    ),
)
