# ruff: noqa: E501 (a pattern is easier to read on one line)
# fmt: off
"""Patterns that find each field in a text, in English, German, and Polish.

A rule is a pattern and a conversion for the pattern's group `v`. The conversion `=X` gives the value X to every match.
The first rule that matches gives the value, at its first match. The whole match is the quote.
"""

import re

_NUM = r"(?:\d{1,3}(?:[.,   '’]\d{3})+(?!\d)(?:[.,]\d{1,2})?|\d+(?:[.,]\d+)?)"
_N = rf"(?P<v>{_NUM})"
_C = r"(?P<v>(?:\d+(?:[.,]\d)?|one|two|three|four|five|six|seven|eight|nine|ten|single|ein|eine|einem|zwei|drei|vier|fünf|sechs|jedna|jedną|dwa|dwie|trzy|cztery|pięć)(?:[ -]and[ -]a[ -]half)?)"
_MONEY = rf"(?P<v>(?:[$€£]|USD|EUR|PLN|CHF)\s?{_NUM}(?:\s?(?:k|m|million|mio\.?|mln)\b)?|{_NUM}\s?(?:€|EUR|zł|PLN|CHF|USD)|\d[.,]\d+\s?(?:mio\.?|mln)\s?(?:€|EUR|zł))"
_YEAR = r"(?P<v>1[6-9]\d\d|20\d\d)"
_DATE = r"(?P<v>\d{4}-\d\d-\d\d|\d{1,2}[/.]\d{1,2}[/.]\d{4}|[A-Z][a-zä]{2,8}\.? \d{1,2},? \d{4}|\d{1,2}\.? [A-Za-zäźśń]{3,12} \d{4})"
_NAME = r"(?P<v>[A-ZÄÖÜŁŚŻ][\w'’-]+(?: (?:[A-Z]\.|[A-ZÄÖÜŁŚŻ][\w'’-]+)){1,3})"
_FIRM = r"(?P<v>[A-ZÄÖÜŁŚŻ][\w'’.&-]*(?: (?:&|and|of|i|und|[A-ZÄÖÜŁŚŻ][\w'’.&-]*)){1,5})"
_STREET = r"(?P<v>\d{1,5} (?:[NSEW]\.? )?[A-Z][\w'’-]+(?: [A-Z][\w'’-]+){0,3} (?:St|Street|Ave|Avenue|Rd|Road|Dr|Drive|Ln|Lane|Ct|Court|Way|Blvd|Boulevard|Ter|Terrace|Pl|Place|Cir|Circle|Trl|Trail|Pkwy|Loop)\b\.?)"
_STATES = r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY])"
_CITY = r"[A-ZÄÖÜŁŚŻ][\w'’-]+(?: (?:am |an der |im )?[A-ZÄÖÜŁŚŻ][\w'’-]+){0,2}"

_RULES: dict[str, tuple[tuple[str, str], ...]] = {
    "StandardStatus": (
        (r"(?i)\bcoming soon\b", "=Coming Soon"),
        (r"(?i)\b(?:under contract|pending|sale agreed|reserviert)\b", "=Pending"),
        (r"(?i)\b(?:for sale|for rent|zu verkaufen|zum kauf|zu vermieten|na sprzedaż|do wynajęcia|status:? active)\b", "=Active"),
        (r"(?i)\b(?:status:? sold|just sold|bereits verkauft)\b", "=Closed"),
    ),
    "PropertyType": (
        (r"(?i)\b(?:for rent|to let|zu vermieten|zur miete|kaltmiete|do wynajęcia)\b", "=Residential Lease"),
        (r"(?i)\b(?:vacant land|building plot|baugrundstück|działka budowlana)\b", "=Land"),
        (r"(?i)\b(?:single[- ]family|bungalow|cottage|house|home|condo(?:minium)?|townhouse|apartment|einfamilienhaus|wohnung|haus|dom|mieszkanie)\b", "=Residential"),
    ),
    "PropertySubType": (
        (r"(?i)\b(?:townhouse|town house|townhome|reihenhaus)\b", "=Townhouse"),
        (r"(?i)\b(?:condo|condominium)\b", "=Condominium"),
        (r"(?i)\bduplex\b", "=Duplex"),
        (r"(?i)\b(?:apartment|wohnung|eigentumswohnung|mietwohnung|mieszkanie)\b", "=Apartment"),
        (r"(?i)\b(?:single[- ]family(?: (?:residence|home|house))?|bungalow|cottage|ranch|farmhouse|einfamilienhaus|dom wolnostojący)\b", "=Single Family Residence"),
    ),
    "ListPrice": (
        (rf"(?i)\b(?:list price|asking price|asking|offered (?:at|for)|priced at|price|kaufpreis|kaltmiete|cena|rent)\b[^\d$€£\n]{{0,25}}{_MONEY}", "money"),
        (rf"(?im)^{_MONEY}$", "money"),
        (rf"(?<!ayment ){_MONEY}(?i:\s*(?:/ ?mo\b|pcm))", "money"),
        (rf"(?i)\b(?:yours for|for sale (?:at|for))\b[^\d$€£\n]{{0,15}}{_MONEY}", "money"),
    ),
    "ClosePrice": (
        (rf"(?i)\b(?:last sold|last sale|sold|sale price|changed hands)\b[^$€£\n]{{0,50}}?{_MONEY}", "money"),
    ),
    "CloseDate": ((rf"(?i:\b(?:last sold|last sale|sold|sale date|changed hands)\b)[^\n]{{0,25}}?{_DATE}", "date"),),
    "UnparsedAddress": (
        (_STREET, "text"),
        (r"(?P<v>[A-ZÄÖÜ][\wäöüß-]*(?:straße|strasse|weg|allee|gasse|platz|ring|damm) \d{1,4} ?[a-z]?)\b", "text"),
        (r"(?P<v>ul\. [A-ZŁŚŻ]\w+(?: [A-ZŁŚŻ]\w+)? \d+[a-z]?(?:/\d+)?)", "text"),
    ),
    "City": (
        (rf"(?P<v>{_CITY}), {_STATES}\b", "text"),
        (rf"\b\d{{5}} (?P<v>{_CITY})", "text"),
        (rf"\b\d\d-\d{{3}} (?P<v>{_CITY})", "text"),
    ),
    "StateOrProvince": ((rf"{_CITY}, (?P<v>{_STATES})\b", "text"),),
    "PostalCode": (
        (rf"\b{_STATES},? (?P<v>\d{{5}}(?:-\d{{4}})?)\b", "text"),
        (r"(?P<v>\b\d\d-\d{3})\b(?= [A-ZŁŚŻ])", "text"),
        (r"(?P<v>\b\d{5})\b(?= [A-ZÄÖÜ][a-zäöü])", "text"),
    ),
    "SubdivisionName": (
        (rf"(?i:\bsubdivision|neighbou?rhood|plat)\b(?: name)?(?:\s*[:—-]\s*| (?:of|is) ){_FIRM}", "text"),
        (r"(?i:\bin the )(?P<v>[A-Z]\w+(?: [A-Z]\w+){0,2}) (?i:subdivision|neighbou?rhood)", "text"),
    ),
    "RoomsTotal": (
        (rf"(?i)\b(?:total rooms|rooms(?: total)?|zimmer|liczba pokoi)\s*:\s*{_C}\b", "count"),
        (rf"(?i)\b{_C}[ -]*(?:rooms\b(?! for)|zimmer|pokoj[ei]|pokoi)", "count"),
    ),
    "BedroomsTotal": (
        (rf"(?i)\b(?:bedrooms?|beds?|schlafzimmer|sypialnie)\s*:\s*{_C}\b", "whole"),
        (rf"(?i)\b{_C}[ -]*(?:bedrooms?|beds?\b|br\b|bd\b|schlafzimmer|sypialni\w*)", "whole"),
    ),
    "BathroomsTotalInteger": (
        (rf"(?i)\b(?:bathrooms?|baths?|badezimmer|bäder|łazienki)\s*:\s*{_C}\b", "ceil"),
        (rf"(?i)\b{_C}[ -]*(?:bathrooms?|baths?\b|ba\b|badezimmer|bäder|łazien\w*)", "ceil"),
    ),
    "LivingArea": (
        (rf"(?i)\b(?:living area|wohnfläche|powierzchnia(?: użytkowa)?|heated area)\b[^\d\n]{{0,20}}{_N}\s*(?:m²|m2|qm|sq\.? ?ft\.?|square feet)", "number"),
        (rf"(?i)\b{_N}\s*(?:-| )?(?:sq\.? ?ft\b\.?|sqft|sf\b|square feet|square[- ]foot)(?! lot)", "number"),
        (rf"(?i)\b{_N}\s*(?:m²|m2|qm|quadratmeter\w*)(?! (?:grundstück|działk))", "number"),
    ),
    "LotSizeArea": (
        (rf"(?i)\b(?:lot size|lot|land area|grundstück\w*|działk\w+)\b[^\d\n]{{0,25}}{_N}\s*(?:acres?|m²|m2|qm|sq\.? ?ft\.?|square feet|ar\b)", "number"),
        (rf"(?i)\b{_N}[ -]*(?:acres?\b|sq\.? ?ft\.? lot|square[- ]foot lot|(?:m²|m2|qm) grundstück)", "number"),
    ),
    "YearBuilt": (
        (rf"(?i)\b(?:year built|yr built|built in|built|constructed in|dating from|completed in|baujahr|rok budowy|wybudowan\w+ w)\b[^\d\n]{{0,12}}{_YEAR}\b", "whole"),
        (rf"(?i)\b{_YEAR} (?:errichtet|erbaut|gebaut)\b", "whole"),
    ),
    "StoriesTotal": (
        (rf"(?i)\b(?:stories|storeys|floors|etagen|liczba pięter)\s*:\s*{_C}\b", "count"),
        (rf"(?i)\b{_C}[ -](?:stor(?:y|ey|ies|eys)|floors|etagen|geschosse)\b", "count"),
    ),
    "Roof": (
        (r"(?i)\broof(?:ing)?(?: (?:cover|covering|material|type))?\s*[:—]\s*(?P<v>[A-Za-z][A-Za-z /-]{2,40})", "texts"),
        (r"(?i)\b(?P<v>(?:architectural |asphalt |composition )shingles?|standing[- ]seam metal|clay tile|concrete tile|slate|metal|cedar shake|tile) roof\b", "texts"),
    ),
    "ConstructionMaterials": (
        (r"(?i)\b(?:exterior(?: walls?)?|construction|siding)\s*[:—]\s*(?P<v>[A-Za-z][A-Za-z /-]{2,40})", "texts"),
        (r"(?i)\b(?P<v>brick|stucco|fiber[- ]cement|vinyl|cedar|clapboard|limestone|concrete block)(?: (?:siding|exterior|walls|veneer|construction)\b)", "texts"),
    ),
    "Heating": (
        (r"(?i)\b(?:heating|heizung(?:sart)?|ogrzewanie)\s*[:—]\s*(?P<v>[^\W\d][\w /,-]{2,40})", "texts"),
        (r"(?i)\b(?P<v>(?:natural )?gas forced[- ]air|forced[- ]air gas|forced[- ]air|heat pump|hot[- ]water|radiant floor|baseboard|fernwärme|fußbodenheizung)(?: (?:heat(?:ing)?|furnace))?", "texts"),
    ),
    "Cooling": (
        (r"(?i)\b(?:cooling|air conditioning|klimaanlage)\s*[:—]\s*(?P<v>[A-Za-z][A-Za-z /,-]{2,40})", "texts"),
        (r"(?i)\b(?P<v>central air(?: conditioning)?|mini[- ]splits?|ductless cooling|window units?|evaporative cooler)\b", "texts"),
    ),
    "AssociationYN": (
        (r"(?i)\b(?:no (?:hoa|homeowners'? association|association (?:fee|dues))|hoa\s*:\s*no(?:ne)?)\b", "=false"),
        (r"(?i)\b(?:hoa|homeowners'? association|association fee)\b", "=true"),
    ),
    "AssociationFee": (
        (rf"(?i)\b(?:hoa|association)\b[^\d$€\n]{{0,30}}{_MONEY}", "money"),
        (rf"{_MONEY}(?i: (?:monthly |a month )?(?:hoa|association))", "money"),
    ),
    "ListAgentFullName": (
        (rf"(?i:\b(?:listed by|listing agent|agent|call|contact|presented by|ansprechpartner(?:in)?|agent nieruchomości|your host is))\s*:?\s*(?i:(?:frau|herr|pan|pani) )?{_NAME}", "text"),
    ),
    "ListOfficeName": (
        (rf"(?i:\b(?:brokerage|listing office|office|brokered by|anbieter|biuro))\s*:\s*{_FIRM}", "text"),
        (r"(?P<v>(?:[A-ZÄÖÜŁŚŻ][\w'’&-]*(?: &)? ){1,4}(?:Realty|Realtors|Properties|Homes Group|Real Estate|Immobilien|Nieruchomości|Brokers|Land Company))", "text"),
    ),
    "ParcelNumber": (
        (r"(?i)\b(?:parcel(?: (?:number|no\.?|id))?|apn|pin|folio|tax id)\b\s*(?:is|:|#)?\s*(?P<v>\d[\d.-]{4,24}\d)", "text"),
    ),
    "TaxAnnualAmount": (
        (rf"(?i)\b(?:property tax(?:es)?|annual tax(?:es)?|tax bill|taxes)\b[^$€\n]{{0,40}}?{_MONEY}", "money"),
    ),
    "TaxAssessedValue": ((rf"(?i)\bassessed\b[^$\n]{{0,30}}{_MONEY}", "money"),),
    "TaxYear": (
        (rf"(?i)\btax year\b[^\d\n]{{0,4}}{_YEAR}\b", "whole"),
        (rf"(?i)\b(?:property tax(?:es)?|annual tax(?:es)?|tax bill|taxes)\b[^\n]{{0,40}}?\b{_YEAR}\b", "whole"),
    ),
    "X_MarketValue": ((rf"(?i)\b(?:(?:total )?market value|just value)\b[^$\n]{{0,30}}{_MONEY}", "money"),),
    "X_Currency": (
        (rf"(?:€|EUR)\s?{_NUM}|{_NUM}\s?(?:€|EUR\b)", "=EUR"),
        (rf"{_NUM}\s?(?:zł|PLN)\b", "=PLN"),
        (rf"£\s?{_NUM}", "=GBP"),
        (rf"\$\s?{_NUM}(?:[kKmM]\b)?", "=USD"),
    ),
}

RULES: dict[str, tuple[tuple[re.Pattern[str], str], ...]] = {
    name: tuple((re.compile(pattern), kind) for pattern, kind in rules) for name, rules in _RULES.items()
}
