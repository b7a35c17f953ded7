"""Croatian, Serbian, Bosnian and Slovene labels and JSON keys of listing sites."""

from __future__ import annotations

TERMS: tuple[tuple[str, str], ...] = (
    (
        "ListPrice",
        "cijena|cena|prodajna cijena|najam|mjesečni najam|cijena najma|mesečna kirija|kirija|"
        "prodajna cena|cena najema|najemnina",
    ),
    (
        "_Ignore",
        "cijena po m²|cena po m²|cena/m2|pričuva|polog|depozit|kat|sprat|agencijska provizija|provizija|"
        "godina renovacije|godina zadnje renovacije|godina adaptacije|leto prenove|leto obnove|"
        "objavljeno|balkon|površina terase|režije|troškovi|varščina|nadstropje",
    ),
    (
        "ListingId",
        "šifra objekta|šifra|šifra oglasa|šifra nekretnine|broj oglasa|id nekretnine|id oglasa|referenca|"
        "šifra nepremičnine|id kod|oglas br",
    ),
    (
        "PropertySubType",
        "tip nekretnine|vrsta nekretnine|tip kuće|tip stana|tip|vrsta|vrsta nepremičnine|tip nepremičnine|tip objekta",
    ),
    (
        "RoomsTotal",
        "broj soba|sobe|število sob|broj soba ukupno|ukupno soba",
    ),
    (
        "BedroomsTotal",
        "broj spavaćih soba|spavaće sobe|spavaće|število spalnic|spalnice",
    ),
    (
        "BathroomsTotalInteger",
        "broj kupaonica|kupaonice|kupatila|broj kupatila|število kopalnic|kopalnice|kupaonica",
    ),
    (
        "LivingArea",
        "stambena površina|korisna površina|neto površina|površina|kvadratura|velikost|bivalna površina|"
        "uporabna površina|stambena površina (m2)|površina stana",
    ),
    (
        "LivingArea:0.6",
        "bruto površina|ukupna površina",
    ),
    (
        "LotSizeArea",
        "površina okućnice|okućnica|površina zemljišta|površina parcele|površina placa|zemljišče|parcela|"
        "zemljište|površina zemljišča|plac|površina parcela",
    ),
    (
        "YearBuilt",
        "godina izgradnje|godina gradnje|leto gradnje|zgrajeno leta|izgrađeno|leto izgradnje|zgrajeno",
    ),
    (
        "StoriesTotal",
        "ukupan broj katova|broj katova|spratnost|število nadstropij|broj etaža|ukupno katova",
    ),
    (
        "Heating",
        "grijanje|vrsta grijanja|grejanje|ogrevanje|sustav grijanja",
    ),
    (
        "Cooling",
        "klima|klima uređaj|hlađenje",
    ),
    (
        "Roof",
        "krov|streha",
    ),
    (
        "_Address",
        "adresa|lokacija|naslov",
    ),
    (
        "UnparsedAddress",
        "ulica",
    ),
    (
        "City",
        "grad|mjesto|mesto|naselje|kraj",
    ),
    (
        "StateOrProvince",
        "županija|regija|opština",
    ),
    (
        "PostalCode",
        "poštanski broj|poštna številka",
    ),
    (
        "ListAgentFullName",
        "agent|kontakt osoba|kontakt|posrednik|nepremičninski posrednik|agentica|kontaktna oseba",
    ),
    (
        "ListOfficeName",
        "agencija|agencija za nekretnine|oglašivač|tvrtka|prodavatelj|oglašivač tvrtka|posreduje|ponudnik",
    ),
    (
        "PublicRemarks",
        "opis|opis nekretnine|opis nepremičnine",
    ),
    (
        "X_EnergyRating",
        "energetski razred|energetski certifikat|energijski razred|energetska izkaznica",
    ),
)
