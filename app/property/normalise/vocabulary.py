"""Words of twenty languages and US land-use wording to RESO enumerations: property type and subtype, status.

RESO Data Dictionary 2.0 lookups; `Semi Detached` is ours, RESO has no word for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.property.remembering import remembered

#: longer texts are read anew each time: a cache would keep them
_LONGEST_KEPT = 300

# Ordered: the first pattern that matches wins, so that "semi-detached house" is not a plain house.
_SUBTYPE_WORDS: tuple[tuple[str, str], ...] = (
    (
        "Single Family Residence",
        r"^(?!.*vacant).*(?:single.?fam(?:ily|\b)|\bsf[rd]\b|\b(?:one|1).?fam(?:ily)? dwell|"
        r"\bbungalow\b(?=.*acreage)|acreage with residence)",
    ),
    (
        "Unimproved Land",
        r"^land\b(?! (?:line|use|value|valuation|info\w*|records?|data|details?)\b)|\bland auction|"
        r"vacant (?:land|lot|site|plot)|\bvacant\b(?! possession)|\b(?:building |residential |"
        r"development )?land (?:for|at|with|to|in)\b|"
        r"\bland$|^lots?\b(?!\W*\d)|\blots?$|\bbuilding (?:plot|lot|site)s?\b|acreage(?! with)|unimproved|"
        r"^[\w-]*grundstück(?!s)|baugrundstück|"
        r"wohngrundstück|bauland|\bbauplatz|działk\w*|\bplots?$|^plots?\b|\btomt(?:mark)?\b(?! ?(?:areal|storlek|"
        r"yta))|\bfritidstomt|"
        r"boligtomt|byggegrund|helårsgrund|fritidsgrund|terrain (?:à|constructible|de|en)|^terrain\b|^terreno\b|"
        r"terreno (?:edificabile|en|urbano|rústico|à|a la|"
        r"agricolo|residencial)|^solar\b|^parcela\b|\blote\b|bouwgrond|bouwkavel|\bkavel\b|\bpozem\w+|"
        r"\bstavebn\w+ pozem|"
        r"\btelek\b|építési telek|\barsa\b|οικόπεδο|土地|売地|宅地|^sites?\b|\bsites?$|\bteren\b|\btontti\b|대지|토지",
    ),
    (
        "Multi Family",
        r"multi.?family|mehrfamilien|wohn- und geschäfts|miethaus|zinshaus|apartment building|block of flats|"
        r"renditeobjekt|"
        r"anlageobjekt|\bfourplex|\btriplex|\bquadruplex|immeuble de rapport|immeuble de rendement|edificio (?:en|"
        r"residencial)|"
        r"palazzo intero|flerfamilj|hyreshus|kamienica|činžovní|appartementsgebouw|opbrengsteigendom|一棟",
    ),
    (
        "Duplex",
        r"\bduplex\b(?! apartment)|two.?family|2.?family|zweifamilienhaus|tvåfamilj|tomannsbolig|tofamiliehus|"
        r"bifamiliare|二世帯",
    ),
    (
        "Warehouse",
        r"warehouse|lagerhalle|\bmagazyn|\bentrepôt|\bnave industrial|capannone|bedrijfshal|\blager\b|倉庫|\bhalle\b",
    ),
    ("Industrial", r"industrial|produktionshalle|industriel|industrieel"),
    (
        "Office",
        r"\boffices?\b|\bbüro|\bbiuro|\bkontor|\bbureaux?\b|\boficinas?\b|\bufficio|\bkantoor|\bescritório|"
        r"\bkancelář|\biroda\b|\bofis\b|事務所|办公|辦公",
    ),
    (
        "Retail",
        r"\bretail\b|\bshops?\b|\bladen\b|lokal użytkowy|\bbutik|local commercial|\blocal comercial|fonds de commerce|"
        r"negozio|winkelpand|handelspand|\bloja\b|店舗|商铺|店面",
    ),
    ("Manufactured Home", r"manufactured|mobile home|mobilheim|casa mobile|stacaravan"),
    (
        "Townhouse",
        r"town.?ho(?:use|me)|row.?house|\bterraced\b(?! (?:with|garden))|terrace (?:house|home|property)|"
        r"end[ -](?:of[ -])?terrace|mid[ -]terrace|^terrace$|reihen(?:end|mittel|"
        r"eck)?haus|szeregowiec|szeregow|"
        r"radhus|rækkehus|rekkehus|rivitalo|kedjehus|\bmews\b|maison (?:mitoyenne|de ville)|adosad|chalet adosado|"
        r"villetta a schiera|"
        r"casa a schiera|\bschiera\b|tussenwoning|hoekwoning|rijwoning|rijhuis|\bgesloten bebouwing|"
        r"maison 2 façades|geminada|em banda|"
        r"řadov\w+|sorház|μεζονέτα|テラスハウス|连排|聯排|透天|テラス",
    ),
    (
        "Semi Detached",
        r"semi.?detached|\bsemi-d\b|doppelhaus|bliźniak|parhus|paritalo|dobbelthus|halvpart|\bjumelée?\b|"
        r"villa mitoyenne|pareado|"
        r"2-onder-1-kap|twee-onder-een-kap|halfopen bebouwing|maison 3 façades|bifamiliare|geminad|dvojdom|ikerház",
    ),
    ("Condominium", r"\bcondo(?:minium)?s?\b|bostadsrätts?lägenhet|\bcopropriété\b$"),
    ("Stock Cooperative", r"\bco-?op\b|cooperative apartment|\bandelsbolig"),
    (
        "Apartment",
        r"apartment|\bapt\b(?!\.?\s*#?\s*(?:\d|[a-z]\b))|\bflats?\b|(?<!einlieger)wohnung|\bloft\b|penthouse|maisonette|mieszkan|mieszkań|"
        r"kawalerk|lägenhet|"
        r"leilighet|lejlighed|"
        r"\bstudio\b|appart?ement|\bpiso\b|\bapartamento|\bdepartamento\b|\bdepto\b|appartament|\bunit\b(?!\s*#?\s*(?:\d|[a-z]\b))|"
        r"bostadsrätt|\bhybel|kerrostalo|"
        r"\blakás|\bbyt\b|\bbytu\b|\bbyty\b|garsoni[eé]r|\bdaire\b|διαμέρισμα|γκαρσονιέρα|マンション|アパート|"
        r"公寓|大樓|大厦|住宅大樓|電梯大樓|华厦|"
        r"아파트|오피스텔|빌라|원룸|דירה|\b(?:mono|bi|tri|quadri|pluri|penta)locale\b|\bático\b|\bdúplex\b|"
        r"\bquitinete|\bkitnet|\bflat\b|"
        r"\bselveier(?:leilighet)?|\byksiö|\bkaksio|\bkolmio|\bstan\b|\bstanovanje|\bbhk\b|piano nobile|"
        r"\battico\b|\bgarçonnière|апартамент|квартир|гарсониера|\bstana?\b",
    ),
    (
        "Single Family Residence",
        r"single.?family|singlefamily|one.?family|1.?family|detached|bungalow|cottage|\bhouses?\b|\bfarmhouse|"
        r"\bcroft\b|\blodge\b|"
        r"\bhomes?\b|einfamilienhaus|\bhaus\b|fachwerkhaus|holzhaus|fertighaus|wohnhaus|ferienhaus|bauernhaus|resthof|"
        r"\bvilla\b|\bvillas\b|villetta|\bdomu?\b|wolnostojąc|landhaus|stadthaus|\bmaison\b|maison 4 façades|"
        r"pavillon|longère|\bmas\b|\bferme\b|"
        r"\bcasa\b|\bchalet\b|\bcasale\b|rustic[oi]\b|\bcascina|trullo|\bmoradia|\bquinta\b|\bsobrado|\bfinca\b|"
        r"\bmasía|cortijo|"
        r"\bhus\b|enebolig|småbruk|\bhytte\b|fritidshus|sommerhus|fritidsbolig|landejendom|omakotitalo|mökki|"
        r"\bwoonhuis|\bhuis\b|eengezinswoning|vrijstaand|\bwoning\b|landhuis|herenhuis|open bebouwing|\bfermette|"
        r"rodinn\w+ d[oů]m|\bd[oů]m\b|\bchalup|\bchata\b|\bdaču|rodinný dom|családi ház|\bház\b|kertes ház|"
        r"\bcasă\b|\bvilă\b|\bmüstakil|\bvilla\b|"
        r"μονοκατοικία|κατοικία|βίλα|一戸建|戸建|古民家|别墅|別墅|獨立屋|단독주택|주택|בית פרטי|"
        r"residential single|sfr\b|mansion|"
        r"\bkuć[ae]|\bhiš[ae]\b|\bmaja\b|къща|\bдом\b|\bбудинок",
    ),
)
_SUBTYPES = tuple((name, re.compile(words, re.IGNORECASE)) for name, words in _SUBTYPE_WORDS)
_COMMERCIAL = re.compile(
    r"commercial|gewerbe|warehouse|\boffice|industrial|retail|komercyjn|bedrijfs|commercieel|näringslokal|komerční",
    re.IGNORECASE,
)
_COMMERCIAL_SUBTYPES = frozenset({"Warehouse", "Industrial", "Office", "Retail"})

_STATUS_WORDS: tuple[tuple[str, str], ...] = (
    (
        "Pending",
        r"sold (?:stc|subject)|verkocht onder voorbehoud|onder voorbehoud|\bonder bod\b|sous (?:offre|compromis|"
        r"option|promesse)|"
        r"\breservad[oa]\b|\briservat[oa]\b|in trattativa|onder optie|\brezervov|zadatek|\bfoglalt\b|foglalóval|"
        r"\bvarattu\b|商談中|申込",
    ),
    (
        "Closed",
        r"^\W*sold\b|\bsold (?:on|for|by)\b|\brecently sold\b|^\W*verkauft|\bsprzedan[eya]\b|\bsåld\b|^\W*solgt\b|"
        r"^\W*vendue?s?\b|"
        r"^\W*vendid[oa]\b|^\W*vendut[oa]\b|^\W*verkocht\b|^\W*myyty\b|^\W*prodáno\b|^\W*predané\b|^\W*eladva\b|"
        r"^\W*satıldı\b|成約済|売約済|已售|"
        r"sale agreed and closed|^closed$|soldout|^let agreed|^\W*verhuurd\b|^\W*uthyrd\b|^\W*utleid\b|"
        r"^\W*udlejet\b|^\W*wynajęte",
    ),
    (
        "Pending",
        r"under (?:offer|contract)|sale agreed|\bsstc\b|subject to contract|\bpending\b|reserviert|"
        r"reserved|rezerwacj|zarezerwowan|\bcontingent\b|under_offer|\breservert\b|\breserveret\b|\bkaparo",
    ),
    ("Withdrawn", r"withdrawn|off.?market"),
    ("Expired", r"\bexpired\b"),
    ("Coming Soon", r"coming.?soon|kommande|binnenkort|kommer snart|próximamente|brevemente"),
    (
        "Active",
        r"\bactive\b|for.?sale|for.?rent|to.?let\b|\bto rent\b|instock|available|zu verkaufen|zum kauf|"
        r"\bkaufen\b|zu vermieten|zur miete|beschikbaar|disponible|disponibile|disponível|\btil salgs?\b|\btil leie|"
        r"\bmieten\b|na sprzedaż|do wynajęcia|\bsprzedaż|wynajem|till salu|uthyres|\bà (?:vendre|louer)\b|"
        r"\ben venta\b|\bin vendita\b|"
        r"\bte (?:koop|huur)\b|\bà venda\b|\bna prodej\b|\bprodej\b|\bpronájem\b|\bmyydään\b|\bvuokrattavana\b|"
        r"\beladó\b|\bkiadó\b|\bsatılık\b|"
        r"\bkiralık\b|πωλείται|ενοικιάζεται|売出中|販売中|募集中|出售|出租|en alquiler|in affitto|til leje",
    ),
)
_STATUSES = tuple((name, re.compile(words, re.IGNORECASE)) for name, words in _STATUS_WORDS)

_RENT = re.compile(
    r"for.?rent|\bto.?let\b|\bto rent\b|\brentals?\b|\blease\b|zu vermieten|zur miete|\bmieten\b|"
    r"mietwohnung|mietangebot|mietobjekt|\bmietet\b|"
    r"\bmiete\b|kaltmiete|warmmiete|nettomiete|wynaj|wynajęci|uthyres|hyresrätt|à louer|"
    r"\blocation\b(?! de vacances)|\bloyer\b|en alquiler|\balquiler\b|"
    r"en renta|en arriendo|in affitto|\baffitto\b|affittasi|te huur|\bhuren\b|\bhuur(?:prijs|woning|appartement)|"
    r"para (?:alugar|arrendar)|"
    r"\baluguel\b|\barrendamento\b|\btil leie\b|\btil leje\b|\butleie\b|\blejebolig|månedlig leje|\bmånedsleie|"
    r"vuokrattavana|\bvuokra-?asunto|"
    r"\bpronájem\b|\bpronájmu\b|\bprenájom|na prenájom|\bkiadó\b|bérleti|albérlet|\bkiralık\b|de închiriat|"
    r"\bînchiri|ενοικιάζεται|ενοικίαση|\bnajam\b|za najam|izdavanje|oddaja\b|под наем|аренд|оренд|сдается|"
    r"賃貸|賃料|家賃|出租|租屋|월세|전세|임대|להשכרה",
    re.IGNORECASE,
)
_SALE = re.compile(
    r"for.?sale|\bbuy\b|zu verkaufen|versteigerung\b|\bauction\b|\bsubasta\b|all.asta\b|aux enchères|zum kauf|"
    r"\bkaufen\b|kaufpreis|eigentumswohnung|sprzeda|till salu|"
    r"utgångspris|à vendre|\bvente\b|en venta|\bventa\b|in vendita|\bvendita\b|vendesi|te koop|\bkoop\b|koopprijs|"
    r"vraagprijs|à venda|\bvenda\b|"
    r"\btil salgs?\b|prisantydning|kontantpris|\bmyydään\b|\bmyytävänä|\bprodej\b|\bprodeje\b|na predaj|"
    r"\bpredaj\b|\beladó\b|\bsatılık\b|de vânzare|"
    r"\bvând\b|πωλείται|πώληση|na prodaju|\bprodaja\b|\bprodaje se\b|прода[вје]|продаж|продается|продам|売買|"
    r"購入|中古マンション|中古一戸建|中古戸建|新築一戸建|販売価格|売地|出售|二手房|買屋|売り出し|"
    r"매매|분양|למכירה|\bto sell\b|\bsell\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """RESO PropertyType (None where the words do not say) and PropertySubType."""

    type: str | None
    subtype: str | None


#: where a duplex is a flat on two floors, not a house of two flats
_DUPLEX_IS_FLAT = frozenset({"BE", "BR", "ES", "FR", "GB", "IE", "IT", "LU", "NL", "PT"})
_DUPLEX = re.compile(r"\bduplex\b", re.IGNORECASE)


def property_kind(text: str, country: str | None = None) -> Kind | None:
    """What `text` (a type label's value, a land-use description) says the property is in `country`."""
    kind = _kind(text)
    flat = kind is not None and kind.subtype == "Duplex" and country in _DUPLEX_IS_FLAT and _DUPLEX.search(text)
    return Kind(None, "Apartment") if flat else kind


@remembered(2_000, _LONGEST_KEPT)
def _kind(text: str) -> Kind | None:
    text = text.replace("_", " ")
    subtype = next((name for name, pattern in _SUBTYPES if pattern.search(text)), None)
    if subtype in _COMMERCIAL_SUBTYPES or (subtype is None and _COMMERCIAL.search(text)):
        return Kind("Commercial Sale", subtype)
    if subtype == "Unimproved Land":
        return Kind("Land", subtype)
    return Kind(None, subtype) if subtype else None


def standard_status(text: str) -> str | None:
    """RESO StandardStatus of the site's words."""
    text = text.replace("_", " ")
    return next((name for name, pattern in _STATUSES if pattern.search(text)), None)


@remembered(2_000, _LONGEST_KEPT)
def offer(text: str) -> str | None:
    """`rent` or `sale` where `text` says which of the two is offered; None where it says neither or both."""
    text = text.replace("_", " ")
    rent, sale = bool(_RENT.search(text)), bool(_SALE.search(text))
    return None if rent == sale else "rent" if rent else "sale"


_YES = frozenset({"yes", "y", "true", "1", "ja", "tak", "oui", "si", "sí", "has association"})
_NO = frozenset({"no", "n", "false", "0", "nein", "nie", "nej", "non", "none"})


def yes_no(text: str) -> bool | None:
    """True or False where `text` is a plain yes or no in one of our languages."""
    word = text.strip(" .:!").lower()
    return True if word in _YES else False if word in _NO else None
