"""English labels and JSON keys of listing sites: prices, ids, status, fees, people, texts; and what to ignore."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "price|list price|listing price|asking price|sale price asked|guide price|offer price|price asked|rent|"
        "monthly rent|rent per month|current price|advertised price|asking rent|price value|raw price|numeric price|"
        "unformatted price|display price|price display|price string|formatted price|property price|base rent|"
        "asking|offered at|offered for|opening bid|starting bid|current bid|minimum bid|now priced at|"
        "price label|price amount|amount price|offers price|pricing price|pricing label|pricing value",
    ),
    (
        "OriginalListPrice",
        "original list price|original price|initial list price|was",
    ),
    (
        "ClosePrice",
        "sold price|closed price|last sold price|last sale price|sold for|close price|last sold for|sale amount|"
        "last sale amount|"
        "most recent sale price|previous sale price",
    ),
    (
        "CloseDate",
        "sold date|closed date|last sold date|last sale date|date sold|close date|sold on|last sold on|last sold|"
        "most recent sale date|previous sale date|date of last sale|last sale",
    ),
    (
        "ListingId",
        "mls|mls id|mls no|mls number|mls #|mlsid|mls listing id|listing id|property ref|"
        "property reference|reference|ref|ref no|reference number|listing number|ad id|advert id|advert number|"
        "offer id|offer number|post id|posting id|postingid|property code|web id|web reference|site ref|id no|"
        "mls listing number|source listing id|mlsid number|mls number id|listing reference|agent reference|"
        "property number",
    ),
    (
        "ListingId:0.85",
        "property id",
    ),
    (
        "ListingId:0.6",
        "pid|case #|case number|case no|file number",
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
        "contract status|market status",
    ),
    (
        "MlsStatus:0.6",
        "availability",
    ),
    (
        "AssociationYN",
        "has hoa|association|hoa yn|association yn|has association|homeowners association",
    ),
    (
        "AssociationFee",
        "hoa|annual hoa dues|monthly maintenance|maintenance|hoa fee|hoa fees|hoa dues|monthly hoa fee|"
        "association fee|association dues|monthly maintenance fee|"
        "maintenance fee|condo fee|hoa monthly|homeowners association fee|hoa fee monthly|common charges|strata fees|"
        "condo/coop fee|association fee total|hoa due|monthly hoa|service charge",
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
        "_Walk",
        "price history|sale history|sales history|tax history|price events",
    ),
    (
        "_EstimateRange",
        "estimate range|estimated range|value range|estimated value range|home value range|est. market value|"
        "est market value|estimated sales range|estimated market value range|price estimate range|est. value|"
        "est. resale value|estimated resale value|valuation range",
    ),
    (
        "X_EstimatedValueLow",
        "estimate low value|estimate low end|estimate range low|estimated value low|estimate value low|"
        "valuation low|estimate low|value range low|estimate range low|"
        "low estimate",
    ),
    (
        "X_EstimatedValueHigh",
        "estimate high value|estimate high end|estimated value high|estimate value high|valuation high|"
        "estimate high|value range high|"
        "estimate range high|high estimate",
    ),
    (
        "_Ignore",
        "price per sqft|price per square foot|price/sqft|price/sq ft|price per m2|price per sq ft|"
        "price per square meter|est payment|estimated payment|estimated mortgage|zestimate|rent zestimate|"
        "estimated value|estimate|effective year built|year renovated|deposit|security deposit|year remodeled|"
        "last remodel year|days on market|monthly payment|estimated monthly payment|mortgage|down payment|"
        "price change|price reduced|views|neighborhood|school district|price range|min price|max price|price from|"
        "price to|bedrooms min|bedroom min|min beds|max beds|min bedrooms|max bedrooms|price cut|"
        "interest rate|home price|loan amount|property taxes monthly",
    ),
)
