"""Spanish labels and JSON keys of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "precio|precio de venta|precio del inmueble|alquiler|renta|precio de alquiler|renta mensual|"
        "precio venta|precio alquiler|valor|precio total|importe|precio mensual|valor de venta|arriendo|"
        "precio de salida|precio de renta|tipo de subasta",
    ),
    (
        "_Ignore",
        "precio por m²|precio m²|precio/m²|precio por metro cuadrado|comunidad|fianza|"
        "mantenimiento|cuota de mantenimiento|ibi|depósito|honorarios|comisión|"
        "hipoteca|cuota hipotecaria|planta|antigüedad del anuncio|superficie terraza|superficie balcón|"
        "terraza|balcón|trastero|año de reforma|última reforma|valor de tasación|cantidad reclamada|consumo|"
        "emisiones|fecha de publicación|disponibilidad|aseos|piso",
    ),
    (
        "AssociationFee",
        "gastos de comunidad|cuota de comunidad|gastos de la comunidad|gastos comunes|expensas",
    ),
    (
        "ListingId",
        "referencia|ref|ref.|referencia del anuncio|código|código del inmueble|código de anuncio|"
        "id del inmueble|nº de referencia|número de referencia|clave|clave interna|id|código de propiedad|"
        "cód|código del anunciante|id anuncio|expediente",
    ),
    (
        "PropertySubType",
        "tipo de inmueble|tipo de vivienda|tipo|tipología|tipo de propiedad|clase de inmueble|subtipo|"
        "tipo de casa|categoría|tipo de bien",
    ),
    (
        "RoomsTotal",
        "habitaciones totales|ambientes|número de ambientes|cantidad de ambientes",
    ),
    (
        "BedroomsTotal",
        "dormitorios|habitaciones|recámaras|número de habitaciones|nº de habitaciones|nº habitaciones|"
        "número de dormitorios|cuartos|alcobas|dormitorio|habitación|recámara|hab|hab.|"
        "cantidad de dormitorios|nº dormitorios",
    ),
    (
        "BathroomsTotalInteger",
        "baños|baño|número de baños|nº de baños|nº baños|cuartos de baño|baños completos|cantidad de baños",
    ),
    (
        "BathroomsHalf",
        "medios baños|medio baño|1/2 baños",
    ),
    (
        "LivingArea",
        "superficie|superficie construida|superficie útil|metros construidos|m² construidos|construcción|"
        "superficie cubierta|área construida|superficie habitable|área|metros cuadrados|"
        "superficie de construcción|sup. construida|sup. cubierta|m² cubiertos|terreno construido|sup. útil|"
        "superficie total construida",
    ),
    (
        "LivingArea:0.6",
        "superficie total|área total|tamaño|área privada|sup. total",
    ),
    (
        "LotSizeArea",
        "superficie de la parcela|parcela|terreno|superficie del terreno|superficie terreno|"
        "superficie parcela|m² de terreno|tamaño del terreno|área del terreno|área de terreno|solar|"
        "superficie solar|lote|m² terreno|tamaño de parcela|superficie de parcela",
    ),
    (
        "YearBuilt",
        "año de construcción|construido en|año construcción|año de edificación|año|fecha de construcción",
    ),
    (
        "StoriesTotal",
        "número de plantas|plantas|nº de plantas|plantas del edificio|niveles|número de pisos|pisos|"
        "niveles construidos|cantidad de plantas",
    ),
    (
        "Heating",
        "calefacción|tipo de calefacción|sistema de calefacción",
    ),
    (
        "Cooling",
        "aire acondicionado|climatización",
    ),
    (
        "Roof",
        "tejado|cubierta|techo",
    ),
    (
        "ConstructionMaterials",
        "fachada|materiales|tipo de construcción",
    ),
    (
        "_Address",
        "dirección|ubicación|domicilio|localización|dirección del inmueble|situación",
    ),
    (
        "City",
        "ciudad|municipio|localidad|población|comuna|delegación|alcaldía|partido",
    ),
    (
        "StateOrProvince",
        "provincia|estado|comunidad autónoma|departamento|región",
    ),
    (
        "PostalCode",
        "código postal|c.p.|cp|cód. postal",
    ),
    (
        "Country:0.9",
        "país",
    ),
    (
        "ListAgentFullName",
        "agente|asesor|asesora|agente inmobiliario|contacto|persona de contacto|comercial|vendedor|"
        "asesor inmobiliario|corredor",
    ),
    (
        "ListOfficeName",
        "agencia|inmobiliaria|anunciante|profesional|publicado por|empresa|corredora|comercializa",
    ),
    (
        "MlsStatus",
        "estado del anuncio|estatus|estado de la publicación",
    ),
    (
        "PublicRemarks",
        "descripción|comentario del anunciante",
    ),
    (
        "X_EnergyRating",
        "certificado energético|calificación energética|certificación energética|clase energética|etiqueta energética",
    ),
    (
        "ParkingTotal",
        "plazas de garaje|estacionamientos|cocheras|cajones de estacionamiento|estacionamiento|"
        "lugares de estacionamiento",
    ),
)
