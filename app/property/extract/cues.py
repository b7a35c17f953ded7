# ruff: noqa: E501 (a field's words are easier to read on one line)
"""How a line of text shows that it may answer for a field: words in nine languages, and the shape of a value.

Only a filter for what is sent to a model and a measure of how close a quote is to its field; it reads no values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

#: the languages whose words are all here (ISO 639-1); of others some are
LANGUAGES = frozenset({"en", "de", "pl", "sv", "ja", "he"})
_DIGIT = r"\d"
_YEAR = r"(?<!\d)(?:1[6-9]|20)\d\d(?!\d)"
_MONEY = (
    r"[$€£¥₪₹]\s?\d|\d[\d.,  ’']*\s?(?:[kKmM]\b|Mio|mln|tys)?\.?\s?(?:€|zł|kr\b|円|₪|万|EUR|USD|PLN|SEK|CHF|GBP|:-)"
    r"|\b(?:EUR|USD|PLN|SEK|CHF|GBP|AUD|CAD|NZD|Rs)\.?\s?\d"
)
_COUNT = (
    r"\d|½|\b(?:one|two|three|four|five|six|seven|eight|single|ein|eine[rnms]?|zwei|drei|vier|fünf|sechs|jedn\w+|dwa|dwie|trzy|"
    r"cztery|pięć|två|tre|fyra|deux|trois|quatre)\b"
)
_NAME = r"[A-ZÄÖÜÅŁŚŻ][\w'’.-]+\s+[A-ZÄÖÜÅŁŚŻ]|[\u3040-\u30ff\u4e00-\u9fff\u0590-\u05ff]{2}"
_STREET = (
    r"\b\d{1,6}\s+(?:[NSEW]\.?\s)?[A-Z0-9][\w'’.-]*(?:\s[A-Z0-9][\w'’.-]*){0,4}\s(?:st|street|ave|avenue|rd|road|dr|drive|ln|lane|ct|"
    r"court|way|blvd|boulevard|ter|terrace|pl|place|cir|circle|trl|trail|pkwy|hwy|loop|cove|row|sq)\b|"
    r"\w+(?:stra(?:ß|ss)e|str\.|weg|allee|gasse|platz|ring|damm|ufer)\s*\d*|\bul\.\s?\w+|\bal\.\s?\w+|\w+(?:gatan|vägen|väg|gata)\s*\d|"
    r"\b(?:rue|avenue|calle|via|chemin)\s\w+|丁目|番地|רחוב"
)
_POSTCODE = (
    r"\b[A-Z]{2},?\s+\d{5}(?:-\d{4})?\b|\b\d{5}\b|\b\d{2}-\d{3}\b|\b\d{3} \d{2}\b|\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b|"
    r"〒|\b\d{3}-\d{4}\b|\b[A-Z]\d{2} ?[A-Z\d]{4}\b|\b(?:NSW|VIC|QLD|WA|SA|TAS|ACT|NT)\s+\d{4}\b|\b\d{4}\s[A-ZÄÖÜ][a-zäöü]{2,}"
)
_AREA = r"\d\s*-?(?:sq\.?\s?-?(?:ft|feet|m)\b|sqft|square|m²|m2\b|㎡|qm\b|kvm\b|sf\b|acres?\b|ac\b|ha\b|hectares?\b|ar\b|מ)|\d"


@dataclass(frozen=True, slots=True)
class Cue:
    """`words` name the field, `shape` is what its value looks like."""

    words: re.Pattern[str]
    shape: re.Pattern[str]

    def strength(self, line: str) -> int:
        """0: says nothing of the field; 1: words without a value's shape (a label alone); 2: both."""
        if self.words.search(line) is None:
            return 0
        return 2 if self.shape.search(line) else 1


_WORDS: dict[str, tuple[str, str]] = {
    "StandardStatus": (
        r"\bfor[ -](?:sale|rent)\b|\bto let\b|\bsold\b|\bpending\b|under (?:contract|offer)|coming soon|\bactive\b|sale agreed|\bstatus\b|off[ -]market|"
        r"zu (?:verkaufen|vermieten)|zum kauf|zur miete|reserviert|verkauft|sprzeda|wynaj|till salu|à (?:vendre|louer)|en venta|売|賃貸|למכירה|להשכרה|\bvendu|sous compromis|vendido|reservado|in vendita|in affitto|venduto|te koop|te huur|verkocht|à venda|prodej|pronájem",
        r"",
    ),
    "PropertyType": (
        r"property (?:type|use|class)|use (?:code|desc)|single[ -]family|\bhouse\b|\bcondo|apartment|\bflat\b|town ?ho|\bland\b|\blot\b|haus\b|wohnung|\bdom\b|"
        r"mieszkan|lägenhet|\bvilla\b|maison|appartement|\bpiso\b|マンション|一戸建|דירה|commercial|objektart|rodzaj|appartamento|casa\b|departamento|apartamento|terreno|huis\b|woning|moradia|\bbyt\b|chalet|condomin",
        r"",
    ),
    "ListPrice": (
        r"price|asking|offered|guide|\brent\b|/\s?mo\b|per month|pcm|preis|miete|\bcena\b|czynsz|\bpris\b|hyra|\bprix\b|loyer|precio|価格|賃料|万円|מחיר|"
        r"for sale|listed|^\s*[$€£¥₪₹]\s?\d[\d.,]*\s?[kKmM]?\s*$|prezzo|preço|prijs|alquiler|affitto|\bcanone|aluguel",
        _MONEY,
    ),
    "ClosePrice": (r"\bsold\b|\bsale[sd]?\b|\bclos(?:ed|ing)\b|last (?:sale|sold)|transfer|consideration|verkauft|sprzedan|såld|vendu|vendido|venduto|verkocht", rf"{_MONEY}|\d{{4,}}"),
    "CloseDate": (
        r"\bsold\b|\bsales?\b|\bclos(?:ed|ing)\b|last (?:sale|sold)|transfer|deed|recorded|verkauft|såld",
        r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d{4}-\d\d|(?:19|20)\d\d",
    ),
    "UnparsedAddress": (rf"{_STREET}|\baddress\b|\bsitus\b|adresse|\badres\b|所在地|住所|כתובת|\blocated at\b", rf"{_STREET}|\d|\w{{3}}"),
    "City": (rf"{_POSTCODE}|\b(?:city|town|suburb|municipality|ort|stadt|miasto|miejscowość|kommun|ville|location)\b|市|区|עיר", r"[^\W\d]{2}"),
    "StateOrProvince": (rf"{_POSTCODE}|\b(?:state|province|region|county|bundesland|województwo|län)\b|[A-Z]\w+, [A-Z]{{2}}\b|都|県|府", r"[^\W\d]{2}"),
    "PostalCode": (rf"{_POSTCODE}|\b(?:zip|postal|postcode|plz|kod pocztowy|postnummer|eircode)\b", _DIGIT),
    "SubdivisionName": (r"subdivision|neighbou?rhood|\bplat\b|\bdevelopment\b|community|\blegal\b|\bestates\b", r"[A-Z]"),
    "RoomsTotal": (r"\brooms?\b|zimmer|poko[ij]|\brum\b|pièces|habitaciones|間取|\d\s?S?LDK|\d[DLR]K|חדרים|stanze|locali\b|\bvani\b|ambientes|kamers|divisões|\bpièce\b|pokoj", _COUNT),
    "BedroomsTotal": (r"bed ?rooms?|\bbeds?\b|\bbdr?m?s?\b|\bbr\b|schlafzimmer|sypialni|sovrum|chambre|寝室|חדרי שינה|camere|camera da letto|habitaci|rec[áa]maras|slaapkamers?|quartos|dormitórios|dormitorio|ložnic", _COUNT),
    "BathroomsTotalInteger": (
        r"bath ?rooms?|\bbaths?\b|\bba\b|\bba\.|fixtures|badezimmer|\bbäder\b|\bbad\b|łazien|badrum|salles? de bain|baños|浴室|מקלחת|אמבטיה|salles? d.eau|bagn[oi]\b|badkamers?|banheiros?|casas? de banho|\bbaño|sanitarios|koupeln|\bwc\b",
        _COUNT,
    ),
    "LivingArea": (
        r"sq\.?[ -]?(?:ft|feet|foot|m)\b|sqft|square|living|heated|floor area|\bgla\b|finished area|\bsf\b|wohnfläche|m²|\bm2\b|㎡|\bqm\b|\bkvm\b|boarea|"
        r"powierzchnia|surface|面積|superficie|מ\"ר|שטח|area|oppervlakte|metri quadr|área|habitable|construidos|plocha",
        _AREA,
    ),
    "LotSizeArea": (
        r"\blots?\b|\bacres?\b|acreage|land (?:size|area)|grundstück|działk|tomt|terrain|parcela|土地|hectares?|\bplot\b|\bland\b|\bar\b|site area|terreno|perceel|\bkavel|\blote\b|pozem",
        _AREA,
    ),
    "YearBuilt": (
        r"\bbuil[td]\b|year|\bconstruct(?:ed|ion)\b|\byr\b|baujahr|errichtet|erbaut|rok budowy|wybudowan|byggår|byggd|construction|築|שנת|dating from|completed|année|construit|costru|construid|\banno\b|\baño\b|bouwjaar|\bano d[ea]|antig[üu]edad|rok (?:výstavby|postaven)|épo",
        _YEAR + r"|築\d|昭和|平成|令和",
    ),
    "StoriesTotal": (
        r"\bstor(?:y|ies|eys?)\b|\bfloors?\b|\blevels?\b|geschoss|\bpięt[re]|våning|plantas|階|קומות|\bstockwerk|[ée]tage|piani\b|pisos\b|verdiepingen|andares|podlaž|one and a half|and-a-half",
        _COUNT,
    ),
    "Roof": (r"\broof|\bdach|\btak\b|toiture|tejado|屋根|גג|shingle|\btoit|\btetto|techo|cubierta|\bdak\b|telhado|střech", r"[^\W\d]{3}"),
    "ConstructionMaterials": (
        r"exterior|siding|construction|\bbrick|stucco|\bwalls?\b|\bframe\b|masonry|concrete|bauweise|materiał|fasad|stomme|構造|造\b|murs|cement|façade|facciata|fachada|gevel|clapboard|shiplap|vinyl|cedar|\bstone\b|\blog\b|cladding",
        r"[^\W\d]{3}",
    ),
    "Heating": (r"\bheat|furnace|boiler|heizung|ogrzewanie|uppvärmning|värme|chauffage|暖房|הסקה|fernwärme|riscaldamento|calefac|verwarming|aquecimento|vytápění|chaudière|\bhvac\b|radiator|caldera", r"[^\W\d]{3}"),
    "Cooling": (r"\bcool|air[ -]?con|\ba/?c\b|central air|mini[ -]split|klimaanlage|klimatyzacja|climatisation|エアコン|冷房|מיזוג|evaporative|aire acond|climatizz|aria condizionata|ar condicionado|airco\b|clim\b|heat (?:&|and) air|heat/air|\bhvac\b|klimatiz", r"[^\W\d]{2}"),
    "AssociationYN": (r"\bhoa\b|association|strata|body corporate|hausgeld|bostadsrättsförening|wspólnot|管理組合|ועד|condominio|comunidad|copropri|\bvve\b|condomínio|\bassessment of\b", r""),
    "AssociationFee": (r"\bhoa\b|association|maintenance fee|\bdues\b|strata|hausgeld|\bavgift|管理費|ועד|condominio|comunidad|copropri|servicekosten|condomínio|\bassessments?\b|mantenimiento", rf"{_MONEY}|\d"),
    "ListAgentFullName": (
        r"\bagent|\bbroker|listed by|listing by|contact|realtor|presented by|ansprechpartner|makler|mäklare|opiekun|doradca|\bcall\b|courtesy|"
        r"担当|סוכן|\bhost\b|conseill|négociat|asesor|consulente|agente|makelaar|consultor|corretor|frau\b|herr\b|\bmme\b",
        _NAME,
    ),
    "ListOfficeName": (
        r"\boffice\b|brokerage|\brealty\b|realtors|real estate|properties\b|immobilien|nieruchomości|mäklar|fastighet|agence|inmobiliaria|anbieter|"
        r"\bbiuro\b|listed by|courtesy|marketed by|株式会社|不動産|תיווך|\bagency\b|\bgroup\b|\bgmbh\b|agenzia|imobili[áa]ri|makelaar|\bllc\b|\binc\b|hausverwaltung",
        _NAME,
    ),
    "ParcelNumber": (r"parcel|\bapn\b|\bpin\b|folio|tax id|\bpid\b|account (?:no|num|#)|property id|strap|flurstück|numer działki|geo ?id|r-?number|cadastr|catast|kadaster|map (?:and|&) lot|\bmblu?\b|roll (?:no|num)", _DIGIT),
    "TaxAnnualAmount": (r"\btax(?:es)?\b|grundsteuer|podatek|taxe foncière|\bibi\b|\bimu\b|ozb\b|predial|\biptu\b|council tax|\brates\b", rf"{_MONEY}|\d{{3,}}"),
    "TaxAssessedValue": (r"assess|taxable|capped|\bvalue\b|\bSEV\b", rf"{_MONEY}|\d{{4,}}"),
    "TaxYear": (r"\btax(?:es)?\b|^year\s*[:|]|assess|roll year|\bvalue|\btaxe|impuesto|predial", _YEAR),
    "X_MarketValue": (r"market|\bjust\b|apprais|full cash|total value|\bfmv\b|\bRMV\b|\btrue value", rf"{_MONEY}|\d{{4,}}"),
    "X_Currency": (_MONEY, _DIGIT),
    "CountyOrParish": (r"\bcounty\b|\bparish\b|\bborough\b", r"[A-Z][\w.']+,? (?i:county|parish|borough)\b|(?i:county|parish|borough)\b\W{1,3}(?:of )?[A-Z]|^[A-Z][\w.' ]+$"),
    "ParkingTotal": (r"garage|\bcarports?\b|parking|\d[ -]cars?\b|stellpl|garaż|parkering|駐車|חני|estacionamiento|garaje|cochera|plaza de|posto auto|box auto|parcheggio|parkeerplaats|garagem|vagas|stationnement|\bparkovací", _COUNT),
    "PoolPrivateYN": (r"(?<!car)\bpools?\b(?! ?(?:table|room))|\bpiscin|\bbasen\b|schwimmbad|alberca|zwembad|bazén", r""),
    "PowerProductionType": (r"\bsolar|photovolt|\bpv\b|fotowolt|solcell|太陽光", r""),
    "X_AccessNotes": (r"\bgate[ds]?\b|\bguard", r""),
    "X_RoofYear": (r"\b(?:re-?)?roof|\bshingles\b|\bdach|toiture", r"(?<!\d)(?:19[6-9]|20[0-4])\d(?!\d)"),
}  # fmt: skip


def _compiled() -> Mapping[str, Cue]:
    return MappingProxyType(
        {
            # names, streets and postcodes are told by capitals; single words are not
            field: Cue(re.compile(words, re.IGNORECASE if field not in _BY_CAPITALS else 0), re.compile(shape))
            for field, (words, shape) in _WORDS.items()
        }
    )


_BY_CAPITALS = frozenset({"X_Currency"})

#: The cue of each field that a model is asked for.
CUES: Mapping[str, Cue] = _compiled()
