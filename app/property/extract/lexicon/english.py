"""English labels and JSON keys of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "price|list price|listing price|asking price|sale price asked|guide price|offer price|price asked|rent|"
        "monthly rent|rent per month|current price|advertised price|asking rent|price value|raw price|numeric price|"
        "unformatted price|display price|price display|price string|formatted price|property price|base rent|"
        "price label|price amount|amount price|offers price|pricing price|pricing label|pricing value",
    ),
    (
        "OriginalListPrice",
        "original list price|original price|initial list price",
    ),
    (
        "ClosePrice",
        "sold price|last sold price|last sale price|sold for|close price|last sold for|sale amount|last sale amount|"
        "most recent sale price|previous sale price",
    ),
    (
        "CloseDate",
        "sold date|last sold date|last sale date|date sold|close date|sold on|last sold on|last sold|"
        "most recent sale date|previous sale date|date of last sale|last sale",
    ),
    (
        "ListingId",
        "mls|mls id|mls no|mls number|mls #|mlsid|mls listing id|listing id|property id|property ref|"
        "property reference|reference|ref|ref no|reference number|listing number|ad id|advert id|advert number|"
        "offer id|offer number|post id|posting id|postingid|property code|web id|web reference|site ref|id no|"
        "mls listing number|source listing id|mlsid number|mls number id|listing reference|agent reference|"
        "property number",
    ),
    (
        "ListingId:0.6",
        "pid",
    ),
    (
        "ListingKey:0.7",
        "zpid|listing key|listing uuid|property key|internal id|uuid",
    ),
    (
        "OriginatingSystemName",
        "mls name|originating system name|mls source|mls board|listing source|data source name",
    ),
    (
        "MlsStatus",
        "status|listing status|property status|home status|sale status|for sale status|mls status|current status|"
        "contract status|market status|availability",
    ),
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
        "unit number|apartment number|unit no|apt number",
    ),
    (
        "City",
        "city|town|municipality|address city|locality|address locality|suburb|city name|post town|site city|"
        "situs city|property city|address suburb|site address city|city town|location city|town name|displayable city",
    ),
    (
        "City:0.6",
        "area name|town city",
    ),
    (
        "StateOrProvince",
        "state|province|region|address state|address region|state code|state or province|site state|situs state|"
        "address state code|location state|state abbreviation|county state|property state|location region",
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
        "post zip|zip5",
    ),
    (
        "Country:0.9",
        "country|country code|address country|address country code|country iso|country iso code",
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
        "square metres|square meters|internal living area|usable area|living square feet|living sqft|floor area size|"
        "sqft finished|interior livable area|heated sqft|floor space|heated square feet|total living area|"
        "total interior livable area|unit size|floor size value|m2|square meter|total living sqft|approx sqft|"
        "sq. ft.|property sizes building|sizes building",
    ),
    (
        "LivingArea:0.6",
        "size|area|property size|total area|building area|building size|surface|total sqft|area size|gross area|"
        "building sqft|total floor area|gross internal area|building sqft total|above grade finished area|"
        "apartment size|floorspace|area value|overall space",
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
        "total parking spaces|carspaces|parking count|number of parking spots|parkings|garage spaces",
    ),
    (
        "PoolPrivateYN",
        "pool|private pool|has private pool|swimming pool|has pool",
    ),
    (
        "AssociationYN",
        "has hoa|hoa yn|association yn|has association|homeowners association",
    ),
    (
        "AssociationFee",
        "hoa|hoa fee|hoa fees|hoa dues|monthly hoa fee|association fee|association dues|monthly maintenance fee|"
        "maintenance fee|condo fee|hoa monthly|homeowners association fee|hoa fee monthly|common charges|strata fees|"
        "condo/coop fee|association fee total|hoa due|monthly hoa|service charge",
    ),
    (
        "PowerProductionType",
        "solar|solar panels|power production type|photovoltaic",
    ),
    (
        "PublicRemarks",
        "description|public remarks|listing description|remarks|full description|property description|"
        "detailed description|long description|description text|description html|marketing text|comments",
    ),
    (
        "ListAgentFullName",
        "agent|listing agent|agent name|listing agent name|listed by|agent full name|list agent full name|"
        "contact name|contact person|realtor|broker contact|negotiator|seller name|listing agent full name|"
        "agents name|lister name|listers name|presented by|advertiser contact name|agent display name|list agent|"
        "primary agent name|primary agent",
    ),
    (
        "ListAgentFullName:0.7",
        "contact|contact details|contact agent|contact info",
    ),
    (
        "ListOfficeName",
        "listing office|office|office name|broker name|brokerage|brokerage name|listing broker|listing office name|"
        "agency|agency name|branch name|list office name|listing agency|estate agent|agent company|listed by office|"
        "listing provided by|broker|listing company|listing courtesy of|company name|listing agency name|"
        "agent business name|advertiser name|customer name|agent organisation name|listing by|courtesy of|"
        "seller branch|listing brokerage|marketed by|seller company name|branding name",
    ),
    (
        "X_Currency",
        "currency|price currency|currency code|currency iso|price currency code",
    ),
    (
        "X_PricePeriod",
        "price period|rent period|payment period|rental period|price frequency|rent frequency|payment frequency",
    ),
    (
        "X_EnergyRating",
        "energy rating|ber|ber rating|energy class|epc rating|epc|energy efficiency rating|energy efficiency class|"
        "ber code",
    ),
    (
        "X_EstimatedValueLow",
        "estimated value low|valuation low|estimate low|value range low|estimate range low|low estimate",
    ),
    (
        "X_EstimatedValueHigh",
        "estimated value high|valuation high|estimate high|value range high|estimate range high|high estimate",
    ),
    (
        "_Ignore",
        "price per sqft|price per square foot|price/sqft|price/sq ft|price per m2|price per sq ft|"
        "price per square meter|est payment|estimated payment|estimated mortgage|zestimate|rent zestimate|"
        "estimated value|estimate|effective year built|year renovated|deposit|security deposit|year remodeled|"
        "last remodel year|days on market|monthly payment|estimated monthly payment|mortgage|down payment|"
        "price change|price reduced|views|neighborhood|school district|price range|min price|max price|price from|"
        "price to|bedrooms min|bedroom min|min beds|max beds|min bedrooms|max bedrooms|price history|price cut|"
        "interest rate|home price|loan amount|property taxes monthly",
    ),
)
