"""Portuguese labels and JSON keys of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "preço|preço de venda|valor|valor de venda|aluguel|arrendamento|renda|valor do aluguel|"
        "preço de venda do imóvel|renda mensal|valor do imóvel|venda|preço pedido|valor de locação",
    ),
    (
        "_Ignore",
        "preço por m²|preço/m²|preço m²|valor do m²|iptu|imi|caução|entrada|"
        "comissão|quartos de hóspedes|andar|piso|suítes|suites|vagas de visitante|área comum|"
        "ano de remodelação|ano de renovação|seguro incêndio|data de publicação|prestação",
    ),
    (
        "AssociationFee",
        "condomínio|valor do condomínio|taxa de condomínio|condomínio mensal",
    ),
    (
        "ListingId",
        "referência|código|código do imóvel|código do anúncio|ref|ref.|refª|id|id do anúncio|nº de referência|cód.|cód",
    ),
    (
        "PropertySubType",
        "tipo de imóvel|tipo|natureza|categoria|tipo do imóvel|subtipo|tipo de propriedade",
    ),
    (
        "_Typology",
        "tipologia",
    ),
    (
        "RoomsTotal",
        "cômodos|número de divisões|divisões|assoalhadas|n.º de divisões",
    ),
    (
        "BedroomsTotal",
        "quartos|dormitórios|número de quartos|nº de quartos|quarto|dorms|n.º de quartos",
    ),
    (
        "BathroomsTotalInteger",
        "banheiros|casas de banho|casa de banho|wc|wcs|número de casas de banho|banheiro|número de banheiros|"
        "n.º de casas de banho|nº de wc",
    ),
    (
        "LivingArea",
        "área útil|área privativa|área construída|área|área habitável|área útil (m²)|área interna|"
        "área de construção|metragem|área do imóvel",
    ),
    (
        "LivingArea:0.6",
        "área bruta|área total|área bruta privativa|área bruta de construção|área total construída",
    ),
    (
        "LotSizeArea",
        "área do terreno|terreno|área de terreno|área do lote|lote|área total do terreno|área total do lote",
    ),
    (
        "YearBuilt",
        "ano de construção|construído em|ano|ano construção",
    ),
    (
        "StoriesTotal",
        "número de pisos|pisos|andares|número de andares|nº de pisos|total de andares|pavimentos|andares do prédio",
    ),
    (
        "Heating",
        "aquecimento|sistema de aquecimento",
    ),
    (
        "Cooling",
        "ar condicionado|climatização",
    ),
    (
        "Roof",
        "telhado|cobertura",
    ),
    (
        "_Address",
        "morada|endereço|localização|localidade e freguesia",
    ),
    (
        "City",
        "cidade|concelho|município|localidade",
    ),
    (
        "StateOrProvince",
        "distrito|estado|uf",
    ),
    (
        "PostalCode",
        "código postal|cep",
    ),
    (
        "Country:0.9",
        "país",
    ),
    (
        "ListAgentFullName",
        "consultor|consultora|agente|corretor|corretora responsável|corretor responsável|contacto|contato|"
        "consultor imobiliário|comercial",
    ),
    (
        "ListOfficeName",
        "imobiliária|agência|anunciante|anunciado por|mediadora|mediador",
    ),
    (
        "MlsStatus",
        "situação do imóvel|disponibilidade",
    ),
    (
        "PublicRemarks",
        "descrição|descrição do imóvel",
    ),
    (
        "X_EnergyRating",
        "certificado energético|classe energética|certificação energética|eficiência energética",
    ),
    (
        "ParkingTotal",
        "vagas|garagens|vagas de garagem|vagas na garagem|lugares de garagem|lugares de estacionamento",
    ),
)
