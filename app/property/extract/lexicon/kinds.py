"""What pages say of themselves when they are no page on one property: walls, pages that are gone, lists; and assessors.

Each is a pattern over title, first heading and first lines, in the languages that we know.
"""

from __future__ import annotations

import re


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


BLOCKED = _any(
    r"access (?:to this page has been )?denied|pardon our interruption|are you (?:a )?(?:human|robot)",
    r"verify (?:that )?you(?:'re| are) (?:not )?a (?:human|robot)|confirm you are (?:a )?human|human verification",
    r"unusual traffic|checking (?:your browser|if the site)|just a moment|attention required|captcha|bot detection",
    r"request (?:blocked|unsuccessful)|you have been blocked|too many requests|rate limit exceeded|\b403 forbidden",
    r"enable (?:javascript and cookies|js and disable)|security check|press (?:&|and) hold",
    r"(?:log|sign)(?:ed)? in to (?:continue|view|see)|members only|member login|login required",
    r"incident id|reference #\d+\.[0-9a-f]+|_incapsula_resource|captcha-delivery",
    r"zugriff verweigert|kein roboter|anmelden,? um|odmowa dostępu|nie jesteś robotem|zaloguj się,? aby",
    r"accès refusé|avez été bloqué|pas un robot|acceso denegado|no (?:eres|soy) un robot|accesso negato",
    r"toegang geweigerd|acesso negado|åtkomst nekad|přístup odepřen|inte (?:är )?en robot|アクセスが拒否",
)
GONE = _any(
    r"no longer (?:available|listed|on the market|active)|has (?:been removed|expired)",
    r"(?:page|listing|property|parcel|record|home) (?:was |could )?not (?:be )?found",
    r"(?:can't|cannot|couldn't) find (?:that|this) page",
    r"no (?:such )?(?:parcel|property|listing|record) (?:was |is )?found|\b(?:error|http|status|code)\W{0,3}404\b",
    r"\b404\W{0,3}(?:error|not found|page|seite|strona|sidan)|(?:^|[-–—|:] ?)404 ?(?:$|[-–—|])",
    r"(?:listing|advert|ad|posting) (?:has|was) (?:been )?(?:deleted|removed|withdrawn|expired)",
    r"nicht mehr (?:verfügbar|online|vorhanden)|wurde (?:gelöscht|entfernt|deaktiviert)|seite nicht gefunden",
    r"ogłoszenie (?:jest |to )?(?:jest )?(?:nieaktualne|archiwalne|wygasło)|oferta (?:jest )?nieaktualna",
    r"nie znaleziono (?:strony|oferty|ogłoszenia)",
    r"är (?:inte längre|borttagen)|finns inte (?:längre|kvar)|ikke længere|ikke lenger|ei ole enää",
    r"n'est plus (?:disponible|en ligne)|annonce (?:expirée|supprimée|introuvable)|page introuvable",
    r"ya no (?:está disponible|existe)|anuncio no (?:disponible|encontrado)|página no encontrada",
    r"non è più disponibile|(?:annuncio|pagina) non trovat[oa]|já não está disponível|não (?:foi )?encontrad[oa]",
    r"niet meer beschikbaar|niet gevonden|již není (?:dostupn|v nabídce)|nebyl[ao]? nalezen",
    r"掲載(?:は|を)?終了|見つかりません",
)
#: of titles and headings: numbers of things, things in the plural that are offered, results
SEARCH = _any(
    r"\b\d[\d,. ]* (?:homes|properties|houses|apartments|listings|results|condos|rentals|real estate listings|"
    r"immobilien|(?:miet)?wohnungen|häuser|angebote|treffer|ogłosze[nń]|ofert|wyników|bostäder|träffar|boliger|annonces|"
    r"biens|anuncios|viviendas|inmuebles|annunci|immobili|woningen|huizen|imóveis|nabídek)\b",
    r"\b(?:homes|houses|apartments|properties|condos|real estate) for (?:sale|rent) in\b|search results",
    r"\bno results found",
    r"(?:wohnungen|häuser|immobilien|grundstücke) (?:mieten|kaufen|zu vermieten|zu verkaufen|zur miete)|suchergebnis",
    r"(?:mieszkania|domy|działki|nieruchomości) (?:na|do) (?:sprzedaż|wynajem|wynajęci)|wyniki wyszukiwania",
    r"(?:bostäder|lägenheter|villor|hus) till salu|sökresultat|boliger til salgs?|huse til salg",
    r"(?:maisons|appartements|biens|annonces) à (?:vendre|louer)|résultats de recherche",
    r"(?:pisos|casas|viviendas|apartamentos) (?:en|à) (?:venta|alquiler|venda)|resultados de (?:la )?búsqueda",
    r"(?:case|appartamenti|immobili) in (?:vendita|affitto)|(?:woningen|huizen|appartementen) te (?:koop|huur)",
)
RECORD = _any(
    r"property (?:record|report|appraiser|card|profile|search application)|assessor|parcel (?:report|summary|"
    r"information|details|viewer)|appraisal district|tax roll|property assessment|field card|real property",
    r"tax deed|clerk of (?:the )?(?:circuit )?court|\btreasurer\b|register of deeds|county recorder",
    r"real estate tax|tax bill|tax collector|permit (?:details|record|number|report|\w*\d{4,})|building permit",
)
#: keys under which a JSON answer lists what it found
RESULT_KEYS = frozenset(
    {"results", "items", "data", "listings", "properties", "features", "records", "parcels", "hits", "docs", "rows"}
    | {"content", "homes", "ads", "adverts", "entries", "value"}
)
