"""Danish labels and JSON keys of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "kontantpris|pris|husleje|månedlig leje|leje|salgspris|kontant|leje pr. måned|udbudspris|månedlig husleje",
    ),
    (
        "_Ignore",
        "ejerudgift|ejerudgift/md.|ejerudgift/md|ejerudgift pr. md.|ejerudgifter|udbetaling|brutto/netto|"
        "brutto/netto ekskl. ejerudgift|brutto|netto|kvadratmeterpris|pris pr. m²|m²-pris|depositum|"
        "forudbetalt leje|aconto|aconto forbrug|boligydelse|kælderareal|kælder|ombygningsår|ombygget|"
        "renoveringsår|liggetid|liggetid i alt|antal toiletter|toiletter|etage|ejendomsskat|garage|carport|"
        "tinglyst areal|vægtet areal|indflytningspris|ledig fra|erhvervsareal|prisudvikling|grundskyld",
    ),
    (
        "ListingId",
        "sagsnummer|sagsnr.|sagsnr|sags nr.|sag|lejemålsnr.|annonce-id|bolig id|sagsnummer hos mægler",
    ),
    (
        "PropertySubType",
        "boligtype|type|ejendomstype|bolig type",
    ),
    (
        "RoomsTotal",
        "antal rum|rum|værelser|antal værelser|vær.|rum/værelser",
    ),
    (
        "BedroomsTotal",
        "soveværelser|antal soveværelser|antal sovevær.",
    ),
    (
        "BathroomsTotalInteger",
        "badeværelser|antal badeværelser|bad|antal bade-/toiletrum",
    ),
    (
        "LivingArea",
        "boligareal|bolig|boligstørrelse|areal|boligens størrelse|størrelse|bolig m²|bolig areal|samlet boligareal",
    ),
    (
        "LotSizeArea",
        "grundareal|grund|grundstørrelse|grund m²|grundens størrelse",
    ),
    (
        "YearBuilt",
        "byggeår|bygget|opført|opført år",
    ),
    (
        "StoriesTotal",
        "antal plan|antal etager|etager|plan",
    ),
    (
        "Heating",
        "varmeinstallation|opvarmning|varme|varmekilde|opvarmningsform",
    ),
    (
        "Roof",
        "tagtype|tag|tagdækning",
    ),
    (
        "ConstructionMaterials",
        "ydervægge|facade|ydermur|materiale",
    ),
    (
        "_Address",
        "adresse|beliggenhed",
    ),
    (
        "City",
        "by|kommune",
    ),
    (
        "StateOrProvince",
        "region",
    ),
    (
        "PostalCode",
        "postnummer|postnr.|postnr",
    ),
    (
        "ListAgentFullName",
        "ansvarlig mægler|mægler|ejendomsmægler|kontaktperson|din mægler|ansvarlig ejendomsmægler|kontakt",
    ),
    (
        "ListOfficeName",
        "mæglerfirma|ejendomsmæglerfirma|udlejer|mæglerbutik",
    ),
    (
        "MlsStatus",
        "status",
    ),
    (
        "PublicRemarks",
        "beskrivelse|boligbeskrivelse",
    ),
    (
        "X_EnergyRating",
        "energimærke|energimærkning",
    ),
)
