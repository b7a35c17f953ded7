# ruff: noqa: E501 (a country's regions are easier to read on one line)
"""First-level regions by country, as addresses write them: full names in the languages of the country, and codes.

Only tells a region from a town; what is stored is what the page writes. US states are in `places.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

#: ISO 3166-1 alpha-2: names, parted by bars, as they are written in addresses
_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "GB": (
            "bedfordshire|berkshire|buckinghamshire|cambridgeshire|cheshire|cornwall|cumbria|derbyshire|devon|dorset|durham|"
            "county durham|east sussex|essex|gloucestershire|greater london|greater manchester|hampshire|herefordshire|hertfordshire|"
            "isle of wight|kent|lancashire|leicestershire|lincolnshire|merseyside|middlesex|norfolk|north yorkshire|northamptonshire|"
            "northumberland|nottinghamshire|oxfordshire|rutland|shropshire|somerset|south yorkshire|staffordshire|suffolk|surrey|"
            "tyne and wear|warwickshire|west midlands|west sussex|west yorkshire|wiltshire|worcestershire|east yorkshire|"
            "east riding of yorkshire|anglesey|isle of anglesey|blaenau gwent|carmarthenshire|ceredigion|clwyd|conwy|denbighshire|dyfed|"
            "flintshire|glamorgan|vale of glamorgan|gwent|gwynedd|merthyr tydfil|monmouthshire|pembrokeshire|powys|rhondda cynon taf|"
            "wrexham|aberdeenshire|angus|argyll|argyll and bute|ayrshire|east ayrshire|north ayrshire|south ayrshire|banffshire|berwickshire|"
            "caithness|clackmannanshire|dumfriesshire|dumfries and galloway|dunbartonshire|east lothian|fife|highland|inverness-shire|"
            "kincardineshire|kinross-shire|kirkcudbrightshire|lanarkshire|north lanarkshire|south lanarkshire|midlothian|moray|morayshire|"
            "orkney|peeblesshire|perthshire|perth and kinross|renfrewshire|ross-shire|roxburghshire|scottish borders|selkirkshire|shetland|"
            "stirlingshire|sutherland|west lothian|wigtownshire|antrim|armagh|down|fermanagh|londonderry|tyrone"
        ),
        "IE": (
            "antrim|armagh|carlow|cavan|clare|cork|derry|donegal|down|dublin|fermanagh|galway|kerry|kildare|kilkenny|laois|leitrim|limerick|"
            "longford|louth|mayo|meath|monaghan|offaly|roscommon|sligo|tipperary|tyrone|waterford|westmeath|wexford|wicklow"
        ),
        "CA": (
            "ab|bc|mb|nb|nl|ns|nt|nu|on|pe|qc|sk|yt|alberta|british columbia|manitoba|new brunswick|newfoundland and labrador|"
            "newfoundland|nova scotia|northwest territories|nunavut|ontario|prince edward island|quebec|québec|saskatchewan|yukon|"
            "nouveau-brunswick|nouvelle-écosse|colombie-britannique|terre-neuve-et-labrador|île-du-prince-édouard"
        ),
        "AU": (
            "nsw|vic|qld|wa|sa|tas|act|nt|new south wales|victoria|queensland|western australia|south australia|tasmania|"
            "australian capital territory|northern territory"
        ),
        "NZ": (
            "northland|auckland|waikato|bay of plenty|gisborne|hawke's bay|hawkes bay|hawke’s bay|taranaki|manawatu-whanganui|manawatu|"
            "manawatu / whanganui|wellington|tasman|nelson|nelson & bays|marlborough|west coast|canterbury|otago|southland|coromandel|"
            "central otago / lakes district|wairarapa"
        ),
        "ZA": "eastern cape|free state|gauteng|kwazulu-natal|kwazulu natal|kzn|limpopo|mpumalanga|north west|northern cape|western cape",
        "IN": (
            "andhra pradesh|arunachal pradesh|assam|bihar|chhattisgarh|goa|gujarat|haryana|himachal pradesh|jharkhand|karnataka|kerala|"
            "madhya pradesh|maharashtra|manipur|meghalaya|mizoram|nagaland|odisha|punjab|rajasthan|sikkim|tamil nadu|telangana|tripura|"
            "uttar pradesh|uttarakhand|west bengal|delhi ncr|jammu and kashmir|ladakh|puducherry|chandigarh"
        ),
        "DE": (
            "baden-württemberg|bayern|berlin|brandenburg|bremen|hamburg|hessen|mecklenburg-vorpommern|niedersachsen|nordrhein-westfalen|"
            "nrw|rheinland-pfalz|saarland|sachsen|sachsen-anhalt|schleswig-holstein|thüringen|bavaria|hesse|lower saxony|saxony|thuringia|"
            "north rhine-westphalia|rhineland-palatinate"
        ),
        "AT": "burgenland|kärnten|niederösterreich|oberösterreich|salzburg|steiermark|tirol|vorarlberg|wien|carinthia|styria|tyrol|lower austria|upper austria",
        "CH": (
            "ag|ai|ar|be|bl|bs|fr|ge|gl|gr|ju|lu|ne|nw|ow|sg|sh|so|sz|tg|ti|ur|vd|vs|zg|zh|aargau|argovie|appenzell|appenzell ausserrhoden|"
            "appenzell innerrhoden|bern|berne|basel-landschaft|basel-stadt|bâle-ville|bâle-campagne|freiburg|fribourg|genf|genève|ginevra|"
            "glarus|graubünden|grisons|grigioni|jura|luzern|lucerne|neuenburg|neuchâtel|nidwalden|obwalden|st. gallen|saint-gall|"
            "schaffhausen|solothurn|soleure|schwyz|thurgau|thurgovie|tessin|ticino|uri|waadt|vaud|wallis|valais|vallese|zug|zoug|zürich|zurich|zurigo"
        ),
        "FR": (
            "auvergne-rhône-alpes|bourgogne-franche-comté|bretagne|centre-val de loire|corse|grand est|hauts-de-france|île-de-france|"
            "ile-de-france|normandie|nouvelle-aquitaine|occitanie|pays de la loire|provence-alpes-côte d'azur|provence-alpes-côte-d'azur|"
            "ain|aisne|allier|alpes-de-haute-provence|hautes-alpes|alpes-maritimes|ardèche|ardennes|ariège|aube|aude|aveyron|"
            "bouches-du-rhône|calvados|cantal|charente|charente-maritime|cher|corrèze|côte-d'or|côtes-d'armor|creuse|dordogne|doubs|drôme|"
            "eure|eure-et-loir|finistère|gard|haute-garonne|gers|gironde|hérault|ille-et-vilaine|indre|indre-et-loire|isère|jura|landes|"
            "loir-et-cher|loire|haute-loire|loire-atlantique|loiret|lot|lot-et-garonne|lozère|maine-et-loire|manche|marne|haute-marne|mayenne|"
            "meurthe-et-moselle|meuse|morbihan|moselle|nièvre|nord|oise|orne|pas-de-calais|puy-de-dôme|pyrénées-atlantiques|hautes-pyrénées|"
            "pyrénées-orientales|bas-rhin|haut-rhin|rhône|haute-saône|saône-et-loire|sarthe|savoie|haute-savoie|seine-maritime|"
            "seine-et-marne|yvelines|deux-sèvres|somme|tarn|tarn-et-garonne|var|vaucluse|vendée|vienne|haute-vienne|vosges|yonne|essonne|"
            "hauts-de-seine|seine-saint-denis|val-de-marne|val-d'oise"
        ),
        "ES": (
            "andalucía|aragón|asturias|cantabria|castilla-la mancha|castilla y león|cataluña|catalunya|comunidad valenciana|extremadura|"
            "galicia|la rioja|navarra|país vasco|euskadi|islas baleares|illes balears|canarias|a coruña|álava|albacete|alicante|almería|ávila|badajoz|"
            "barcelona|bizkaia|vizcaya|burgos|cáceres|cádiz|castellón|ciudad real|córdoba|cuenca|gipuzkoa|guipúzcoa|girona|gerona|granada|"
            "guadalajara|huelva|huesca|jaén|las palmas|león|lleida|lugo|madrid|málaga|murcia|ourense|palencia|pontevedra|salamanca|"
            "santa cruz de tenerife|segovia|sevilla|soria|tarragona|teruel|toledo|valencia|valladolid|zamora|zaragoza"
        ),
        "PT": (
            "aveiro|beja|braga|bragança|castelo branco|coimbra|évora|faro|guarda|leiria|lisboa|portalegre|porto|santarém|setúbal|"
            "viana do castelo|vila real|viseu|ilha da madeira|madeira|açores|algarve|alentejo"
        ),
        "BR": (
            "ac|al|ap|am|ba|ce|df|es|go|ma|mt|ms|mg|pa|pb|pr|pe|pi|rj|rn|rs|ro|rr|sc|sp|se|to|acre|alagoas|amazonas|bahia|ceará|"
            "distrito federal|espírito santo|goiás|maranhão|mato grosso|mato grosso do sul|minas gerais|pará|paraíba|paraná|pernambuco|"
            "piauí|rio de janeiro|rio grande do norte|rio grande do sul|rondônia|santa catarina|são paulo|sergipe|tocantins"
        ),
        "IT": (
            "abruzzo|basilicata|calabria|campania|emilia-romagna|emilia romagna|friuli-venezia giulia|lazio|liguria|lombardia|marche|molise|"
            "piemonte|puglia|sardegna|sicilia|toscana|trentino-alto adige|umbria|valle d'aosta|veneto"
        ),
        "NL": (
            "drenthe|flevoland|friesland|fryslân|gelderland|groningen|limburg|noord-brabant|noord-holland|overijssel|utrecht|zeeland|zuid-holland"
        ),
        "BE": (
            "antwerpen|anvers|henegouwen|hainaut|limburg|liège|luik|luxembourg|luxemburg|namur|namen|oost-vlaanderen|vlaams-brabant|"
            "brabant wallon|waals-brabant|west-vlaanderen|flandre occidentale|flandre orientale|brabant flamand"
        ),
        "SE": (
            "blekinge län|dalarnas län|gotlands län|gävleborgs län|hallands län|jämtlands län|jönköpings län|kalmar län|kronobergs län|"
            "norrbottens län|skåne län|skåne|stockholms län|södermanlands län|uppsala län|värmlands län|västerbottens län|västernorrlands län|"
            "västmanlands län|västra götalands län|örebro län|östergötlands län"
        ),
        "NO": "agder|akershus|buskerud|finnmark|innlandet|møre og romsdal|nordland|rogaland|telemark|troms|trøndelag|vestfold|vestland|østfold|viken|hordaland|oppland",
        "DK": "hovedstaden|midtjylland|nordjylland|sjælland|syddanmark|region hovedstaden|region midtjylland|region nordjylland|region sjælland|region syddanmark",
        "FI": (
            "uusimaa|varsinais-suomi|satakunta|kanta-häme|pirkanmaa|päijät-häme|kymenlaakso|etelä-karjala|etelä-savo|pohjois-savo|"
            "pohjois-karjala|keski-suomi|etelä-pohjanmaa|pohjanmaa|keski-pohjanmaa|pohjois-pohjanmaa|kainuu|lappi|ahvenanmaa"
        ),
        "PL": (
            "dolnośląskie|kujawsko-pomorskie|lubelskie|lubuskie|łódzkie|małopolskie|mazowieckie|opolskie|podkarpackie|podlaskie|pomorskie|"
            "śląskie|świętokrzyskie|warmińsko-mazurskie|wielkopolskie|zachodniopomorskie"
        ),
        "CZ": (
            "středočeský kraj|jihočeský kraj|plzeňský kraj|karlovarský kraj|ústecký kraj|liberecký kraj|královéhradecký kraj|"
            "pardubický kraj|kraj vysočina|vysočina|jihomoravský kraj|olomoucký kraj|zlínský kraj|moravskoslezský kraj|hlavní město praha"
        ),
        "SK": (
            "bratislavský kraj|trnavský kraj|trenčiansky kraj|nitriansky kraj|žilinský kraj|banskobystrický kraj|prešovský kraj|košický kraj"
        ),
        "HU": (
            "bács-kiskun|baranya|békés|borsod-abaúj-zemplén|csongrád-csanád|fejér|győr-moson-sopron|hajdú-bihar|heves|jász-nagykun-szolnok|"
            "komárom-esztergom|nógrád|pest|somogy|szabolcs-szatmár-bereg|tolna|vas|veszprém|zala"
        ),
        "MX": (
            "aguascalientes|baja california|baja california sur|campeche|chiapas|chihuahua|ciudad de méxico|cdmx|coahuila|colima|durango|"
            "estado de méxico|edo. de méxico|edo. méx.|guanajuato|guerrero|hidalgo|jalisco|michoacán|morelos|nayarit|nuevo león|oaxaca|puebla|"
            "querétaro|quintana roo|san luis potosí|sinaloa|sonora|tabasco|tamaulipas|tlaxcala|veracruz|yucatán|zacatecas"
        ),
        "AR": (
            "buenos aires|capital federal|caba|catamarca|chaco|chubut|córdoba|corrientes|entre ríos|formosa|jujuy|la pampa|la rioja|mendoza|"
            "misiones|neuquén|río negro|salta|san juan|san luis|santa cruz|santa fe|santiago del estero|tierra del fuego|tucumán"
        ),
        "TR": (
            "adana|adıyaman|afyonkarahisar|ağrı|aksaray|amasya|ankara|antalya|ardahan|artvin|aydın|balıkesir|bartın|batman|bayburt|"
            "bilecik|bingöl|bitlis|bolu|burdur|bursa|çanakkale|çankırı|çorum|denizli|diyarbakır|düzce|edirne|elazığ|erzincan|erzurum|"
            "eskişehir|gaziantep|giresun|gümüşhane|hakkari|hatay|iğdır|isparta|istanbul|izmir|kahramanmaraş|karabük|karaman|kars|"
            "kastamonu|kayseri|kilis|kırıkkale|kırklareli|kırşehir|kocaeli|konya|kütahya|malatya|manisa|mardin|mersin|muğla|muş|nevşehir|"
            "niğde|ordu|osmaniye|rize|sakarya|samsun|şanlıurfa|siirt|sinop|sivas|şırnak|tekirdağ|tokat|trabzon|tunceli|uşak|van|yalova|"
            "yozgat|zonguldak"
        ),
        "GR": (
            "αττική|αργολίδα|αρκαδία|αχαΐα|βοιωτία|γρεβενά|δράμα|δωδεκάνησα|έβρος|εύβοια|ευρυτανία|ζάκυνθος|ηλεία|ημαθία|ηράκλειο|"
            "θεσπρωτία|θεσσαλονίκη|ιωάννινα|καβάλα|καρδίτσα|καστοριά|κέρκυρα|κεφαλληνία|κιλκίς|κοζάνη|κορινθία|κυκλάδες|λακωνία|λάρισα|"
            "λασίθι|λέσβος|λευκάδα|μαγνησία|μεσσηνία|ξάνθη|πέλλα|πιερία|πρέβεζα|ρέθυμνο|ροδόπη|σάμος|σέρρες|τρίκαλα|φθιώτιδα|φλώρινα|"
            "φωκίδα|χαλκιδική|χανιά|χίος|κρήτη"
        ),
        "RO": (
            "alba|arad|argeș|bacău|bihor|bistrița-năsăud|botoșani|brăila|brașov|buzău|călărași|caraș-severin|cluj|constanța|covasna|"
            "dâmbovița|dolj|galați|giurgiu|gorj|harghita|hunedoara|ialomița|iași|ilfov|maramureș|mehedinți|mureș|neamț|olt|prahova|sălaj|"
            "satu mare|sibiu|suceava|teleorman|timiș|tulcea|vâlcea|vaslui|vrancea"
        ),
        "HR": (
            "zagrebačka|krapinsko-zagorska|sisačko-moslavačka|karlovačka|varaždinska|koprivničko-križevačka|bjelovarsko-bilogorska|"
            "primorsko-goranska|ličko-senjska|virovitičko-podravska|požeško-slavonska|brodsko-posavska|zadarska|osječko-baranjska|"
            "šibensko-kninska|vukovarsko-srijemska|splitsko-dalmatinska|istarska|dubrovačko-neretvanska|međimurska|grad zagreb"
        ),
        "BG": (
            "благоевград|бургас|варна|велико търново|видин|враца|габрово|добрич|кърджали|кюстендил|ловеч|монтана|пазарджик|перник|плевен|"
            "пловдив|разград|русе|силистра|сливен|смолян|софия|стара загора|търговище|хасково|шумен|ямбол"
        ),
        "TW": (
            "台北市|臺北市|新北市|桃園市|台中市|臺中市|台南市|臺南市|高雄市|基隆市|新竹市|嘉義市|新竹縣|苗栗縣|彰化縣|南投縣|雲林縣|嘉義縣|屏東縣|宜蘭縣|花蓮縣|"
            "台東縣|臺東縣|澎湖縣|金門縣|連江縣"
        ),
        "KR": (
            "서울특별시|서울시|서울|부산광역시|부산|대구광역시|대구|인천광역시|인천|광주광역시|광주|대전광역시|대전|울산광역시|울산|세종특별자치시|경기도|경기|"
            "강원특별자치도|강원도|충청북도|충청남도|전라북도|전북특별자치도|전라남도|경상북도|경상남도|제주특별자치도|제주도"
        ),
        "JP": (
            "北海道|青森県|岩手県|宮城県|秋田県|山形県|福島県|茨城県|栃木県|群馬県|埼玉県|千葉県|東京都|神奈川県|新潟県|富山県|石川県|福井県|山梨県|長野県|岐阜県|静岡県|愛知県|三重県|滋賀県|"
            "京都府|大阪府|兵庫県|奈良県|和歌山県|鳥取県|島根県|岡山県|広島県|山口県|徳島県|香川県|愛媛県|高知県|福岡県|佐賀県|長崎県|熊本県|大分県|宮崎県|鹿児島県|沖縄県"
        ),
    }
)  # fmt: skip
#: what may stand before a region's name
_PREFIX = re.compile(
    r"^(?:co\.?|county|woj\.?|województwo|kanton|canton|provincia(?: di| de)?|province(?: de)?|provincie|prov\.?|departamento|"
    r"département|distrito de|estado de(?! m)|județul|jud\.|νομός|ν\.|област|обл\.|bundesland|region|región)\s+",
    re.IGNORECASE,
)
_SUFFIX = re.compile(r"\s+(?:kanton|vármegye|megye|province|state|county|\(provincia\))$", re.IGNORECASE)


@cache
def _of(country: str) -> frozenset[str]:
    return frozenset(_NAMES.get(country, "").split("|")) - {""}


def is_region(text: str, country: str | None) -> bool:
    """True where `text`, a prefix such as `Co.` or `woj.` apart, is a region of `country`."""
    return bool(text) and _bare(text) in _of(country or "")


def _bare(text: str) -> str:
    word = " ".join(text.split()).strip(" ,.()").casefold()
    return _SUFFIX.sub("", _PREFIX.sub("", word)) if word not in _ALL else word


_ALL: frozenset[str] = frozenset(name for names in _NAMES.values() for name in names.split("|"))


def is_named(text: str, country: str | None) -> bool:
    """True for a region that says of itself that it is one: `Co. Kildare`, `woj. mazowieckie`, `Hallands län`."""
    word = " ".join(text.split()).strip(" ,.()").casefold()
    named = _PREFIX.match(word) is not None or _SUFFIX.search(word) is not None or word.endswith((" län", " kraj"))
    return named and is_region(text, country)


def leading(text: str, country: str | None) -> str | None:
    """The region that opens `text` without a space behind it, as addresses in Japan, Taiwan and Korea write it."""
    if country not in ("JP", "TW", "KR"):
        return None
    return max((name for name in _of(country) if text.startswith(name)), key=len, default=None)
