"""French labels and JSON keys of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "prix|prix de vente|loyer|loyer mensuel|loyer mensuel cc|loyer cc|loyer charges comprises|"
        "prix demandé|prix fai|prix honoraires inclus|prix affiché|loyer de base|loyer net|"
        "loyer hors charges|loyer hc|montant du loyer|mise à prix|prix du bien|prix de vente demandé|"
        "prix de l'annonce|loyer demandé",
    ),
    (
        "_RentWarm:0.8",
        "loyer brut|loyer charges comprises total",
    ),
    (
        "_Ignore",
        "prix au m²|prix au m2|prix du m²|prix/m²|charges|honoraires|honoraires locataire|frais d'agence|"
        "dépôt de garantie|provision sur charges|prix hors honoraires|taxe foncière|charges de copropriété|"
        "charges annuelles|budget|mensualité|revenu cadastral|caution|garantie locative|étage|"
        "surface carrez du balcon|surface balcon|surface terrasse|surface cave|balcon|terrasse|cave|"
        "année de rénovation|dernière rénovation|ges|émissions|nombre de lots|taxe scolaire|"
        "taxes municipales|revenus bruts potentiels|place de parc|date de publication|disponibilité|"
        "disponible|quote-part des charges|nb de wc|nb wc|wc|toilettes|nombre de wc",
    ),
    (
        "ListingId",
        "référence|référence annonce|réf|réf.|référence du bien|référence de l'annonce|ref|numéro d'annonce|"
        "n° de référence|no de référence|n° annonce|no centris|numéro de référence|id annonce|code annonce|"
        "mandat n°|n° mandat|référence agence|référence objet|no inscription",
    ),
    (
        "PropertySubType",
        "type de bien|type d'habitation|type|type de logement|type de propriété|catégorie|nature du bien|"
        "genre de propriété|type d'objet|style de bâtiment",
    ),
    (
        "RoomsTotal",
        "pièces|pièce|pièce(s)|nombre de pièces|nb de pièces|nb pièces|nombre de pièce(s)|pièces principales",
    ),
    (
        "BedroomsTotal",
        "chambres|chambre|chambre(s)|nombre de chambres|nb de chambres|nb chambres|chambres à coucher|"
        "nombre de chambre(s)",
    ),
    (
        "BathroomsTotalInteger",
        "salles de bain|salle de bain|salles de bains|salle de bains|nombre de salles de bain|"
        "nombre de salles de bains|nb de salles de bains|salles d'eau|nombre de salles d'eau|"
        "nb salles de bain|salle(s) de bains|sdb",
    ),
    (
        "LivingArea",
        "surface habitable|surface|superficie|superficie habitable|surface loi carrez|surface carrez|"
        "surface de la maison|surface du bien|surface totale habitable|aire habitable|"
        "surface habitable approx.|m² habitables",
    ),
    (
        "LivingArea:0.6",
        "surface totale|surface utile|superficie nette|aire du bâtiment|surface utile brute",
    ),
    (
        "LotSizeArea",
        "surface du terrain|terrain|surface terrain|surface de la parcelle|superficie du terrain|parcelle|"
        "surface du lot|surface totale du terrain|taille du terrain|surface parcelle",
    ),
    (
        "YearBuilt",
        "année de construction|construction|construit en|année construction|date de construction|bâti en|"
        "année de construction du bâtiment",
    ),
    (
        "StoriesTotal",
        "nombre d'étages|nb d'étages|étages|nombre de niveaux|niveaux|nombre d'étages de l'immeuble|"
        "étages de l'immeuble|nb de niveaux",
    ),
    (
        "Heating",
        "chauffage|type de chauffage|mode de chauffage|énergie de chauffage|système de chauffage|mode d'énergie",
    ),
    (
        "Cooling",
        "climatisation|air conditionné",
    ),
    (
        "Roof",
        "toiture|couverture|toit|type de toiture|revêtement de la toiture",
    ),
    (
        "ConstructionMaterials",
        "murs|matériaux|type de construction|revêtement|parement",
    ),
    (
        "_Address",
        "adresse du bien|adresse|localisation|situation|lieu",
    ),
    (
        "City",
        "ville|commune|localité|municipalité",
    ),
    (
        "PostalCode",
        "code postal|npa|cp",
    ),
    (
        "StateOrProvince",
        "département|région|canton|province",
    ),
    (
        "Country:0.9",
        "pays",
    ),
    (
        "ListAgentFullName",
        "conseiller|votre conseiller|agent|votre agent|négociateur|votre contact|votre interlocuteur|contact|"
        "courtier|courtier immobilier|commercial|votre conseillère|conseillère|courtière|votre courtier|"
        "personne de contact",
    ),
    (
        "ListOfficeName",
        "agence|agence immobilière|nom de l'agence|annonceur|proposé par|régie|gérance|notaire|commercialisé par",
    ),
    (
        "MlsStatus",
        "statut|état de la vente|disponibilité du bien",
    ),
    (
        "PublicRemarks",
        "description|descriptif|description du bien",
    ),
    (
        "X_EnergyRating",
        "classe énergie|dpe|diagnostic de performance énergétique|peb|classe énergétique|étiquette énergie|"
        "cecb|performance énergétique",
    ),
    (
        "ParkingTotal",
        "places de parking|nombre de places de parking|stationnements|nb de parkings|stationnement total",
    ),
    (
        "AssociationFee",
        "frais de copropriété|charges de copropriété mensuelles",
    ),
    (
        "TaxAssessedValue",
        "évaluation municipale totale",
    ),
)
