"""The words of the generated sites: labels that readers know, abbreviations, unknown labels, and places."""

from collections.abc import Mapping

#: English labels that readers know, by field.
COMMON: Mapping[str, tuple[str, ...]] = {
    "ListingId": ("MLS #", "Listing ID", "MLS number"),
    "StandardStatus": ("Status", "Listing status"),
    "PropertySubType": ("Property type", "Home type", "Type"),
    "ListPrice": ("Price", "List price", "Asking price"),
    "ClosePrice": ("Sale price", "Sold price", "Last sale price"),
    "CloseDate": ("Sale date", "Sold on", "Last sale date"),
    "BedroomsTotal": ("Bedrooms", "Beds"),
    "BathroomsTotalInteger": ("Bathrooms", "Baths"),
    "LivingArea": ("Living area", "Square feet", "Heated area", "Interior area"),
    "LotSizeArea": ("Lot size", "Lot area", "Land area"),
    "YearBuilt": ("Year built", "Built in", "Year constructed"),
    "StoriesTotal": ("Stories", "Number of stories"),
    "Roof": ("Roof", "Roof cover"),
    "ConstructionMaterials": ("Exterior walls", "Exterior wall", "Construction materials"),
    "Heating": ("Heating", "Heating type"),
    "Cooling": ("Cooling", "Air conditioning"),
    "ParkingTotal": ("Parking spaces", "Garage spaces"),
    "AssociationFee": ("HOA fee", "HOA dues", "Association fee"),
    "SubdivisionName": ("Subdivision", "Subdivision name"),
    "ListAgentFullName": ("Listing agent", "Listed by", "Agent"),
    "ListOfficeName": ("Brokerage", "Listing office", "Office"),
    "ParcelNumber": ("Parcel number", "Parcel ID", "APN"),
    "TaxAnnualAmount": ("Annual tax", "Property taxes", "Tax amount"),
    "TaxAssessedValue": ("Assessed value", "Total assessed value"),
    "TaxYear": ("Tax year",),
    "X_MarketValue": ("Market value", "Just value", "Total market value"),
}
SHORT: Mapping[str, tuple[str, ...]] = {
    "BedroomsTotal": ("BR", "Bd"),
    "BathroomsTotalInteger": ("BA", "Bth"),
    "LivingArea": ("Sq Ft", "Lvg Area", "SF"),
    "LotSizeArea": ("Lot Sz", "Lot"),
    "YearBuilt": ("Yr Blt", "Yr Built", "YOC"),
    "StoriesTotal": ("Sty", "Stys"),
    "TaxAssessedValue": ("Assd Val", "AV"),
    "X_MarketValue": ("Mkt Val", "MV"),
    "TaxYear": ("Tax Yr",),
    "ParcelNumber": ("PIN", "Parcel No."),
    "ConstructionMaterials": ("Ext Wall", "Ext"),
    "Heating": ("Heat", "HVAC H"),
    "Cooling": ("A/C", "HVAC C"),
    "ListPrice": ("LP",),
    "ParkingTotal": ("Gar Sp",),
}
ODD: Mapping[str, tuple[str, ...]] = {
    "YearBuilt": ("Vintage", "Erected", "Raised"),
    "BedroomsTotal": ("Sleeping quarters", "Chambers"),
    "BathroomsTotalInteger": ("Wash rooms", "Bathing"),
    "LivingArea": ("Footprint", "Room to live"),
    "LotSizeArea": ("Grounds", "Parcel extent"),
    "StoriesTotal": ("Levels above ground", "Tiers"),
    "Roof": ("Overhead", "Topped with"),
    "ConstructionMaterials": ("Skin", "Clad in"),
    "Heating": ("Warmth", "Winter comfort"),
    "Cooling": ("Summer comfort", "Chill"),
    "ParkingTotal": ("Room for cars",),
    "ListPrice": ("Yours for", "Ticket"),
    "ClosePrice": ("Changed hands for",),
    "CloseDate": ("Changed hands",),
    "SubdivisionName": ("Enclave",),
    "TaxAssessedValue": ("Roll value",),
    "X_MarketValue": ("Fair worth",),
    "ListingId": ("Our ref", "Web code"),
    "ListAgentFullName": ("Your guide",),
}
FOREIGN: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "de": {
        "ListingId": ("Objekt-ID", "Objektnummer"),
        "PropertySubType": ("Objektart", "Haustyp"),
        "ListPrice": ("Kaufpreis", "Preis"),
        "BedroomsTotal": ("Schlafzimmer",),
        "BathroomsTotalInteger": ("Badezimmer", "Bäder"),
        "LivingArea": ("Wohnfläche", "Wohnfläche ca."),
        "LotSizeArea": ("Grundstücksfläche", "Grundstück"),
        "YearBuilt": ("Baujahr", "Errichtungsjahr"),
        "StoriesTotal": ("Etagen", "Geschosse"),
        "Heating": ("Heizungsart", "Wärme"),
        "ParkingTotal": ("Stellplätze",),
        "ListAgentFullName": ("Ansprechpartner", "Ihr Kontakt"),
        "ListOfficeName": ("Anbieter",),
    },
    "fr": {
        "ListingId": ("Référence", "Réf. annonce"),
        "PropertySubType": ("Type de bien",),
        "ListPrice": ("Prix", "Prix de vente"),
        "BedroomsTotal": ("Chambres", "Nombre de chambres"),
        "BathroomsTotalInteger": ("Salles de bain",),
        "LivingArea": ("Surface habitable", "Surface"),
        "LotSizeArea": ("Surface du terrain", "Terrain"),
        "YearBuilt": ("Année de construction", "Millésime"),
        "StoriesTotal": ("Nombre d'étages",),
        "Heating": ("Chauffage",),
        "ParkingTotal": ("Places de parking",),
        "ListAgentFullName": ("Votre conseiller", "Agent"),
        "ListOfficeName": ("Agence",),
    },
    "es": {
        "ListingId": ("Referencia",),
        "PropertySubType": ("Tipo de inmueble",),
        "ListPrice": ("Precio", "Precio de venta"),
        "BedroomsTotal": ("Habitaciones", "Dormitorios"),
        "BathroomsTotalInteger": ("Baños",),
        "LivingArea": ("Superficie construida", "Superficie útil"),
        "LotSizeArea": ("Superficie del terreno", "Parcela"),
        "YearBuilt": ("Año de construcción", "Levantada en"),
        "StoriesTotal": ("Plantas",),
        "Heating": ("Calefacción",),
        "ParkingTotal": ("Plazas de garaje",),
        "ListAgentFullName": ("Asesor",),
        "ListOfficeName": ("Inmobiliaria",),
    },
    "pl": {
        "ListingId": ("Numer oferty",),
        "PropertySubType": ("Rodzaj nieruchomości",),
        "ListPrice": ("Cena",),
        "BedroomsTotal": ("Sypialnie", "Liczba sypialni"),
        "BathroomsTotalInteger": ("Liczba łazienek", "Łazienki"),
        "LivingArea": ("Powierzchnia", "Powierzchnia użytkowa"),
        "LotSizeArea": ("Powierzchnia działki", "Działka"),
        "YearBuilt": ("Rok budowy", "Wzniesiono"),
        "StoriesTotal": ("Liczba pięter",),
        "Heating": ("Ogrzewanie",),
        "ParkingTotal": ("Miejsca parkingowe",),
        "ListOfficeName": ("Agencja", "Biuro nieruchomości"),
    },
}
#: Two styles of keys in a county's JSON layer, each by field.
LAYER_KEYS: tuple[Mapping[str, str], ...] = (
    {
        "ParcelNumber": "PARCEL_ID", "UnparsedAddress": "SITE_ADDR", "City": "SITE_CITY", "PostalCode": "SITE_ZIP",
        "YearBuilt": "YEARBLT", "LivingArea": "TOTLVGAREA", "LotSizeArea": "ACRES", "BedroomsTotal": "BEDS",
        "BathroomsTotalInteger": "BATHS", "StoriesTotal": "STORIES", "TaxAssessedValue": "ASSD_VAL",
        "X_MarketValue": "JUST_VAL", "TaxYear": "TAX_YR", "ClosePrice": "SALE_PRC1", "SubdivisionName": "SUBDIV",
    },
    {
        "ParcelNumber": "pin", "UnparsedAddress": "situsAddress", "City": "situsCity", "PostalCode": "situsZip",
        "YearBuilt": "effYrOrig", "LivingArea": "htdSf", "LotSizeArea": "gisAcres", "BedroomsTotal": "nBr",
        "BathroomsTotalInteger": "nBa", "StoriesTotal": "nStory", "TaxAssessedValue": "rollTotal",
        "X_MarketValue": "fmvTotal", "TaxYear": "rollYear", "ClosePrice": "lastConsid", "SubdivisionName": "platName",
    },
)  # fmt: skip
#: The key of each field in embedded state and in data attributes.
STATE_KEYS: Mapping[str, str] = {
    "ListingId": "listingId", "StandardStatus": "status", "PropertySubType": "propertyType", "ListPrice": "listPrice",
    "ClosePrice": "soldPrice", "CloseDate": "soldDate", "BedroomsTotal": "beds", "BathroomsTotalInteger": "baths",
    "LivingArea": "livingArea", "LotSizeArea": "lotSize", "YearBuilt": "yearBuilt", "StoriesTotal": "stories",
    "Roof": "roof", "ConstructionMaterials": "exterior", "Heating": "heating", "Cooling": "cooling",
    "ParkingTotal": "parkingSpaces", "AssociationFee": "hoaFee", "SubdivisionName": "subdivision",
    "ListAgentFullName": "agentName", "ListOfficeName": "brokerName", "ParcelNumber": "parcelNumber",
    "TaxAnnualAmount": "taxAmount", "TaxAssessedValue": "assessedValue", "TaxYear": "taxYear",
    "X_MarketValue": "marketValue",
}  # fmt: skip
ITEMPROPS: Mapping[str, str] = {
    "ListPrice": "price", "BedroomsTotal": "numberOfBedrooms", "BathroomsTotalInteger": "numberOfBathroomsTotal",
    "LivingArea": "floorSize", "YearBuilt": "yearBuilt", "ListingId": "sku", "LotSizeArea": "lotSize",
}  # fmt: skip

#: Places by language: city, state, and postal code.
PLACES: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "en": (
        ("Sampleton", "OH", "44099"), ("Placeholder Falls", "FL", "33999"), ("Farview", "TX", "75999"),
        ("Draft Harbor", "WA", "98999"), ("Lorem Springs", "CO", "80999"), ("Example City", "GA", "30999"),
    ),
    "de": (("Musterstadt", "", "12345"), ("Beispielheim", "", "67890"), ("Neudorf", "", "54321")),
    "fr": (("Exempleville", "", "69999"), ("Saint-Modèle", "", "33998"), ("Villeneuve", "", "75999")),
    "es": (("Villamuestra", "", "28999"), ("Puerto Ejemplo", "", "29998"), ("San Modelo", "", "46999")),
    "pl": (("Przykładowo", "", "00-999"), ("Wzorowice", "", "30-998"), ("Nowa Próba", "", "80-997")),
}  # fmt: skip
STREETS: Mapping[str, tuple[str, ...]] = {
    "en": ("{} Larkspur Ln", "{} Oak Hollow Dr", "{} Juniper Ct", "{} Mill Race Rd", "{} Harbor View Ave"),
    "de": ("Lindenweg {}", "Gartenstraße {}", "Am Mühlbach {}"),
    "fr": ("{} rue des Tilleuls", "{} avenue du Moulin", "{} chemin des Vignes"),
    "es": ("Calle del Olmo {}", "Avenida de la Fuente {}", "Calle Mayor {}"),
    "pl": ("ul. Lipowa {}", "ul. Ogrodowa {}", "ul. Młyńska {}"),
}
#: RESO subtypes by language, each with its name on pages.
KINDS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "en": (("Single Family Residence", "Single family home"), ("Townhouse", "Townhouse"), ("Condominium", "Condo")),
    "de": (("Single Family Residence", "Einfamilienhaus"), ("Apartment", "Wohnung")),
    "fr": (("Single Family Residence", "Maison"), ("Apartment", "Appartement")),
    "es": (("Single Family Residence", "Casa"), ("Apartment", "Piso")),
    "pl": (("Single Family Residence", "Dom"), ("Apartment", "Mieszkanie")),
}
HEATINGS: Mapping[str, tuple[str, ...]] = {
    "en": ("Forced air", "Heat pump", "Baseboard", "Radiant"),
    "de": ("Zentralheizung", "Fußbodenheizung", "Fernwärme"),
    "fr": ("Électrique", "Gaz", "Pompe à chaleur"),
    "es": ("Gas natural", "Eléctrica"),
    "pl": ("Gazowe", "Miejskie"),
}
#: Headings by language: similar homes, description, history, and agent.
HEADINGS: Mapping[str, tuple[str, str, str, str]] = {
    "en": ("Similar homes nearby", "Description", "Price history", "Contact"),
    "de": ("Ähnliche Immobilien", "Objektbeschreibung", "Preisentwicklung", "Kontakt"),
    "fr": ("Biens similaires", "Description", "Historique des prix", "Contact"),
    "es": ("Inmuebles similares", "Descripción", "Historial de precios", "Contacto"),
    "pl": ("Podobne oferty", "Opis", "Historia ceny", "Kontakt"),
}
FIRST = ("Avery", "Blythe", "Corin", "Delphine", "Emory", "Flora", "Gareth", "Ines", "Linnea", "Tamsin")
LAST = ("Appleyard", "Dunmore", "Everstone", "Fairbairn", "Goldfinch", "Kettlewell", "Larkspur", "Oakenshaw")
FIRMS = ("Keystone Lane Realty", "Lantern Realty", "Four Gables Properties", "Oxbow Realty", "Weathervane Homes")
ROOFS = ("Composition shingle", "Architectural shingle", "Metal", "Clay tile", "Wood shake")
WALLS = ("Brick", "Vinyl siding", "Stucco", "Wood siding", "Fiber cement")
COOLINGS = ("Central air", "Evaporative cooler", "Window unit")
PLATS = ("Fictional Ridge", "Lorem Estates", "Draft Meadows", "Outline Commons", "Example Heights")
