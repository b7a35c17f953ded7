# ruff: noqa: E501 (a field's words are easier to read on one line)
"""Words that stand behind a number in running text, and before a year: `3 chambres`, `2 baños`, `built in 1896`.

What means the same in every language that uses the word is for all pages; the rest is by language (ISO 639-1).
"""

from __future__ import annotations

from collections.abc import Mapping

BEDROOMS = (
    r"beds?\b|bedrooms?\b|bd\b|bdrms?\b|br\b(?!\.)|schlafzimmer|sypialni\w*|sovrum|chambres?\b|slaapkamers?|dormitorios?\b|rec[áa]maras?\b|"
    r"dormitórios?\b|quartos?\b|camere da letto|camera da letto|soverom\b|soveværelser?|makuuhuone\w*|ložnic\w*|spáln[ei]\b|hálószob\w*|"
    r"dormitoare\b|υπνοδωμάτι\w+|yatak odası|寝室|חדרי שינה"
)
BATHROOMS = (
    r"(?:full )?(?:baths?\b|bathrooms?\b|ba\b)|badezimmer|bäder|łazien\w+|badrum|salles? de bains?|salles? d['’]eau|baños?\b|banheiros?\b|casas? de banho|"
    r"bagn[oi]\b|badkamers?\b|baderom\b|badeværelser?\b|kylpyhuone\w*|koupeln\w+|kúpeľ\w+|fürdőszob\w*|băi\b|μπάνι\w+|banyo\b|浴室"
)
ROOMS = (
    r"zimmer\b|zi\.|zkb\b|raum\b|pok(?:oje|oi|ój|\.)?\b|pokoj\w+|rum\b|rok\b|pièces?\b|locali\b|kamers?\b|ambientes?\b|assoalhadas?\b|"
    r"værelser?\b|vær\.|roms?\b|-roms\b|izb[yov]*\b|szob[aá]s?\b|δωμάτια|vani\b|комн(?:\.|ат\w*)|кімн(?:\.|ат\w*)"
)
#: words that another language uses for something else
BY_LANGUAGE: Mapping[str, tuple[tuple[str, str], ...]] = {
    "es": (("BedroomsTotal", r"habitaci(?:ón|ones)\b|habs?\b\.?|alcobas?\b|dorms?\."), ("RoomsTotal", r"amb\.")),
    "it": (("BedroomsTotal", r"camere\b"),),
    "ro": (("RoomsTotal", r"camer[eă]\b"),),
    "no": (("BathroomsTotalInteger", r"bad\b"),),
    "nb": (("BathroomsTotalInteger", r"bad\b"),),
    "en": (("BedroomsTotal", r"bhk\b"),),
}
#: directly before the year
BUILT = (
    r"(?<!re)built(?: in| around| about| circa| c\.)?:?|constructed(?: in)?|completed in|circa|dating from|dates (?:back )?to|baujahr:?(?: ca\.)?|erbaut(?: im jahre?)?|errichtet|stammt aus(?: dem jahre?)?|"
    r"byggår:?|byggt|construite? en|construction|immeuble (?:de|des années)|bâtiment de|datant de|copropriété de|résidence de|construid[oa] en|edificio de|año|"
    r"construíd[oa] em|edifício de|prédio de|ano|costruit[oa] nel|edificio del|palazzo del|palazzina del|casa del|anno|gebouwd in|bouwjaar:?|uit|"
    r"oppført(?: i)?|bygget(?: i)?|byggeår:?|opført(?: i)?|fra|rakennettu|valmistunut|postaven\w*(?: v(?: roce)?)?|z roku|wybudowan\w+ w(?: roku)?|"
    r"rok budowy:?|z roku|épült|építve|built-up|construit în|κατασκευή:?|κατασκευασμένο(?: το)?|yapım yılı"
)
#: areas of plots: the word before or behind the number
PLOT_AFTER = (
    r"lots?|plots?|block|land|site|grundstück\w*|grund\b|działk\w*|tomt\w*|terreno|terrain|de terrain|perceel|parcela|de parcela|de terreno|"
    r"pozem\w+|telek\w*|teren\b|οικόπεδο|grond\b|di terreno|giardino"
)
PLOT_BEFORE = (
    r"plot of|(?:standing|set|stands|sits) (?:in|on) (?:about|approx\w*|around|circa)?|site of|grounds of|gardens? of|land:?|lot:?|terrain(?: de)?|"
    r"grundstück(?:sfläche|sgröße)?(?: von| ca\.?| rd\.?)*|parcelle de|parcela de|terreno de|terreno di|perceel van|tomt på|grund på|działk\w+ o pow\w*|acres?"
)
LIVING_BEFORE = (
    r"(?:gross |net )?internal (?:floor )?area|floor area|living (?:area|space)|wohnfläche(?: von| ca\.?| rd\.?)*|surface habitable|"
    r"superficie (?:construida|habitable|abitabile|útil)|bewoonbare oppervlakte|woonoppervlakte|boarea|boligareal|bruksareal|área útil"
)
