"""The words by which the simulated reader recognizes what a passage is about: a person's common sense, kept small.

This list is deliberately not the product's. It decides only between several places of one value, and which small
counts, kinds, and statuses mean what. A distinctive value under a label that is not listed here is quoted all the
same. Do not complete it from `app/property/fields`: the benchmark measures what happens with other labels.
"""

import re
from collections.abc import Mapping

from benchmarks.extraction.scorer import LABELS


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(words, re.IGNORECASE)


#: What a label of each field contains in common languages.
WORDS: Mapping[str, re.Pattern[str]] = {
    label: _pattern(words)
    for label, words in {
        "price": r"price|preis|\bprix|precio|prezzo|\bcena\b|prijs|preço|\bpris\b|asking|offered at|\brent\b|miete"
        r"|loyer|alquiler|huur|aluguel|affitto|\bpcm\b|\bpw\b|/mo\b|価格|賃料|for sale|to (?:rent|let)",
        "rooms": r"\brooms?\b|zimmer\w*|pi[èe]ces?\b|\bpok(?:oi|oje|ój|ojow\w*|ojów)\b|ambientes|\bkamers?\b|locali"
        r"|\brum\b|\bværelser|\brom\b|huone\w*|szob\w*",
        "bedrooms": r"\bbed(?:room)?s?\b|\bbdrms?\b|\bbrs?\b|schlafzimmer\w*|\bchambres?\b|dormitori\w*|habitaci\w*"
        r"|recámaras?|sypial\w*|slaapkamers?|quartos?|\bcamere\b|sovrum|soverom|soveværelse\w*|makuuhuone\w*",
        "bathrooms": r"\bbath(?:room)?s?\b|\bba\b|badezimmer|\bbäder|\bbad\b|salles? d['e]\s?(?:bain|eau|douche)s?"
        r"|\bbaños?\b|łazien\w*|badkamers?|banheiros?|casas? de banho|\bbagn[io]\b|badrum|baderom",
        "half_baths": r"half[- ]?bath\w*|\bhalf\b|powder|1/2 bath\w*|medio baño",
        "living_area": r"living|habitab\w*|wohnfl\w*|gesamtfl\w*|nutzfl\w*|\bsurface|superficie|powierzchni\w*|heated"
        r"|finished|floor (?:area|space)|oppervlakte|boarea|\b(?:area|size)\b|construid\w*|úti(?:l|les)\b",
        "lot_size": r"\blots?\b(?: size| area)?|\bland\b(?: size| area)?|\bacres?\b|acreage|\bplot(?: size)?|grundst\w*"
        r"|terrain|parcela|dział\w*|perceel|terreno|tomt\w*|\bgarten|\bparc\b|grounds|\bsite (?:area|size)",
        "year_built": r"\bbuil[td]\b|\bbl?t\b|baujahr|errichte\w*|construction|construi\w+|année|rok bud\w*"
        r"|zbudow\w*|bouwjaar|byggår|byggt|\baño\b|erected|constructed|\bgebaut",
        "stories": r"\bstor(?:y|ies|ey|eys)\b|\bfloors\b|\blevels?\b|\betagen\b|stockwerk\w*|geschoss\w*"
        r"|\bétages\b|\bplantas\b|kondygn\w*|liczba pięter|verdiepingen|\bpiani\b|våningar",
        "parking": r"garage\w*|parking|parkm\w*|carports?|car spaces?|stellpl\w*|miejsc\w* park\w*"
        r"|\bplazas?\b|posti auto|vagas|cochera\w*|\bbox\b",
        "agent": r"agent|realtor|listed by|contact|ansprechpartner\w*|kontakt|makler\w*|mandataire|conseill\w*"
        r"|asesor\w*"
        r"|opiekun\w*|doradca|broker\b|mäklare|makelaar|consulente|anbieter\w*",
        "office": r"\boffice|broker(?:age)?\b|agenc\w+|agence|realty|company|courtesy|\bfirma|biuro|inmobiliaria"
        r"|marketed by|listed by|anbieter\w*|kantoor|present this|\bpro immobilier",
        "roof": r"\broof\w*|\bdach\w*|toit\w*|tejado|\btak\b",
        "exterior_wall": r"\bext(?:erior)?\b|walls?\b|construction|siding|façade|fassade|facade",
        "heating": r"heat\w*|heiz\w*|chauff\w*|calefac\w*|ogrzew\w*|riscald\w*|verwarming|uppvärm\w*",
        "cooling": r"cool\w*|air[- ]?con\w*|\ba/?c\b|klima\w*|climat\w*|aire acond\w*",
        "parcel_number": r"parcel|folio|\bapn\b|\bpin\b|account|tax (?:key|id)|\bstrap\b|property id|map.?lot|\bpid\b",
        "listing_id": r"\bmls\b|listing|\bref\w*|\bid\b|objekt\S*|annonce|\bnumer|\bnummer|anzeige\S*|réf\w*"
        r"|property id",
        "assessed_value": r"assess\w*",
        "market_value": r"market|\bjust\b|apprais\w*|full value|true value",
        "tax_annual": r"\btax\b|\btaxes\b",
        "tax_year": r"tax|assess\w*|roll\b",
        "last_sale_date": r"sale|sold|\bdeed|transfer|recorded|purchase",
        "last_sale_price": r"sale|sold|consideration|purchase|\bprice\b",
        "hoa": r"\bhoa\b|association|strata|\bassoc\b",
        "hoa_fee": r"\bhoa\b|association|strata|maint\w* fee|condo fee|\bassoc\b|\bdues\b",
        "subdivision": r"subdiv\w*|neighbou?rhood|community|\bplat\b|complex|\bsub-?area",
        "county": r"\bcounty\b|\bcounties\b|parish|landkreis|powiat|\bcondado",
        "city": r"\bcity\b|\bville\b|\bort\b|\bstadt|miasto|miejscow\w*|ciudad|localit\w*|\bplaats",
        "street": r"address|street|stra(?:ß|ss)e|adresse|situs|location|dirección|adres|ulica",
        "postal_code": r"\bzip|post(?:al)? ?code|\bplz\b|code postal|kod pocztowy|postcode|postnummer|codice postale",
        "region": r"\bstate\b|region|région|province|bundesland|wojew\w*|county|\bprov\b",
        "pool": r"\bpools?\b|piscin\w*|\bbasen\b|swimming",
        "solar": r"\bsolar\b|photovolt\w*|\bpv\b",
        "gated": r"\bgate[ds]?\b|\bguard",
        "roof_year": r"\broof\w*|\bdach\w*|toit\w*",
    }.items()
}
#: What else a number may be, by the kind of value: a person does not take a deposit for the price.
OTHER_THINGS: Mapping[str, re.Pattern[str]] = {
    "money": _pattern(
        r"deposit|mortgage|loan|insurance|payment|estimate\b|zestimate|previous|\bwas\b|charges|kaution|nebenkosten"
        r"|caution|/ ?m²|per (?:sq|m)|/sq|taxable|exempt\w*|\bland\b|building\b|improvement\w*|permit\w*"
    ),
    "year": _pattern(r"renov\w*|remodel\w*|effective|©|copyright|updated|moderni\w*|\bsince\b|permit\w*|saniert\w*"),
    "count": _pattern(
        r"photos?|fotos?|images?|reviews?|miles?\b|minut\w*|days?\b|fireplace\w*|units?\b|persons?|schools?|buildings?\b"
        r"|étage|\betage\b|\bpiętro|\bfloor\b|balcon\w*|kitchens?|views|toilets?|living areas?|position"
    ),
    "area": _pattern(r"balcon\w*|terras\w*|garage|basement|keller|\bper\b|porch|price|preis|prix|cena"),
}
#: The groups of labels whose values look alike, by the kind of value.
ALIKE: Mapping[str, tuple[str, ...]] = {
    "count": ("rooms", "bedrooms", "bathrooms", "half_baths", "stories", "parking"),
    "year": ("year_built", "tax_year", "roof_year"),
    "money": ("price", "hoa_fee", "tax_annual", "assessed_value", "market_value", "last_sale_price"),
    "area": ("living_area", "lot_size"),
}
#: The words for each property subtype of the prompt.
TYPE_WORDS: Mapping[str, re.Pattern[str]] = {
    name: _pattern(words)
    for name, words in {
        "Studio": r"\bstudio\b",
        "Semi Detached": r"semi-? ?detached|doppelhaus\w*|bliźniak\w*|jumelée|pareado|twee-onder",
        "Townhouse": r"town-? ?hou?se\w*|town ?home|terraced?\b|reihenhaus\w*|row ?house|szeregow\w*|adosad\w*"
        r"|tussenwoning|rækkehus|radhus|mitoyenne",
        "Duplex": r"\bduplex\b",
        "Multi Family": r"multi-? ?family|mehrfamilienhaus|two[- ]family|triplex|immeuble",
        "Condominium": r"\bcondo(?:minium)?s?\b",
        "Stock Cooperative": r"co-?op(?:erative)?\b",
        "Apartment": r"\bapartments?\b|\bflat\b|wohnung\w*|appartement|apartament\w*|\bpiso\b|mieszkani\w*|appartamento"
        r"|lägenhet|leilighet|lejlighed|\bbyt\b|lakás|マンション|\bapartamento",
        "Manufactured Home": r"manufactured|mobile home",
        "Unimproved Land": r"\bland\b|\blots?\b|\bvacant\b|acreage|grundstück|działk\w*|terrain|\bparcela",
        "Office": r"\boffices?\b|\bbüro\b",
        "Retail": r"\bretail\b",
        "Industrial": r"industrial",
        "Warehouse": r"warehouse",
        "Single Family Residence": r"single[- ]?fam\w*|\bdetached\b|\bhouses?\b|\bhaus\b|einfamilienhaus|maison"
        r"|\bcasa\b"
        r"|\bchalet\b|(?-i:\b[Dd]om\b)|\bvilla\b|villetta|woonhuis|\bhus\b|eengezins\w*|\bsfr\b|bungalow|cottage|ranch\b|moradia",
    }.items()
}
#: The words for each status of a label.
STATUS_WORDS: Mapping[str, re.Pattern[str]] = {
    label: _pattern(words)
    for label, words in {
        "for_sale": r"for sale|\bactive\b|\bavailable\b|zum? (?:ver)?kauf\w*|\bkaufen\b|\(kauf\)|à vendre|\bvente\b"
        r"|en venta|sprzeda\w*|in vendita|te koop|till salu|til salgs?|coming soon|\bnew listing|instock|à venda",
        "for_rent": r"(?:for|to) (?:rent|let)|\bactive\b|\bavailable\b|zu vermieten|\bmieten\b|mietwohnung|à louer"
        r"|location\b"
        r"|en alquiler|wynaj\w*|in affitto|te huur|uthyr\w*|til leie|coming soon|para alugar|arrendar|for lease",
        "under_offer": r"under offer|pending|contingent|under contract|reserv\w+|sale agreed|sold stc|\bactive \(c\)",
        "sale_agreed": r"sale agreed|under offer|\bpending",
        "sold": r"\bsold\b|closed|verkauft|vendu|sprzedan\w*",
    }.items()
}
FOR_RENT = _pattern(r"\b(?:rent|let|lease|rental)\b|miete|vermiet\w*|louer|location|alquil\w*|wynaj\w*|affitto|huur")
SIGNS: Mapping[str, str] = {"EUR": "€", "GBP": "£", "PLN": "zł", "JPY": "円", "CHF": "Fr", "SEK": "kr", "NOK": "kr"}
#: Words that deny what they stand beside: `Pool: none`.
DENIED = _pattern(r"\b(?:no|none|not?|without|kein\w*|aucune?|brak|sin)\b")
#: Words beside an address that is not the property's.
OF_OTHERS = _pattern(
    r"owner|mailing|\bagent|office|broker|school|courtesy|similar|nearby|contact|agence|anbieter|\bbank\b|company|holder"
)
#: The units of area, as they are written after or beside a number.
UNITS: Mapping[str, re.Pattern[str]] = {
    "Square Meters": _pattern(
        r"m²|m2|\bsq\.? ?m\b|\bsqm\b|\bqm\b|\bkvm\b|\bmq\b|m&sup2;|㎡|square met\w+|metr\w+ kw|mètres"
    ),
    "Square Feet": _pattern(r"sq(?:uare|\.)? ?f(?:ee|oo)?t\.?|\bsqft\b|ft²|ft2|\bsf\b|sq\.? ?ft"),
    "Acres": _pattern(r"\bac(?:re|res)?\b|acreage"),
    "Hectares": _pattern(r"\bha\b|hect\w+"),
}

#: Labels that are compared by these words, so a page that uses other words for them is not answered.
NEED_WORDS = frozenset({"hoa", "pool", "solar", "gated"})
KIND_OF: Mapping[str, str] = {label: kind for kind, labels in ALIKE.items() for label in labels}
if unknown := WORDS.keys() - LABELS.keys():
    raise ValueError(f"Not labels of the benchmark: {sorted(unknown)}")
