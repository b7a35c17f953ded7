"""Czech and Slovak labels and JSON keys of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "cena|celková cena|nájemné|cena nájmu|kupní cena|prodejní cena|cena za nemovitost|nájem|cena celkem|"
        "měsíční nájem|nájomné|vyvolávací cena|cena nehnuteľnosti|mesačný nájom|nejnižší podání|"
        "cena vrátane provízie",
    ),
    (
        "_Ignore",
        "cena za m²|cena za m2|cena/m²|poplatky|energie|kauce|vratná kauce|provize|sklep|balkon|lodžie|"
        "terasa|podlaží umístění|rok rekonstrukce|poslední rekonstrukce|zálohy|náklady|náklady na bydlení|"
        "depozit|garáž|datum nastěhování|k nastěhování|aktualizace|zobrazeno|zastavěná plocha|hypotéka|"
        "poslaschodie|poschodie|stav objektu|výťah|rok kolaudácie rekonštrukcie|rok rekonštrukcie|"
        "poznámka k ceně|úžitková plocha balkóna",
    ),
    (
        "ListingId",
        "id zakázky|číslo zakázky|číslo inzerátu|id nemovitosti|id inzerátu|evidenční číslo|kód nemovitosti|"
        "číslo nabídky|referenční číslo|zakázka číslo|id|kód zákazky|id zákazky|kód ponuky|číslo ponuky|"
        "identifikačné číslo",
    ),
    (
        "PropertySubType",
        "typ nemovitosti|druh nemovitosti|typ|typ domu|typ bytu|druh|kategorie|druh nehnuteľnosti|"
        "typ nehnuteľnosti|kategória|druh objektu",
    ),
    (
        "_Layout",
        "dispozice|velikost bytu|dispozícia",
    ),
    (
        "RoomsTotal",
        "počet místností|počet pokojů|počet izieb|počet miestností",
    ),
    (
        "BedroomsTotal",
        "počet ložnic|ložnice|počet spální",
    ),
    (
        "BathroomsTotalInteger",
        "počet koupelen|koupelny|počet kúpeľní|kúpeľne",
    ),
    (
        "LivingArea",
        "užitná plocha|podlahová plocha|obytná plocha|plocha bytu|užitková plocha|úžitková plocha|plocha|"
        "výměra|celková plocha|celková podlahová plocha|podlahová plocha bytu|výmera",
    ),
    (
        "LotSizeArea",
        "plocha pozemku|pozemek|výměra pozemku|celková plocha pozemku|velikost pozemku|plocha parcely|"
        "výmera pozemku|rozloha pozemku|pozemok",
    ),
    (
        "YearBuilt",
        "rok výstavby|rok kolaudace|rok postavení|postaveno|rok výstavby domu|rok kolaudácie|rok stavby",
    ),
    (
        "_Floor",
        "podlaží|umístění podlaží|patro|poschodie z",
    ),
    (
        "_Stories",
        "počet podlaží|počet podlaží objektu|podlažnost|počet nadzemních podlaží|počet nadzemných podlaží",
    ),
    (
        "Heating",
        "topení|vytápění|druh vytápění|vykurovanie|kúrenie",
    ),
    (
        "Roof",
        "střecha|typ střechy|krytina|strecha",
    ),
    (
        "ConstructionMaterials",
        "stavba|konstrukce|konstrukce budovy|materiál|typ stavby|druh stavby",
    ),
    (
        "_Address",
        "adresa|lokalita|umístění|poloha|místo",
    ),
    (
        "UnparsedAddress",
        "ulice|ulica",
    ),
    (
        "City",
        "město|obec|mesto",
    ),
    (
        "StateOrProvince",
        "kraj",
    ),
    (
        "PostalCode",
        "psč",
    ),
    (
        "ListAgentFullName",
        "makléřka|maklérka|realitní makléřka|realitná maklérka|váš maklér|vaše makléřka|"
        "makléř|realitní makléř|kontaktní osoba|kontaktovat|kontakt|kontaktná osoba|maklér|váš makléř|realitný maklér",
    ),
    (
        "ListOfficeName",
        "realitní kancelář|kancelář|společnost|firma|inzerent|prodejce|realitná kancelária|predajca",
    ),
    (
        "MlsStatus",
        "stav nabídky|stav inzerátu",
    ),
    (
        "PublicRemarks",
        "popis|popis nemovitosti|popis nehnuteľnosti",
    ),
    (
        "X_EnergyRating",
        "energetická náročnost|energetická náročnost budovy|třída energetické náročnosti|penb|"
        "energetická trieda|energetický certifikát|energetická třída",
    ),
    (
        "ParkingTotal",
        "parkovací místa|počet parkovacích míst",
    ),
)
