"""German, Polish, Swedish, French, Spanish, Italian and Dutch labels of listing sites."""

from __future__ import annotations

_DE: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "kaufpreis|preis|angebotspreis|kaltmiete|nettokaltmiete|netto kaltmiete|miete|grundmiete|kaltmiete netto|"
        "mietpreis|verkaufspreis|monatliche kaltmiete|miete zzgl. nk|kaltmiete zzgl. nebenkosten|kaufpreis brutto|"
        "kaufpreis netto",
    ),
    (
        "_RentWarm",
        "warmmiete|gesamtmiete|gesamtmiete inkl. nebenkosten|miete inkl. nk|pauschalmiete|bruttowarmmiete|"
        "gesamtkosten|bruttomiete",
    ),
    (
        "_Ignore",
        "nebenkosten|heizkosten|betriebskosten|kaution|provision|hausgeld|preis pro m²|preis/m²|quadratmeterpreis|"
        "kaufpreis/m²|verfügbar ab|stellplatzmiete|miete pro m²|letzte modernisierung|letzte sanierung|online seit|"
        "baujahr laut energieausweis|baujahr (gemäß energieausweis)|baujahr gemäß energieausweis|baujahr heizung|"
        "nutzfläche|gesamtfläche|balkonfläche|stellplatzpreis|käuferprovision",
    ),
    (
        "ListingId",
        "objekt nr|objektnummer|objekt id|immobilien id|anzeigennummer|anzeigen id|anbieter objekt nr|online id|"
        "referenznummer|scout id|immobiliennummer|referenz|obj nr|expose nr|exposé nr|objekt nr.|expose id|"
        "anzeigennr|immo nr|kennung|ad id|immobilie nr|anzeigen nr.|objektnr|objekt referenz",
    ),
    (
        "PropertySubType",
        "wohnungstyp|objektart|immobilientyp|haustyp|objekttyp|immobilienart|art der immobilie|haus typ|kategorie|"
        "typ|objektkategorie|wohnungsart",
    ),
    (
        "RoomsTotal",
        "zimmer|anzahl zimmer|zimmeranzahl|zimmerzahl|räume|anzahl der zimmer|zimmer gesamt",
    ),
    (
        "BedroomsTotal",
        "schlafzimmer|anzahl schlafzimmer|anzahl der schlafzimmer",
    ),
    (
        "BathroomsTotalInteger",
        "badezimmer|bäder|anzahl badezimmer|bad|anzahl bäder|anzahl der badezimmer",
    ),
    (
        "LivingArea",
        "wohnfläche|wohnfläche ca.|wohn fläche|wohnflaeche|wohnfl|wfl",
    ),
    (
        "LivingArea:0.6",
        "fläche|gesamtwohnfläche|größe",
    ),
    (
        "LotSizeArea",
        "grundstücksfläche|grundstück|grundstücksgröße|grundfläche|grundst. fläche|grundstueck|grundstücksfl",
    ),
    (
        "YearBuilt",
        "baujahr|bau jahr|fertigstellung|baujahr gebäude|baujahr des gebäudes",
    ),
    (
        "StoriesTotal",
        "etagenzahl|anzahl etagen|etagen|geschosse|anzahl geschosse|geschossanzahl",
    ),
    (
        "Heating",
        "heizung|heizungsart|heizart|beheizung|heizungssystem",
    ),
    (
        "Roof",
        "dach|dacheindeckung|dachart",
    ),
    (
        "_Address",
        "adresse|anschrift|objektadresse|standort",
    ),
    (
        "UnparsedAddress",
        "straße|strasse|straße hausnummer|straße nr",
    ),
    (
        "City",
        "ort|stadt|gemeinde",
    ),
    (
        "PostalCode",
        "plz|postleitzahl",
    ),
    (
        "StateOrProvince",
        "bundesland|kanton",
    ),
    (
        "Country:0.9",
        "land",
    ),
    (
        "ListAgentFullName",
        "ansprechpartner|ansprechpartner/in|ansprechpartner in|ihr ansprechpartner|kontaktperson|"
        "ihre ansprechpartnerin|makler|ihr kontakt|ihre ansprechpartner|ansprechpartnerin|ihr berater|kontaktdaten",
    ),
    (
        "ListOfficeName",
        "anbieter|firma|immobilienbüro|maklerbüro|vermieter firma|unternehmen",
    ),
    (
        "MlsStatus",
        "objektstatus|vermarktungsstatus",
    ),
    (
        "PublicRemarks",
        "beschreibung|objektbeschreibung|objektbeschreibungen",
    ),
    (
        "X_EnergyRating",
        "energieeffizienzklasse|energieklasse|effizienzklasse",
    ),
    (
        "ParkingTotal",
        "stellplätze|anzahl stellplätze|garage/stellplatz anzahl",
    ),
)

_PL: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "cena|cena ofertowa|czynsz najmu|cena najmu|cena całkowita|koszt najmu",
    ),
    (
        "_Ignore",
        "cena za m²|cena za metr|cena/m²|czynsz|czynsz administracyjny|kaucja|opłaty|cena m2|czynsz dodatkowo|"
        "cena za m|depozyt|opłaty administracyjne|powierzchnia użytkowa działki|piętro|dostępne od|data dodania|"
        "data aktualizacji",
    ),
    (
        "ListingId",
        "numer oferty|nr oferty|numer ogłoszenia|id oferty|numer oferty w biurze|nr ogłoszenia|"
        "numer ogłoszenia w serwisie|id ogłoszenia|sygnatura|symbol oferty|numer referencyjny|nr oferty w otodom|"
        "id nieruchomości",
    ),
    (
        "PropertySubType",
        "rodzaj zabudowy|typ nieruchomości|rodzaj nieruchomości|rodzaj|typ domu|rodzaj domu|rodzaj mieszkania|"
        "typ mieszkania|rodzaj obiektu|typ oferty|kategoria|building type|typ zabudowy",
    ),
    (
        "PropertySubType:0.6",
        "typ budynku|rodzaj budynku|typ transakcji",
    ),
    (
        "RoomsTotal",
        "pokoje|liczba pokoi|ilość pokoi|pokoi|l. pokoi",
    ),
    (
        "BathroomsTotalInteger",
        "łazienki|liczba łazienek|łazienka|ilość łazienek",
    ),
    (
        "BedroomsTotal",
        "sypialnie|liczba sypialni",
    ),
    (
        "LivingArea",
        "powierzchnia|powierzchnia mieszkania|powierzchnia użytkowa|pow. całkowita|powierzchnia całkowita|"
        "powierzchnia domu|metraż|pow. użytkowa|powierzchnia mieszkalna|powierzchnia w m2|powierzchnia w m²",
    ),
    (
        "LotSizeArea",
        "powierzchnia działki|działka|pow. działki|powierzchnia działki w m2|powierzchnia działki w m²|terrain area",
    ),
    (
        "YearBuilt",
        "rok budowy|rok bud.|rok powstania",
    ),
    (
        "StoriesTotal",
        "liczba pięter|liczba pięter w budynku|ilość pięter|liczba kondygnacji|kondygnacje",
    ),
    (
        "Heating",
        "ogrzewanie|rodzaj ogrzewania",
    ),
    (
        "Roof",
        "pokrycie dachu|dach|pokrycie dachowe",
    ),
    (
        "ConstructionMaterials",
        "materiał budynku|materiał|konstrukcja|materiał konstrukcji",
    ),
    (
        "_Address",
        "adres|lokalizacja|położenie",
    ),
    (
        "UnparsedAddress",
        "ulica",
    ),
    (
        "City",
        "miasto|miejscowość",
    ),
    (
        "StateOrProvince",
        "województwo",
    ),
    (
        "PostalCode",
        "kod pocztowy",
    ),
    (
        "ListAgentFullName",
        "agent|osoba kontaktowa|opiekun oferty|doradca|kontakt",
    ),
    (
        "ListOfficeName",
        "biuro nieruchomości|agencja|biuro|nazwa firmy",
    ),
    (
        "PublicRemarks",
        "opis|opis nieruchomości|opis oferty",
    ),
)

_SV: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "pris|utgångspris|begärt pris|hyra|månadshyra|acceptpris|accepterat pris",
    ),
    (
        "_Ignore",
        "pris/m²|pris per m²|avgift|driftkostnad|driftskostnad|månadsavgift|pris per kvm|kvadratmeterpris|"
        "antal besök|prisutveckling|biarea|pantsättning|våning",
    ),
    (
        "ListingId",
        "objektnummer|objekt nr|annonsid|referensnummer|annonsnummer",
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

_ROMANCE: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "prix|prix de vente|loyer|loyer mensuel|precio|precio de venta|alquiler|prezzo|canone|vraagprijs|huurprijs|"
        "koopprijs|preço",
    ),
    (
        "_Ignore",
        "prix au m²|precio por m²|prezzo al m²|prijs per m²|charges|honoraires",
    ),
    (
        "ListingId",
        "référence|référence annonce|referencia|riferimento|ref. annonce|codice annuncio",
    ),
    (
        "PropertySubType",
        "type de bien|tipo de inmueble|tipologia|tipo de vivienda|soort woonhuis|soort appartement|type d'habitation",
    ),
    (
        "RoomsTotal",
        "pièces|nombre de pièces|habitaciones totales|locali|numero locali|aantal kamers|nb de pièces",
    ),
    (
        "BedroomsTotal",
        "chambres|nombre de chambres|dormitorios|habitaciones|camere da letto|slaapkamers|aantal slaapkamers|quartos",
    ),
    (
        "BathroomsTotalInteger",
        "salles de bain|salle de bain|baños|bagni|aantal badkamers|badkamers|banheiros|nombre de salles de bain",
    ),
    (
        "LivingArea",
        "surface habitable|surface|superficie|superficie construida|superficie útil|superficie commerciale|wonen|"
        "woonoppervlakte|gebruiksoppervlakte wonen|área útil",
    ),
    (
        "LotSizeArea",
        "surface du terrain|terrain|superficie de la parcela|parcela|superficie terreno|perceel|perceeloppervlakte",
    ),
    (
        "YearBuilt",
        "année de construction|año de construcción|anno di costruzione|bouwjaar|ano de construção",
    ),
    (
        "StoriesTotal",
        "nombre d'étages|número de plantas|totale piani|aantal woonlagen",
    ),
    (
        "Heating",
        "chauffage|calefacción|riscaldamento|verwarming",
    ),
    (
        "Roof",
        "toiture|soort dak",
    ),
    (
        "_Address",
        "adresse du bien|dirección|indirizzo|adres",
    ),
    (
        "City",
        "ville|ciudad|città|plaats",
    ),
    (
        "PostalCode",
        "code postal|código postal|cap",
    ),
    (
        "ListOfficeName",
        "agence|agencia|agenzia|makelaar",
    ),
    (
        "PublicRemarks",
        "omschrijving|descripción|descrizione",
    ),
    (
        "X_EnergyRating",
        "classe énergie|dpe|classe energetica|energielabel",
    ),
)

_JA_HE: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "価格|販売価格|賃料|家賃|מחיר",
    ),
    (
        "LivingArea",
        "専有面積|建物面積|延床面積|שטח",
    ),
    (
        "LotSizeArea",
        "土地面積|敷地面積",
    ),
    (
        "YearBuilt",
        "築年月|完成時期|שנת בנייה",
    ),
    (
        "_Address",
        "所在地|住所|כתובת",
    ),
    (
        "RoomsTotal",
        "חדרים|מספר חדרים",
    ),
    (
        "ConstructionMaterials",
        "構造",
    ),
)

#: the lexicons of each language, ISO 639-1
BY_LANGUAGE: dict[str, tuple[tuple[tuple[str, str], ...], ...]] = {
    "de": (_DE,),
    "pl": (_PL,),
    "sv": (_SV,),
    "fr": (_ROMANCE,),
    "es": (_ROMANCE,),
    "it": (_ROMANCE,),
    "nl": (_ROMANCE,),
    "pt": (_ROMANCE,),
    "ja": (_JA_HE,),
    "he": (_JA_HE,),
}
