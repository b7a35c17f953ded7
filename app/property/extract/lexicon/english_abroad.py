"""English labels of the United Kingdom, Ireland, India, the Gulf, South Africa, Australia, New Zealand and Canada."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "price guide|guide price range|offers over|offers in excess of|offers around|offers in region of|asking rent|"
        "weekly rent|rent pcm|rent per week|expected rent|expected price|rent amount|monthly rental|yearly rent|"
        "annual rent|starting bid|fixed asking price|enquiries over|buyer enquiry over|rental price|"
        "monthly price|price per month",
    ),
    (
        "LivingArea",
        "built up area|built-up area|builtup area|carpet area|bua|gross floor area|net internal area|floor size|"
        "internal floor area|under roof|approx floor area|gross internal floor area|covered area|size of home|"
        "constructed area|livable space|livable surface|m construidos|metros construidos",
    ),
    (
        "LivingArea:0.6",
        "super built up area|super built-up area|super area|super builtup area|saleable area|total covered area",
    ),
    (
        "LotSizeArea",
        "erf size|erf|stand size|land extent|section size|section|block size|site extent|plot extent|plot dimensions|"
        "surface of the plot|surface of plot|m parcela|metros parcela",
    ),
    (
        "BedroomsTotal",  # keys of databases that pages in English share with those in Spanish
        "count bedrooms|num habitaciones|num dormitorios|numero habitaciones",
    ),
    (
        "BathroomsTotalInteger",
        "count bathrooms|num banos|num baños|numero banos",
    ),
    (
        "_Floor",
        "floor|floor no|floor number|floor level|which floor",
    ),
    (
        "StoriesTotal",
        "total floors|floors|no of floors|floors in property|number of storeys in building|storeys in building",
    ),
    (
        "YearBuilt",
        "top|completion year|year of completion|year completed|completed in|construction completed|"
        "ano constr|ano construccion|year construction",
    ),
    (
        "PostalCode",
        "pin code|pincode|pin|post code",
    ),
    (
        "ListAgentFullName",
        "property manager|leasing agent|letting agent contact|sales negotiator|licensed salesperson|salesperson|"
        "your agent|sole agent|listing broker name|posted by|dealer name|property consultant|sales consultant",
    ),
    (
        "ListOfficeName",
        "marketed by|letting agent|selling agent|managing agent|joint auctioneer|auctioneer|auctioneers|listing agency|"
        "advertised by|professional advertiser|professional seller|agents|estate agents|sole agents|"
        "real estate agency|realty company",
    ),
    (
        "ListingId",
        "permit ref|property no|web ref|stock no|agent ref|listing no|listing no.|property id no|lot reference",
    ),
    (
        "X_EnergyRating",
        "epc band|ber band|current epc rating|energy star rating|nathers rating",
    ),
    (
        "_Ignore",
        "council tax|council tax band|ground rent|service charges|annual service charge|holding deposit|bond|"
        "council rates|water rates|rates|rateable value|rateable value rv|rv|capital value|cv|land value|"
        "improvement value|rates and taxes|levies|levy|estimated rent|rental estimate|booking amount|maintenance|"
        "maintenance charges|registration charges|age of construction|age of property|permit number|"
        "rental yield|gross yield|lease remaining|years remaining|available from|date available|furnishing|"
        "furnished status|transaction type|possession|facing|tenure|minimum tenancy|min tenancy|emi|"
        "completion|added on|listed on|last updated|usage|title|decade built|price per sq yard|deposit amount|"
        "stamp duty|council|broadband|ded|brn|orn|weekly outgoings|body corporate levies|strata levies",
    ),
)
