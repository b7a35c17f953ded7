"""Italian labels and JSON keys of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "prezzo|prezzo di vendita|canone|canone mensile|affitto|prezzo richiesto|prezzo base|base d'asta|"
        "prezzo base d'asta|affitto mensile|pigione|prezzo dell'immobile|richiesta|canone di locazione|"
        "pigione mensile|offerta minima|pigione netta",
    ),
    (
        "_RentWarm:0.8",
        "pigione lorda",
    ),
    (
        "_Ignore",
        "prezzo al m²|prezzo/m²|prezzo al mq|spese condominio|spese condominiali|cauzione|"
        "deposito cauzionale|piano|rata mutuo|mutuo|rialzo minimo|spese accessorie|provvigione|"
        "ultima ristrutturazione|anno di ristrutturazione|balcone|terrazzo|cantina|disponibilità|"
        "data annuncio|data di asta|indice di prestazione energetica|spese|offerta minima in aumento|"
        "valore di perizia|acconto spese",
    ),
    (
        "ListingId",
        "riferimento|rif|rif.|codice annuncio|codice|riferimento annuncio|id annuncio|codice immobile|"
        "riferimento e data annuncio|numero di riferimento|lotto n.|codice asta|no. riferimento",
    ),
    (
        "PropertySubType",
        "tipologia|tipo immobile|tipo di immobile|tipo|categoria|tipologia immobile|tipo di proprietà|tipo di oggetto",
    ),
    (
        "RoomsTotal",
        "locali|numero locali|numero di locali|vani|n. locali|stanze|n° locali|camere totali|numero vani",
    ),
    (
        "BedroomsTotal",
        "camere da letto|camere|numero camere|numero di camere da letto|camera da letto|n. camere",
    ),
    (
        "BathroomsTotalInteger",
        "bagni|bagno|numero bagni|numero di bagni|n. bagni|servizi|servizi igienici",
    ),
    (
        "LivingArea",
        "superficie|superficie commerciale|superficie abitabile|superficie interna|superficie utile|"
        "metri quadri|mq|superficie calpestabile|superficie netta|superficie coperta",
    ),
    (
        "LivingArea:0.6",
        "superficie lorda|superficie totale|metratura|dimensione",
    ),
    (
        "LotSizeArea",
        "superficie terreno|terreno|superficie del terreno|superficie fondo|superficie lotto|"
        "superficie fondiaria|terreno di proprietà|giardino di proprietà|superficie del lotto|"
        "superficie parcella",
    ),
    (
        "YearBuilt",
        "anno di costruzione|costruito nel|anno costruzione|epoca di costruzione",
    ),
    (
        "StoriesTotal",
        "totale piani|totale piani edificio|numero piani|piani|piani edificio|numero di piani|"
        "piani dell'edificio|livelli|numero livelli",
    ),
    (
        "Heating",
        "riscaldamento|tipo di riscaldamento|impianto di riscaldamento",
    ),
    (
        "Cooling",
        "climatizzazione|climatizzatore|aria condizionata|raffrescamento",
    ),
    (
        "Roof",
        "tetto|copertura",
    ),
    (
        "_Address",
        "indirizzo|ubicazione|localizzazione|posizione|zona e indirizzo",
    ),
    (
        "City",
        "città|comune|località",
    ),
    (
        "StateOrProvince",
        "regione|provincia|cantone",
    ),
    (
        "PostalCode",
        "cap|codice postale",
    ),
    (
        "Country:0.9",
        "paese|nazione|stato",
    ),
    (
        "ListAgentFullName",
        "agente|consulente|contatto|referente|agente immobiliare|persona di contatto|il tuo agente",
    ),
    (
        "ListOfficeName",
        "agenzia|agenzia immobiliare|inserzionista|offerto da|società|studio immobiliare|proposto da",
    ),
    (
        "MlsStatus",
        "stato annuncio",
    ),
    (
        "PublicRemarks",
        "descrizione",
    ),
    (
        "X_EnergyRating",
        "classe energetica|prestazione energetica|efficienza energetica",
    ),
    (
        "ParkingTotal",
        "posti auto|numero posti auto|posteggi",
    ),
)
