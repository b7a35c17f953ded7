"""Polish labels and JSON keys of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "cena sprzedaży|cena brutto|miesięczny czynsz najmu|cena wywoławcza|suma oszacowania cena|"
        "cena|cena ofertowa|czynsz najmu|cena najmu|cena całkowita|koszt najmu",
    ),
    (
        "_Ignore",
        "cena za m²|cena za metr|cena/m²|czynsz|czynsz administracyjny|kaucja|opłaty|cena m2|czynsz dodatkowo|"
        "cena za m|depozyt|opłaty administracyjne|powierzchnia użytkowa działki|piętro|dostępne od|data dodania|"
        "data aktualizacji",
    ),
    (
        "ListingId",
        "numer oferty|nr oferty|numer ogłoszenia|id oferty|numer oferty w biurze|nr ogłoszenia|"
        "numer ogłoszenia w serwisie|id ogłoszenia|sygnatura|symbol oferty|numer referencyjny|nr oferty w otodom|"
        "id nieruchomości",
    ),
    (
        "PropertySubType",
        "rodzaj zabudowy|typ nieruchomości|rodzaj nieruchomości|rodzaj|typ domu|rodzaj domu|rodzaj mieszkania|"
        "typ mieszkania|rodzaj obiektu|typ oferty|kategoria|building type|typ zabudowy",
    ),
    (
        "PropertySubType:0.6",
        "typ budynku|rodzaj budynku|typ transakcji",
    ),
    (
        "RoomsTotal",
        "pokoje|liczba pokoi|ilość pokoi|pokoi|l. pokoi",
    ),
    (
        "BathroomsTotalInteger",
        "łazienki|liczba łazienek|łazienka|ilość łazienek",
    ),
    (
        "BedroomsTotal",
        "sypialnie|liczba sypialni",
    ),
    (
        "LivingArea",
        "powierzchnia|powierzchnia mieszkania|powierzchnia użytkowa|pow. całkowita|powierzchnia całkowita|"
        "powierzchnia domu|metraż|pow. użytkowa|powierzchnia mieszkalna|powierzchnia w m2|powierzchnia w m²",
    ),
    (
        "LotSizeArea",
        "powierzchnia działki|działka|pow. działki|powierzchnia działki w m2|powierzchnia działki w m²|terrain area",
    ),
    (
        "YearBuilt",
        "rok budowy|rok bud.|rok powstania",
    ),
    (
        "StoriesTotal",
        "liczba pięter|liczba pięter w budynku|ilość pięter|liczba kondygnacji|kondygnacje",
    ),
    (
        "Heating",
        "ogrzewanie|rodzaj ogrzewania",
    ),
    (
        "Roof",
        "pokrycie dachu|dach|pokrycie dachowe",
    ),
    (
        "ConstructionMaterials",
        "materiał budynku|materiał|konstrukcja|materiał konstrukcji",
    ),
    (
        "_Address",
        "adres|lokalizacja|położenie",
    ),
    (
        "UnparsedAddress",
        "ulica",
    ),
    (
        "City",
        "miasto|miejscowość",
    ),
    (
        "StateOrProvince",
        "województwo",
    ),
    (
        "PostalCode",
        "kod pocztowy",
    ),
    (
        "ListAgentFullName",
        "agentka|pośrednik|agent nieruchomości|osoba do kontaktu|doradczyni|agent prowadzący|ogłoszeniodawca kontakt|"
        "agent|osoba kontaktowa|opiekun oferty|doradca|kontakt",
    ),
    (
        "ListOfficeName",
        "ogłoszeniodawca|pośrednictwo|agencja nieruchomości|biuro nieruchomości|agencja|biuro|nazwa firmy",
    ),
    (
        "PublicRemarks",
        "opis|opis nieruchomości|opis oferty",
    ),
)
