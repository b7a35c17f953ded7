"""German labels and JSON keys of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "kaufpreis|preis|angebotspreis|kaltmiete|nettokaltmiete|netto kaltmiete|miete|grundmiete|kaltmiete netto|"
        "mietpreis|verkaufspreis|monatliche kaltmiete|miete zzgl. nk|kaltmiete zzgl. nebenkosten|kaufpreis brutto|"
        "kaufpreis netto|nettomiete|netto miete|miete netto|mietzins|nettomietzins|mietzins netto|miete pro monat|"
        "monatsmiete|"
        "mindestgebot|verkehrswert|startpreis|verkaufspreis chf",
    ),
    (
        "_RentWarm:0.8",
        "warmmiete|gesamtmiete|gesamtmiete inkl. nebenkosten|miete inkl. nk|pauschalmiete|bruttowarmmiete|"
        "gesamtkosten|bruttomiete|miete brutto|bruttomietzins|mietzins brutto|miete inkl. nebenkosten",
    ),
    (
        "_Ignore",
        "nebenkosten|heizkosten|betriebskosten|kaution|provision|hausgeld|preis pro m²|preis/m²|quadratmeterpreis|"
        "kaufpreis/m²|verfügbar ab|stellplatzmiete|miete pro m²|letzte modernisierung|letzte sanierung|online seit|"
        "baujahr laut energieausweis|baujahr (gemäß energieausweis)|baujahr gemäß energieausweis|baujahr heizung|"
        "nutzfläche|gesamtfläche|balkonfläche|stellplatzpreis|käuferprovision",
    ),
    (
        "ListingId",
        "objekt nr|objektnummer|objekt id|objekt-id|immobilien id|anzeigennummer|anzeigen id|anbieter objekt nr|"
        "online id|"
        "referenznummer|scout id|immobiliennummer|referenz|obj nr|expose nr|exposé nr|objekt nr.|expose id|"
        "anzeigennr|immo nr|kennung|ad id|immobilie nr|anzeigen nr.|objektnr|objekt referenz|inserate id|"
        "inserat nr|inseratenummer|"
        "inseratnummer|obj nr.|objekt nummer|objektcode|immobilien nr|aktenzeichen",
    ),
    (
        "PropertySubType",
        "objekttypen|objektarten|wohnungstyp|objektart|immobilientyp|haustyp|objekttyp|immobilienart|"
        "art der immobilie|haus typ|kategorie|"
        "typ|objektkategorie|wohnungsart",
    ),
    (
        "RoomsTotal",
        "anz. zimmer|zimmer (inkl. küche)|zimmer|anzahl zimmer|zimmeranzahl|zimmerzahl|räume|anzahl der zimmer|"
        "zimmer gesamt",
    ),
    (
        "BedroomsTotal",
        "schlafzimmer|anzahl schlafzimmer|anzahl der schlafzimmer",
    ),
    (
        "BathroomsTotalInteger",
        "badezimmer|bäder|anzahl badezimmer|bad|anzahl bäder|anzahl der badezimmer",
    ),
    (
        "LivingArea",
        "wohnfläche|wohnfläche ca.|wohn fläche|wohnflaeche|wohnfl|wfl|wohnnutzfläche|nettowohnfläche|"
        "fläche wohnen|wohnfläche (ca.)",
    ),
    (
        "LivingArea:0.6",
        "fläche|gesamtwohnfläche|größe",
    ),
    (
        "LotSizeArea",
        "grundstücksfläche|grundstück|grundstück ca.|grundstücksgröße|grundfläche|grundst. fläche|grundstueck|"
        "grundstücksfl",
    ),
    (
        "YearBuilt",
        "baujahr|bau jahr|fertigstellung|baujahr gebäude|baujahr des gebäudes",
    ),
    (
        "StoriesTotal",
        "etagenzahl|anzahl etagen|etagen|geschosse|anzahl geschosse|geschossanzahl",
    ),
    (
        "Heating",
        "heizung|heizungsart|heizart|beheizung|heizungssystem",
    ),
    (
        "Roof",
        "dach|dacheindeckung|dachart",
    ),
    (
        "_Address",
        "adresse|anschrift|objektadresse|standort",
    ),
    (
        "UnparsedAddress",
        "straße|strasse|straße hausnummer|straße nr",
    ),
    (
        "City",
        "ort|stadt|gemeinde",
    ),
    (
        "PostalCode",
        "plz|postleitzahl",
    ),
    (
        "StateOrProvince",
        "bundesland|kanton",
    ),
    (
        "Country:0.9",
        "land",
    ),
    (
        "ListAgentFullName",
        "ansprechpartner|ansprechpartner/in|ansprechpartner in|ihr ansprechpartner|kontaktperson|"
        "ihre ansprechpartnerin|makler|ihr kontakt|ihre ansprechpartner|ansprechpartnerin|ihr berater|kontaktdaten",
    ),
    (
        "ListOfficeName",
        "anbieter|firma|immobilienbüro|maklerbüro|vermieter firma|unternehmen",
    ),
    (
        "MlsStatus",
        "objektstatus|vermarktungsstatus",
    ),
    (
        "PublicRemarks",
        "beschreibung|objektbeschreibung|objektbeschreibungen",
    ),
    (
        "X_EnergyRating",
        "energieeffizienzklasse|energieklasse|effizienzklasse",
    ),
    (
        "ParkingTotal",
        "stellplätze|anzahl stellplätze|garage/stellplatz anzahl",
    ),
)
