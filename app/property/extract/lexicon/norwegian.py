"""Norwegian labels and JSON keys of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "prisantydning|månedsleie|leie|pris|leiepris|husleie|fastpris|leie pr. mnd|leie per måned|"
        "prisantydning (eks. fellesgjeld)",
    ),
    (
        "_Ignore",
        "totalpris|omkostninger|fellesgjeld|felleskostnader|felleskost/mnd.|felleskost/mnd|"
        "felleskostnader pr. mnd.|felles formue|fellesformue|formuesverdi|depositum|kommunale avg.|"
        "kommunale avgifter|pris per m²|m²-pris|etasje|eksternt bruksareal|terrasse-/balkongareal|"
        "innglasset balkong|låneverdi|verditakst|lånetakst|bruttoareal|renovert år|ledig fra|sist endret|"
        "visning|p-rom andre|sekundærrom|boligselgerforsikring|oppussingsår|innskudd",
    ),
    (
        "LivingArea",
        "internt bruksareal|primærrom|bra-i|p-rom|boareal|internt bruksareal (bra-i)|primærrom (p-rom)|størrelse",
    ),
    (
        "LivingArea:0.6",
        "bruksareal|bra|areal|bruksareal (bra)|boligareal",
    ),
    (
        "ListingId",
        "finn-kode|finnkode|referanse|referansenummer|oppdragsnummer|oppdragsnr|oppdragsnr.|annonsenummer|annonsekode|"
        "annonse-id|refnr",
    ),
    (
        "PropertySubType",
        "boligtype|type bolig|objekttype|eiendomstype",
    ),
    (
        "RoomsTotal",
        "rom|antall rom",
    ),
    (
        "BedroomsTotal",
        "soverom|antall soverom",
    ),
    (
        "BathroomsTotalInteger",
        "bad|antall bad|baderom",
    ),
    (
        "LotSizeArea",
        "tomteareal|tomt|tomtestørrelse|tomt areal|tomteareal (eiet)",
    ),
    (
        "YearBuilt",
        "byggeår|byggår|oppført",
    ),
    (
        "StoriesTotal",
        "antall etasjer|etasjer",
    ),
    (
        "Heating",
        "oppvarming|varme",
    ),
    (
        "Roof",
        "tak|taktekking|taktype",
    ),
    (
        "ConstructionMaterials",
        "byggemåte|kledning",
    ),
    (
        "_Address",
        "adresse|beliggenhet",
    ),
    (
        "UnparsedAddress",
        "gateadresse",
    ),
    (
        "City",
        "poststed|by|kommune|sted",
    ),
    (
        "StateOrProvince",
        "fylke",
    ),
    (
        "PostalCode",
        "postnummer|postnr",
    ),
    (
        "ListAgentFullName",
        "megler|ansvarlig megler|eiendomsmegler|kontaktperson|kontakt|oppdragsansvarlig",
    ),
    (
        "ListOfficeName",
        "meglerkontor|meglerforetak|utleier|annonsør|meglerfirma",
    ),
    (
        "MlsStatus",
        "salgsstatus|status",
    ),
    (
        "PublicRemarks",
        "beskrivelse|om boligen",
    ),
    (
        "X_EnergyRating",
        "energimerking|energimerke|energikarakter",
    ),
)
