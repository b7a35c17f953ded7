"""French, Spanish, Italian, Dutch, Portuguese, Japanese and Hebrew labels, and every language by its code."""

from __future__ import annotations

from app.property.extract.lexicon import german, polish, swedish

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
    "de": (german.TERMS,),
    "pl": (polish.TERMS,),
    "sv": (swedish.TERMS,),
    "fr": (_ROMANCE,),
    "es": (_ROMANCE,),
    "it": (_ROMANCE,),
    "nl": (_ROMANCE,),
    "pt": (_ROMANCE,),
    "ja": (_JA_HE,),
    "he": (_JA_HE,),
}
