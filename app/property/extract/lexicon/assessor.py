"""US assessors, property appraisers, tax rolls and parcel services: column names, form labels and JSON keys."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ParcelNumber",
        "parid|parcel|parcel number|parcel no|parcel id|parcel #|parcel id number|apn|apn number|pin|"
        "pin number|folio|"
        "folio number|folio id|folio no|assessor parcel number|assessor's parcel number|parcel identification number|"
        "tax id|tax parcel id|tax parcel number|strap|tax map number|tms|tms number|tax map|tax map #|parno|parcelid|"
        "parcel identifier|property identification number|pid number|map block lot|mblu|"
        "property control number|pcn|schedule number|geo id|geographic id|alternate parcel id|"
        "quick ref id|swis/sbl|sbl number|parcel key|parcel nbr|tax id number|assessor parcel|"
        "real estate number|re number|ain|"
        "map/parcel|map parcel|sbl|tax key|parcel code|prop id",
    ),
    (
        "ParcelNumber:0.7",
        "account|acct|account #|map lot|lrsn|account number|tax account number|map / lot",
    ),
    (
        "TaxAssessedValue",
        "assessed value|assessment total|assessed|assessed val|total assessed value|county assessed value|"
        "capped|capped assessed|"
        "total assessment|assessment|assessment value|taxable assessed value|assessed value total|soh value|"
        "save our homes value|tax assessed value|tax assessment|assessed total|total assessed|net assessed value|"
        "county assessed|capped value|capped assessed value|assessed total value|assd value|total value assessed|"
        "av total|limited value|assessed value county|sohvalue|full cash assessed value|total value capped|"
        "capped total|total tax value assessed|gross assessment|net assessment|assd total|cntassdval|"
        "total assessed val|assessed total value",
    ),
    (
        "X_MarketValue",
        "market value|total market value|just value|just market value|just|total just value|appraised value|"
        "total appraised value|appraisal|total appraisal|full market value|fair market value|fmv|jv|mkt value|"
        "mrkt value|total mkt val|mrkt val|just market|parcel value|total parcel value|full cash value|actual value|"
        "total actual value|appraised total|market total value|full value|true value|true and full value|"
        "total value|total market|"
        "market val|appraised|capped market value|parval|just value total|estimated market value|true cash value|"
        "real market value|appraised total value|market total|total just market value|market value total|"
        "market appraisal value|justvalue|market",
    ),
    (
        "TaxAnnualAmount",
        "taxes|property tax|property taxes|annual tax|annual taxes|tax|annual tax amount|tax annual amount|"
        "total taxes|tax amount|tax amount annual|real estate tax|real estate taxes|yearly taxes|annual property tax|"
        "total tax|net tax|taxes paid|tax paid|tax bill|total tax amount|yearly property tax|taxes due|"
        "annual real estate taxes|tax due|tax value paid|total current tax|totcnttxod|tax amt|"
        "tax annual amt|taxes w/current exemptions|tax w/current exemptions",
    ),
    ("TaxAnnualAmount:0.7", "gross tax|gross taxes"),  # before credits
    (
        "TaxAnnualAmount",
        "net tax due|net taxes|net taxes due|combined taxes and assessments|total taxes and assessments",
    ),
    ("LivingArea:0.9", "gla|bldg sf|bld sf|building sf"),
    ("BathroomsFull", "fbath|fbaths"),
    ("BathroomsHalf", "hbath|hbaths"),
    ("TaxAssessedValue:0.9", "certified tot|certified total|av total|total av|assessed tot"),
    ("PropertySubType:0.9", "class desc|class description|property class description"),
    ("ParcelNumber", "parcel ids|parcel numbers|map/lot|map lot|assessment no|assessment number"),
    ("BathroomsTotalInteger", "full/half baths|full/half bath|full/half bathrooms"),
    ("AssociationYN", "hoa y/n|hoa yn|association y/n"),
    ("SubdivisionName:0.6", "community"),
    ("_Ignore", "type & style|type and style"),
    (
        "TaxYear",
        "tax year|assessed year|assessment year|valuation year|roll year|tax roll year|year of assessment|value year|"
        "tax assessed year|working tax year|tax roll|certified year",
    ),
    (
        "TaxYear:0.6",
        "bill year|assd yr|tax yr|valued year|notice year",
    ),
    (
        "_Sale",
        "sale",
    ),
    (
        "CloseDate",
        "transaction date|sale date|date of sale|deed date|transfer date|sales date|last sale dt|sale dt|"
        "saledate|sale date text|"
        "last sale date text|date of transfer|recent sale date|saledatetx|date recorded sale|o r date|sale 1 date|"
        "or date|conveyance date|deed recorded date",
    ),
    (
        "CloseDate:0.6",
        "sale year|record date|recorded date|recording date|sale yr",
    ),
    (
        "ClosePrice",
        "sale price|sales price|sale amt|saleamnt|saleprice|price paid|consideration|sale 1 price|deed amount|"
        "transfer price|"
        "sale amount|recent sale price|stamp amount|purchase price|sales amount|sale value|transfer amount|"
        "sold amount|most recent sale amount",
    ),
    (
        "LivingArea",
        "heated area|heated sq ft|heated square feet|heated sqft|heated|living sq ft|living area sqft|"
        "finished living area|total living area|living area total|under air|adjusted area|building heated area|"
        "living units sqft|above grade living area|bldg heated area|total heated area|sq ft living|main living area|"
        "res sqft|living sf|heated sf|building heated sq ft|total heated sqft|base area|finished square footage|"
        "building square footage|building sf|bldg sqft|bldg sq ft|building sq ft|building square feet|"
        "building sq. ft.|square foot|building sqft|"
        "total sq ft living|gross living area|total living sq ft|resflrarea|above grade sf|"
        "ttl gross liv / lease area",
    ),
    (
        "LivingArea:0.6",
        "bldgarea|adj. bldg. s.f.|adj bldg sf|building living area|total finished area|total building sqft",
    ),
    (
        "_Ignore",
        "gross area|gross building area|actual area|effective area|building gross area|building actual area|"
        "building effective area|effective year|eff year|eff year built|effective year built|total actual area|"
        "base sf|under roof|total under roof|land value|land val|building value|improvement value|improvements value|"
        "current owner|deed holder|owner|owner name|owner address|owner's address|mailing address|"
        "mail address|owner mailing address|"
        "owner addr|mailing|owner city|owner state|owner zip|owner street|mailing city|mailing state|mailing zip|"
        "mail city|mail state|mail zip|mail addr|mailing address 1|mailing address 2|mailing address 3|exemption|"
        "exemptions|homestead|homestead exemption|taxable value|taxable|total taxable|school taxable value|land|"
        "extra features|garage area|porch area|unfinished area|basement area|book page|legal|"
        "legal description|land market|building market|ag value|agland|total land value|total building value|deed|"
        "qualified|instrument|grantor|grantee|seller|buyer|prior owner|previous owner|replacement cost|depreciation|"
        "depreciated value|co owner|owner of record|depr cost|millage|millage rate|assessment reduction|cap|soh cap|"
        "school assessed value|school board assessed|city assessed value|land use value|assessed land value|"
        "assessed improvement value|just land value|last year value|other value",
    ),
    (
        "_Walk",
        "improvements|buildings|structures|dwellings|valuations|residential buildings|assessments",
    ),
    (
        "_CityStateZip",
        "city state zip|city/state/zip|city, state, zip|city, state zip|postal city and zip|city and zip|city st zip|"
        "city/st/zip|csz|site city state zip|situs city state zip|property city state zip|location city state zip",
    ),
    (
        "_BedsBaths",
        "total bedrooms / bathrooms|bedrooms / bathrooms|beds / baths|bed/bath|bedrooms/bathrooms|beds/baths|"
        "bed / bath|bedroom/bathroom|bd/ba",
    ),
    (
        "YearBuilt",
        "1st year building on tax roll|year built on tax roll|structyear|actual year built|act yr blt|yr blt|"
        "year blt|resyrblt|actual year|act year|yrblt|year built actual|original year built|yr built actual",
    ),
    (
        "_Age",
        "actual age|building age",
    ),
    (
        "SubdivisionName",
        "subdivision|sub division name|plat|plat name|subdivision description|subd|cnvyname|sub or condo name|"
        "abstract/subdivision|subdivision code description|"
        "neighborhood plat|subdiv|subdivname",
    ),
    (
        "CountyOrParish",
        "cntyname|county",
    ),
    (
        "_Address",
        "siteadd|siteaddress|prop loc|property loc|site addr|phys addr|physical addr|site|situs addr|location|"
        "property address|site street address|"
        "prop addr|loc addr|location addr|full situs|property street address|site location address|premise address|"
        "parcel location|"
        "physical street address|physical address|locn addr|address of record|location of property|site address",
    ),
    (
        "StreetNumber",
        "situs number|site number|situs house number|house no|str num|situs street number|house num",
    ),
    (
        "City",
        "scity|site city|situs city|phys city|prop city|property city|situs city name|site muni",
    ),
    (
        "PostalCode",
        "szip|site zip|situs zip|phys zip|prop zip|site address zip",
    ),
    (
        "StateOrProvince",
        "sstate|site state|situs state|phys state",
    ),
    (
        "PropertySubType",
        "improvements kind|buildings kind|improvement kind|building kind|present use|prop class|housing type|"
        "prop type|prop. type|usedscrp|building use description|"
        "res structure type|"
        "current use|property kind|use code|land use|property use|dor code|dor code current|use description|"
        "property use code|land use code|"
        "land use description|use desc|property class|property use description|building style|primary land use|"
        "dor description|class|occupancy|occupancy type|use type|parcel use code description|"
        "tax parcel use code description|parusedesc|primary use|model type|property class description|"
        "state use description|dor use code|building use|use code description|use|dor desc|land use desc|model|"
        "improvement type|improvement #1|existing land use|property type code description",
    ),
    (
        "StoriesTotal",
        "stories|floorcount|number stories|floors|floor count|floors number|no. stories|storyheight|"
        "stories/levels|num floors",
    ),
    (
        "Roof",
        "roof cover|roof cvr|roof cover 1|roofing cover|roof covr|roof mat'l|roof matl|roof surface",
    ),
    (
        "Roof:0.6",
        "roof structure|roof struct|roof frame|roof style|roof shape",
    ),
    (
        "ConstructionMaterials",
        "exterior walls|exterior wall 1|ext. wall|exterior siding|wall type|const type|primary exterior|"
        "exterior wall description|ext wall 1|wall finish exterior",
    ),
    (
        "Heating",
        "heat type|heating / cooling|heating and cooling|heating & cooling|heat/cool|hvac|heating/cooling|"
        "heat & cool|heating system type|heat desc|heating/ac|heat and air|heat/ac|heat/air",
    ),
    (
        "Cooling",
        "ac type|a/c type|cooling|central air|a/c|air cond.|air conditioning",
    ),
    (
        "BathroomsFull",
        "full baths|full bath|full bathrooms|total bthrms|num full baths|fixtures full",
    ),
    (
        "_ThreeQuarterBaths",
        "3/4 baths|3/4 bath|3/4 bathrooms|three quarter baths|three quarter bath|three quarter bathrooms",
    ),
    (
        "BathroomsHalf",
        "half baths|half bath|total half baths|num half baths",
    ),
    (
        "BathroomsTotalInteger",
        "total bthrms|bathroom|baths",
    ),
    (
        "BedroomsTotal",
        "total bedrooms|bedrm|bdrm|bdrms|no bedrooms|total bedrms|# of bedrooms|number bedrooms",
    ),
    (
        "LotSizeArea",
        "square footage land|square feet land|sq ft land|sqft land|area land|lot size|stated area|statedarea|"
        "lot sf / acres|sq ft lot|land units area|land area|acres|acreage|"
        "gisacres|deed acres|calc acres|parcel acres|land size|"
        "lot acres|land sq ft|land sqft|total land area|land calc fact|size acres|legal acreage|lot sf|land sf",
    ),
    (
        "LotSizeArea:0.5",
        "total land|area acres|land units",
    ),
)
