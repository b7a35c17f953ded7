"""English labels and JSON keys of listing sites: where a home is, and what it is like."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "PropertySubType",
        "property type|home type|type of property|property sub type|property subtype|style of property|dwelling type|"
        "building type|house type|type|unit type|property category|category name|real estate type|estate type|"
        "object type|property class type|listing type description|residence type",
    ),
    (
        "PropertySubType:0.6",
        "style|property style|building style|category|structure type|sub type|subtype",
    ),
    (
        "_Address",
        "address|property address|full address|formatted address|display address|one line address|address line|"
        "street address full|site address|situs address|situs|physical address|property location|location address|"
        "site location|address display|listing address|home address|displayable address|address text|"
        "premises address|address of property|parcel address|full site address|address full",
    ),
    (
        "UnparsedAddress",
        "street address|street|address street|address line 1|address1|street line|address street line|line1|"
        "address street address|address line1|street name and number|site addr|site addr 1|site address 1|location 1",
    ),
    (
        "StreetNumber",
        "street number|house number|address street number|street no|building number",
    ),
    (
        "StreetName",
        "street name|address street name|route name",
    ),
    (
        "UnitNumber",
        "unit number|apartment number|unit no|apt number|situs unit|site unit|situs unit number|situs unit no|"
        "situs apt|property unit|location unit",
    ),
    (
        "City",
        "city|town|address city|locality|address locality|suburb|city name|post town|site city|"
        "situs city|property city|address suburb|site address city|city town|location city|town name|"
        "displayable city|listing city",
    ),
    (
        "City:0.6",  # which town taxes it is not always the one of its address
        "area name|town city|municipality",
    ),
    (
        "StateOrProvince",
        "state|country subd|province|address state|address region|state code|state or province|"
        "site state|situs state|listing state|"
        "address state code|location state|state abbreviation|county state|property state",
    ),
    (
        "StateOrProvince:0.96",  # a province beside it is meant
        "region|location region",
    ),
    (
        "StateOrProvince:0.7",
        "county region|address county",
    ),
    (
        "CountyOrParish",
        "county|county name|county or parish|parish",
    ),
    (
        "PostalCode",
        "zip|zip code|zipcode|postal code|postcode|address postal code|address zip|address zipcode|post code|eircode|"
        "eir code|site zip|situs zip|site zip code|property zip|address postcode|site address zip|address zip code|"
        "post zip|zip5|postal1|listing zip",
    ),
    (
        "Country:0.9",
        "country|country code|listing country|address country|address country code|address country name|"
        "country iso|country iso code",
    ),
    (
        "Latitude",
        "latitude|lat|geo latitude|geo lat|map latitude|location lat|property latitude|center lat|location latitude|"
        "ylat|coordinates latitude|coordinates lat|coordinate latitude|y coord lat|map lat",
    ),
    (
        "Longitude",
        "longitude|lng|lon|long|geo longitude|geo lng|map longitude|location lng|location lon|property longitude|"
        "center lng|center lon|location longitude|coordinates longitude|coordinates lng|coordinates lon|map lng|"
        "map lon|coordinate longitude",
    ),
    (
        "_Coordinates",
        "lat/long|lat / long|lat/lon|lat, long|latitude/longitude|latitude / longitude|gps coordinates|"
        "coordinates|geo|geo coordinates|lat lng|latlng|lat long|position|location coordinates|map coordinates|"
        "geolocation|gps",
    ),
    (
        "SubdivisionName",
        "subdivision|subdivision name|development name|community name|subdivision description|complex name|"
        "sub division",
    ),
    (
        "RoomsTotal",
        "rooms|total rooms|number of rooms|room count|rooms total|no of rooms|rooms count|rooms number|num rooms|"
        "rooms num|total number of rooms|total room count",
    ),
    (
        "BedroomsTotal",
        "bedrooms|beds|bedroom|bed|number of bedrooms|number of beds|no of bedrooms|num bedrooms|num beds|"
        "bedroom count|beds count|bed count|bedrooms count|total bedrooms|total beds|bedrooms total|bdrms|br|"
        "bedrooms number|bed rooms|bedroom number|bedrooms max|# bedrooms|general features bedrooms|beds value|"
        "bedrooms value|bedrooms general features|sleeping rooms|no. bedrooms",
    ),
    (
        "BathroomsTotalInteger",
        "bathrooms|baths|bathroom|bath|number of bathrooms|number of baths|no of bathrooms|num bathrooms|num baths|"
        "bathroom count|bath count|baths count|bathrooms count|total bathrooms|total baths|bathrooms total|ba|"
        "number of bathrooms total|bathrooms total integer|bath rooms|bathrooms number|bathroom number|baths value|"
        "bathrooms value|bathrooms full and half|# bathrooms|total baths full|number of bathrooms float|"
        "bathrooms float|no. bathrooms|bathrooms general features",
    ),
    (
        "BathroomsFull",
        "full baths|full bathrooms|bathrooms full|number of full bathrooms|full bath|baths full|total full baths|"
        "# full baths|total full bathrooms|total bthrms full",
    ),
    (
        "BathroomsHalf",
        "half baths|half bathrooms|bathrooms half|number of half bathrooms|half bath|baths half|total half baths|"
        "# half baths|partial baths|number of partial bathrooms|bathrooms partial",
    ),
    (
        "LivingArea",
        "living area|living area value|floor area|floor size|square feet|square footage|sqft|sq ft|finished sqft|"
        "finished square feet|finished area|internal area|home size|house size|interior area|liveable area|"
        "livable area|habitable area|size sqft|area sqft|living space|finished sq ft|total finished sqft|"
        "square metres|square meters|sq. feet|sq feet|internal living area|usable area|living square feet|"
        "living sqft|floor area size|"
        "sqft finished|interior livable area|heated sqft|floor space|heated square feet|total living area|"
        "total interior livable area|unit size|floor size value|m2|square meter|total living sqft|approx sqft|"
        "sqft finished|sq ft finished|sqft heated|sq ft total|sqft living|"
        "sq. ft.|property sizes building|sizes building",
    ),
    (
        "LivingArea:0.6",
        "interior|size|area|property size|total area|building area|building size|surface|area size|"
        "gross area|"
        "building sqft|total floor area|gross internal area|building sqft total|above grade finished area|"
        "apartment size|floorspace|area value|overall space",
    ),
    (
        "LivingArea:0.8",
        "total sqft|total sq ft",
    ),
    (
        "LotSizeArea",
        "lot size|lot area|lot|land size|land area|site area|plot size|plot area|lot sqft|lot size sqft|"
        "lot square feet|plot|site size|acreage|acres|lot acres|lot size acres|total acres|lot size area|land acres|"
        "lot size square feet|lot square footage|lot area value|lot size value|land acreage|gis acres|deeded acres|"
        "calculated acres|total acreage|land area size|area of plot|sq ft lot|lot sq ft|landsize|parcel size|"
        "land size area|plot space|property sizes land|sizes land|property sizes site",
    ),
    (
        "LivingAreaUnits",
        "living area units|living area unit|floor area unit|area unit|living area units short",
    ),
    (
        "LotSizeUnits",
        "lot size units|lot area units|lot area unit|land area unit|lot size unit",
    ),
    (
        "YearBuilt:0.6",
        "model year|year of manufacture|home year",
    ),
    (
        "YearBuilt",
        "year built|built|built in|construction year|year of construction|date built|built year|year constructed|"
        "actual year built|yr built|build year|year build|structure year|act year built|actual yr built|"
        "building year|yearbuilt",
    ),
    (
        "StoriesTotal",
        "stories|storeys|number of stories|number of floors|floors in building|levels|floor count|no of stories|"
        "story|stories total|number of levels|num stories|# stories|# of stories|story height|stories number|"
        "total stories|stories type|no. of stories|number of storeys|story count",
    ),
    (
        "Roof",
        "roof|roof type|roof cover|roof material|roofing|roof covering|roof cover type|roof description|"
        "roof cover description|roof desc",
    ),
    (
        "ConstructionMaterials",
        "exterior|exterior wall|exterior walls|exterior material|construction|construction materials|siding|"
        "wall material|construction material|exterior finish|exterior wall 1|exterior features materials|"
        "exterior wall type|ext walls|ext wall|exterior wall material|building material|construction type|material|"
        "frame|exterior construction|exterior cover",
    ),
    (
        "Heating",
        "heating|heat|heat type|heating type|heating system|heating features|heat system|heating fuel type|"
        "heating source|heating description|heating & cooling heating|heat source|heating method",
    ),
    (
        "Heating:0.5",
        "heat fuel|heating fuel|fuel type",
    ),
    (
        "Cooling",
        "cooling|air conditioning|ac type|ac|a/c|cooling system|cooling type|central air|cooling features|air cond|"
        "air|hvac cooling|air conditioning type",
    ),
    (
        "ParkingTotal",
        "parking spaces|parking total|number of parking spaces|car spaces|car ports|parking spots|"
        "total parking spaces|total spaces|carspaces|parking count|number of parking spots|parkings|"
        "bsmt garages|basement garages",
    ),
    (
        "ParkingTotal:0.85",
        "garage spaces",
    ),
    (
        "PoolPrivateYN",
        "pool|private pool|has private pool|swimming pool|has pool|pool features",
    ),
    (
        "PowerProductionType",
        "solar|solar system|renewable energy|green energy generation|solar panels|power production type|photovoltaic",
    ),
    (
        "X_EnergyRating",
        "energy rating|ber|ber rating|energy class|epc rating|epc|energy efficiency rating|energy efficiency class|"
        "ber code",
    ),
    (
        "X_AccessNotes",
        "gated community|access notes|gate|gated|community access|gate code|entry|security features",
    ),
    (
        "X_RoofYear",
        "roof year|roof age year|year roof replaced|roof replaced|roof installed|roof yr|roof date",
    ),
)
