"""Abbreviated labels of listing sheets that agents print (`LP`, `Apx SF`, `Yr Blt`), and patterns of long labels.

The abbreviations count only on a page that is full of them; `LA:` alone can mean anything.
"""

from __future__ import annotations

ABBREVIATIONS: tuple[tuple[str, str], ...] = (
    ("ListPrice", "lp|list pr|l price|ask|asking|lst pr"),
    ("OriginalListPrice", "olp|orig lp|orig price|orig list|olp$"),
    ("ClosePrice", "sp|sold pr|cp|close pr|sale pr"),
    ("CloseDate", "cd|sold dt|close dt|cls date|sld dt|clsd"),
    ("_Address", "addr|add|adr"),
    ("City", "cty/twn|twn"),
    ("PostalCode", "zp|zip"),
    ("CountyOrParish", "cnty|co|cnty/par"),
    ("SubdivisionName", "sub|subd|subdiv|sd|legal sub|subdiv/plat"),
    ("RoomsTotal", "rms|# rms|tot rms|ttl rms|rm"),
    ("BedroomsTotal", "br|brs|bd|bds|# br|tot br|bdrms|bdr"),
    ("BathroomsTotalInteger", "ba|bth|bths|tba|tot ba|# ba|baths f/h"),
    ("BathroomsFull", "fb|full ba|f baths|fba|fbth|f bth"),
    ("BathroomsHalf", "hb|half ba|h baths|hba|hbth|pb|part ba|h bth"),
    (
        "LivingArea",
        "apx sf|apx sqft|apx sq ft|sf|sqft|tsf|fin sf|tot sf|hsf|ttl sf|liv sf|asf|agsf|abv grd sf|sqft apx|"
        "sq ft apx|ag sqft|htd sf|gla",
    ),
    ("YearBuilt", "yb|yr blt|yrb|blt|yr bt|yr"),
    ("StoriesTotal", "sty|stys|lvls|# sty|lvl"),
    ("LotSizeArea", "ac|lot ac|lot sf|acr|lot sz|apx ac|apx acres"),
    ("ConstructionMaterials", "ext|extr|const|constr|exter"),
    ("Heating", "heat|ht|htg|htng"),
    ("Cooling", "cool|ac type|clg|a/c"),
    ("Roof", "rf"),
    ("AssociationFee", "hoa|hoa$|assoc fee|assn fee|maint fee|hoa amt|assoc"),
    ("TaxAnnualAmount", "tax|tx|ann tax|re tax|txs|tax amt"),
    ("TaxYear", "tax yr|tx yr|txyr"),
    ("ParcelNumber", "tax id|pid|pin|apn|tid|txid"),
    ("ListAgentFullName", "la|list agt|lagt|lst agt|l agt|agt"),
    ("ListOfficeName", "lo|list off|loff|lst off|ofc|list ofc|l ofc|off"),
    ("PublicRemarks", "rem|rmks|rmrks|pub rem"),
    ("MlsStatus", "st|stat|sts"),
    ("ParkingTotal", "gar sp|gar spcs"),
    ("_Ignore", "dom|cdom|lp/sf|sp/sf|bsmt sf|bsmt sqft|ld|exp|xd"),
)

#: a label with one of these words is about something else than what the patterns below look for
OTHERWISE = r"prior|previous|prev|old|parent|owner\w*|alternate|alt|mailing|similar|nearby|average|median|school\w*"
#: whole labels, as words (lower case); the first pattern that matches tells the field and how far to trust it
PATTERNS: tuple[tuple[str, str], ...] = (
    (
        "LivingArea:0.85",
        r"(?:sq\.? ?ft\.?|sqft|square feet|square footage|area) of (?:living|heated|finished)(?: area| space)?",
    ),
    ("TaxAnnualAmount:0.85", r"total tax(?:es)?(?: and| &) (?:special )?assessments?(?: due)?"),
    (
        "LivingArea:0.85",
        r"(?:total |gross |approx |net |above |ground |bldg |building |sq ?ft |main )*(?:grade )"
        r"?(?:living|liv|livable|habitable|heated|finished|fin|interior|a/?c)(?: space| floor|"
        r" building| gross)?(?: area| sq\.? ?ft\.?| sqft| sf| square feet| square footage|"
        r" footage)(?: sq\.? ?ft\.?| sqft| sf| total| approx)?",
    ),
    (
        "LivingArea:0.8",
        r"(?:total |approx |gross )*above[ -]grade (?:living |finished )?(?:area|sf|sq\.? ?ft\.?|"
        r"sqft|square feet)",
    ),
    (
        "YearBuilt:0.9",
        r"(?:actual |original |approx |bldg |building |home |house |structure )*(?:year|yr)"
        r"\.? (?:was |first |of )?(?:built|blt|bilt|constructed|construction)(?: \(?(?:actual|"
        r"approx|est)\)?)?",
    ),
    (
        "ParcelNumber:0.8",
        r"(?:[\w./']+ )*?(?:parcel|apn|folio|pin|pidn)(?: (?:id|no|nbr|num|number|identifier|#|"
        r"identification number))*",
    ),
    (
        "ParcelNumber:0.7",
        r"(?:county |tax |property |assessor'?s? )*(?:tax|assessor'?s?) (?:id|map|parcel|account)"
        r"(?: (?:no|number|#|id))*",
    ),
    (
        "BedroomsTotal:0.85",
        r"(?:total |number of |no\.? of |# of |# |above grade )*(?:bedrooms?|bdrms?|beds?|brs?)"
        r"(?: total| count| \(?above grade\)?)?",
    ),
    (
        "RoomsTotal:0.85",
        r"(?:total |number of |no\.? of |# of |# )+rooms?(?: total| count)?",
    ),
    (
        "BathroomsFull:0.85",
        r"(?:total |number of |no\.? of |# of |# )*(?:full|f) (?:bathrooms?|baths?|bth|ba)"
        r"(?: count)?",
    ),
    (
        "BathroomsHalf:0.85",
        r"(?:total |number of |no\.? of |# of |# )*(?:half|partial|1/2|powder) (?:bathrooms?|"
        r"baths?|bth|ba|rooms?)(?: count)?",
    ),
    (
        "TaxAssessedValue:0.85",
        r"(?:\d{4} |total |net |gross |county |current |taxable |final )*(?:assessed|assd|assess|"
        r"assessment)(?: (?:value|val|valuation|total|amount|amt))*(?: \(?(?:19|20)\d\d\)?)?",
    ),
    (
        "X_MarketValue:0.85",
        r"(?:\d{4} |total |county |current |full |estimated )*(?:market|appraised|just|"
        r"fair market|full cash|true cash)(?: (?:value|val|total|amount|amt))+(?: \(?(?:19|20)\d\d\)?)?",
    ),
    (
        "TaxAnnualAmount:0.85",
        r"(?:\d{4} |total |annual |yearly |net |real estate |property |county |gross |current |"
        r"re |est )*tax(?:es)?(?: (?:amount|amt|due|billed|annual|total|per year|yearly))"
        r"*(?: \(?(?:19|20)\d\d\)?)?",
    ),
    (
        "TaxYear:0.8",
        r"(?:tax|assd|assessed|assessment|roll|valuation|value|bill|certified) (?:roll )?(?:year|"
        r"yr)",
    ),
    (
        "CloseDate:0.9",
        r"(?:last|latest|most recent|current) (?:market )?(?:sale|sold|transfer|deed)(?:s)"
        r"? (?:recording )?date",
    ),
    (
        "ClosePrice:0.9",
        r"(?:last|latest|most recent) (?:market )?(?:sale|sold|transfer)(?:s)? (?:price|amount|"
        r"amt|value)",
    ),
    (
        "AssociationFee:0.85",
        r"(?:monthly |annual |yearly |quarterly |total |master |community |association |"
        r"homeowners? )*(?:hoa|condo|coop|co-op|association|assoc|assn|poa|maintenance|common|"
        r"strata)(?: area)?(?: maintenance)? (?:fees?|dues|charges?|assessments?|amount|amt)"
        r"(?: (?:monthly|annual|amount|per month|per year|total))*",
    ),
    (
        "Roof:0.85",
        r"roof(?:ing)?(?: 1)? (?:cover(?:ing)?|type|material|mat'?l?|desc(?:ription)?|surface|"
        r"finish|cvr)s?",
    ),
    (
        "ConstructionMaterials:0.85",
        r"ext(?:erior|\.)?(?: (?:1|primary|main))? (?:walls?|finish|siding|cover|material|"
        r"covering|cladding)(?: (?:1|type|desc(?:ription)?|material|cover))?",
    ),
    (
        "Heating:0.85",
        r"heat(?:ing)?(?: (?:and|&) (?:cooling|air))? (?:type|system|source|method|desc(?:ription)"
        r"?|fuel/type)",
    ),
    (
        "Cooling:0.85",
        r"(?:cooling|air cond(?:itioning)?|a/?c)(?: (?:type|system|desc(?:ription)?|source))",
    ),
    (
        "StoriesTotal:0.85",
        r"(?:total |number of |no\.? of |# of |# |building |bldg )*(?:stories|storeys|story|"
        r"levels|floors)(?: (?:count|total|height|desc))?",
    ),
    (
        "SubdivisionName:0.8",
        r"(?:sub(?:division)?|subd|plat|tract)(?:/(?:plat|tract|condo))? (?:name|desc(?:ription)?)",
    ),
    (
        "LotSizeArea:0.85",
        r"(?:total |approx |calculated |deeded |gis |stated |legal |parcel |tax |assessed )"
        r"*(?:lot|land|parcel|site|acreage|acres?)(?: (?:size|area|acres|acreage|sq\.? ?ft\.?|"
        r"sqft|sf|square feet))+",
    ),
    (
        "LotSizeArea:0.85",
        r"(?:total |approx |calculated |deeded |gis |stated |legal |parcel |tax |assessed |calc )"
        r"+(?:acreage|acres?)",
    ),
)
