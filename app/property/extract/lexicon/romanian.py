"""Romanian labels and JSON keys of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "preț|pret|preț vânzare|chirie|preț de vânzare|chirie lunară|preț cerut|preț total",
    ),
    (
        "_Ignore",
        "preț pe m²|preț/mp|preț / m²|garanție|etaj|comision|întreținere|an renovare|suprafață balcon|"
        "suprafață terasă|balcoane|preț negociabil",
    ),
    (
        "ListingId",
        "id anunț|cod ofertă|id ofertă|referință|id proprietate|cod anunț|cod proprietate|id",
    ),
    (
        "PropertySubType",
        "tip proprietate|tip imobil|tip|tip apartament|tip casă|categorie",
    ),
    (
        "RoomsTotal",
        "număr camere|nr. camere|camere|numărul de camere|nr camere|numar camere",
    ),
    (
        "BedroomsTotal",
        "dormitoare|număr dormitoare|nr. dormitoare",
    ),
    (
        "BathroomsTotalInteger",
        "băi|număr băi|nr. băi|număr de băi|numar bai",
    ),
    (
        "LivingArea",
        "suprafață utilă|suprafața utilă|suprafață|suprafață utilă (mp)|suprafata utila|suprafață locuibilă",
    ),
    (
        "LivingArea:0.6",
        "suprafață construită|suprafață totală|suprafața construită|suprafață utilă totală",
    ),
    (
        "LotSizeArea",
        "suprafață teren|suprafața terenului|teren|suprafață teren (mp)|suprafata teren",
    ),
    (
        "YearBuilt",
        "an construcție|anul construcției|an finalizare construcție|an finalizare|construit în|an constructie",
    ),
    (
        "StoriesTotal",
        "regim înălțime|număr etaje|nr. etaje|etaje clădire|număr niveluri",
    ),
    (
        "Heating",
        "încălzire|tip încălzire|sistem încălzire",
    ),
    (
        "_Address",
        "adresă|adresa|localizare|locație",
    ),
    (
        "City",
        "oraș|localitate|localitatea",
    ),
    (
        "StateOrProvince",
        "județ",
    ),
    (
        "PostalCode",
        "cod poștal",
    ),
    (
        "ListAgentFullName",
        "agent|consultant|agent imobiliar|persoană de contact",
    ),
    (
        "ListOfficeName",
        "agenție|agenția imobiliară|companie|dezvoltator|agenție imobiliară",
    ),
    (
        "PublicRemarks",
        "descriere",
    ),
    (
        "X_EnergyRating",
        "clasă energetică|certificat energetic",
    ),
)
