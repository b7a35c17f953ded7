"""Prices: amount, currency, period, qualifier and rent basis out of one text, and what is no price at all.

A price per area is not a price, `from` and `offers over` are qualifiers, `€1.2M - €1.4M` is a range (its low end).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.property.normalise.currency import find_currency, without_currency
from app.property.normalise.numbers import Number, find_numbers

_PER_AREA = re.compile(
    r"(?:/|\bper\b|\bpro\b|\bje\b|\bza\b|\bpå\b|\bpr\.?|\bpar\b|\bpor\b|\bal\b|\bau\b|\ble\b|\bel\b|\bo\b|"
    r"\bna\b)\s?(?:1\s?)?"
    r"(?:m2|m²|m\^2|㎡|mq\b|sqm|kvm|qm|sq\.?\s?(?:ft|m|feet|foot|met|y)|square|sqft|ft²|acre|mkw|quadratm|坪|平米|"
    r"mp\b|кв|τ)|"
    r"\b(?:m2|m²|sqft|kvm|qm)-?(?:preis|pris)|price[_ ]per[_ ](?:m|sq)|/坪|\bpsf\b|\bpsm\b|坪単価|m²単価|㎡単価|"
    r"平米単価|单价|單價|"
    r"\bkvadratmeterpris|\bkvmpris|\bm²-pris",
    re.IGNORECASE,
)
_PERIODS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "week",
        re.compile(
            r"\bper week\b|\bp/?w\b|\bweekly\b|/\s?w(?:ee)?k\b|\bpro woche\b|\bper vecka\b|\bpar semaine\b|"
            r"\b(?:por|a la) semana\b|"
            r"\ba settimana\b|/\s?sett|/\s?sem(?:aine|ana)?\b|\bper uke\b|\bpr\.? uge\b|/\s?viikko",
            re.I,
        ),
    ),
    (
        "month",
        re.compile(
            r"\bper (?:calendar )?month\b|\bp\.?c\.?m\b|/\s?mo(?:nth)?\b|\bmonthly\b|\bp\.?m\.(?!\w)|\bpro monat\b|"
            r"\bmonatlich\b|\bmtl\b|/\s?mon(?:at)?\b|/\s?mies|\bmiesięcznie\b|na miesiąc|/\s?mån|\bper månad\b|"
            r"\bpar mois\b|/\s?mois|\bmensuels?\b|\b(?:al|por) mes\b|/\s?mes\b|\bmensual(?:es)?\b|\bal mese\b|"
            r"/\s?mese|\bmensili\b|"
            r"\bper maand\b|/\s?m(?:aan)?d\b|\bp/?mnd\b|/\s?mnd|\bper (?:mnd|måned)\b|\bpr\.? (?:md|mdr|måned)\b|"
            r"/\s?mdr?\b|"
            r"/\s?kk\b|\bkuukau|/\s?měs|\bměsíčně\b|\bza měsíc\b|/\s?mes\.|\bhavonta\b|/\s?hó\b|\baylık\b|"
            r"/\s?ay\b|/\s?lun[ăa]|"
            r"\b(?:por|ao) mês\b|/\s?mês|/\s?μήνα|(?<![\d年])月|每月|월",
            re.I,
        ),
    ),
    (
        "year",
        re.compile(
            r"\bper (?:year|annum)\b|/\s?y(?:ea)?r\b|\byearly\b|\bp\.?a\.(?!\w)|\bpro jahr\b|/\s?rok|\bpar an\b|"
            r"/\s?an(?:née)?\b|"
            r"/\s?año|\bal año\b|/\s?anno|\ball'anno\b|/\s?ano\b|/\s?jaar|\bper (?:jaar|år)\b|/\s?år\b|\bpr\.? år\b",
            re.I,
        ),
    ),
    (
        "day",
        re.compile(
            r"\bper (?:day|night)\b|/\s?(?:day|night)\b|\bpro (?:tag|nacht)\b|\bpar (?:jour|nuit)\b|\bpor (?:día|"
            r"noche|dia|noite)\b|"
            r"/\s?(?:nuit|noche|notte|nacht)\b",
            re.I,
        ),
    ),
)
_QUALIFIERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "auction",
        re.compile(
            r"\bauction\b|versteigerung\b|\blicytacj\w|\bauktion\b|\bvente aux enchères|\benchères\b|\bsubasta\b|"
            r"\basta\b|"
            r"\bleilão\b|\bopenbare verkoop|\bveiling\b|\bhuutokauppa|\bdražb|\bárverés|競売|入札",
            re.I,
        ),
    ),
    (
        "from",
        re.compile(
            r"\bfrom\b|\boffers? (?:over|above|in excess)|\benquiries (?:over|above)|\bin excess of\b|\bexcess\b|"
            r"\bguide\b|"
            r"^\s*ab\b|\bab €|^\s*od\b|\bfrån\b|\bstarting\b|\bamv\b|\basking\b.*\bover\b|\d\s?\+|\bà partir de\b|"
            r"^\s*dès\b|"
            r"\b(?:a partir de|desde)\b|\ba partire da\b|^\s*da €|\bvanaf\b|^\s*fra\b|\balkaen\b|\bbud från\b",
            re.I,
        ),
    ),
    (
        "on application",
        re.compile(
            r"\bp\.?o\.?a\b|\b(?:price |rent )?(?:up)?on (?:application|request|enquiry)\b|\bauf anfrage\b|"
            r"\bna zapytanie\b|"
            r"\bcontact agent\b|\b(?:prix )?(?:sur|à la) demande\b|\bnous consulter\b|\b(?:precio )?a consultar\b|"
            r"\bconsultar precio\b|"
            r"\bsob consulta\b|\b(?:su|a) richiesta\b|\btrattativa (?:riservata|privata)\b|\bop (?:aan|na)vraag\b|"
            r"\bpå (?:forespørsel|begäran|förfrågan|anmodning)\b|\bna (?:vyžádání|dotaz)\b|\bcena dohodou\b|"
            r"\binfo v (?:rk|kanceláři)\b|"
            r"\bv rk\b|\bkérésre\b|\bκατόπιν\b|応相談|要相談|価格未定|面议|面議|電洽|협의",
            re.I,
        ),
    ),
)
_WARM = re.compile(
    r"\bwarm(?:miete)?\b|\bgesamtmiete\b|\bbruttomiete\b|\bincl(?:uding|\.)? (?:bills|utilities)|"
    r"\bcharges comprises\b|\bcc\b|"
    r"\btoutes charges\b|\ball-?in(?:clusief)?\b|\bspese incluse\b",
    re.I,
)
_COLD = re.compile(r"\bkalt(?:miete)?\b|\bnettokalt|\bnetto-kalt|\bnettomiete\b|\bhors charges\b|\bkale huur\b", re.I)
_RANGE_GAP = re.compile(
    r"\s*(?:-|–|—|\bto\b|\bbis\b|\bdo\b|\btill\b|\bà\b|\ba\b|\btot\b|\btil\b|~|～|〜)\s*(?:[^\w\s]{0,2}|"
    r"[A-Z]{2,3}\s?)\s*$"
)
#: the plausible prices of a property, sale or rent, in any currency
_LEAST, _MOST = 1.0, 5e11


@dataclass(frozen=True, slots=True)
class Price:
    """An amount in `currency` (ISO 4217 or None), per `period` (None: a sale)."""

    amount: float
    currency: str | None = None
    period: str | None = None
    qualifier: str | None = None
    basis: str | None = None


def is_per_area(text: str) -> bool:
    """True where `text` names a price per square metre, foot or acre."""
    return _PER_AREA.search(text) is not None


def find_period(text: str) -> str | None:
    """day, week, month or year, where `text` names it."""
    return next((name for name, pattern in _PERIODS if pattern.search(text)), None)


def find_qualifier(text: str) -> str | None:
    """from, on application or auction, where `text` says so."""
    return next((name for name, pattern in _QUALIFIERS if pattern.search(text)), None)


def parse_price(text: str, *, lang: str | None = None, country: str | None = None) -> Price | None:
    """The first price of `text`; None where there is none or it is one per area."""
    text = text[:300]
    clean = _PER_AREA.split(text)[0] if is_per_area(text) else text
    numbers = [n for n in find_numbers(clean, lang) if _LEAST <= n.value <= _MOST]
    if clean is not text:  # the number before "/m²" is the one per area
        numbers = numbers[:-1]
    if not numbers:
        return None
    number = _marked(numbers, clean, country) or numbers[0]
    around = clean[max(0, number.start - 60) : number.end + 40]
    near = clean[max(0, number.start - 6) : number.end + 8]
    qualifier = find_qualifier(around)
    later = [n for n in numbers if n.start > number.start]
    if later and _RANGE_GAP.search(clean[number.end : later[0].start]) and later[0].value > number.value:
        qualifier = "range"
    basis = "warm" if _WARM.search(text) else "cold" if _COLD.search(text) else None
    currency = find_currency(near, country) or find_currency(text, country)
    return Price(number.value, currency, find_period(around), qualifier, basis)


def _marked(numbers: list[Number], clean: str, country: str | None) -> Number | None:
    """The first number with a currency at its side."""
    return next((n for n in numbers if find_currency(clean[max(0, n.start - 5) : n.end + 5], country)), None)


#: what may stand beside a price that stands alone: words that offer, qualify, tax or time it
_BESIDE = re.compile(
    r"(?:\b(?:faire offre|offers?|over|above|around|in excess of|excess|from|guide|asking|price|region of|"
    r"o\.?i\.?[er]\.?o\.?|enquiries|ab|od|från|fra|"
    r"dès|à partir de|a partir de|desde|vanaf|now|only|buy|rent|sale|for|prix|preis|prijs|precio|prezzo|preço|"
    r"cena|pris|hinta|hyra|"
    r"verkaufspreis|kaufpreis|vraagprijs|asking|fixed|venta|vente|vendita|venda|koop|huur|loyer|alquiler|affitto|"
    r"aluguel|aluguer|"
    r"miete|pcm|pw|pm|mo|mth|wk|yr|per|calendar|month|week|year|annum|yearly|monthly|weekly|mois|mes|mese|mês|"
    r"maand|mnd|md|mdr|"
    r"mån|måned|monat|mies|měs|měsíc|"
    r"kk|an|año|anno|jaar|år|par|por|al|pro|pr|za|plus|fees?|excl|incl|inkl|inclus|comprises?|charges|cc|hc|fai|"
    r"ttc|hai|frais|vb|vhb|"
    r"kk|k\.k\.|v\.?o\.?n\.?|kosten koper|ono|o\.n\.o|neg(?:otiable)?|gst|tax|brutto|netto|do negocjacji|ca|"
    r"approx|circa|m\.n\.)(?![^\W\d_])|[/／*+:.,;()\[\]|~–—-]|円|元|月|起|\s)+",
    re.IGNORECASE,
)


def stands_alone(text: str, *, lang: str | None = None, country: str | None = None) -> bool:
    """True where `text` is one price and nothing else: amount, currency, and words that offer or time it."""
    if len(text) > 60:
        return False
    bare = without_currency(text, country)  # the cheapest question first: most texts name no money
    if bare == text and not any(c in "万萬億亿만억" for c in text):
        return False
    if is_per_area(text) or parse_price(text, lang=lang, country=country) is None:
        return False
    numbers = [n for n in find_numbers(bare, lang) if n.value >= _LEAST]
    if len(numbers) == 2 and _RANGE_GAP.search(bare[numbers[0].end : numbers[1].start]):
        if numbers[1].value <= numbers[0].value:
            return False
        bare = without_currency(bare, country)  # the second amount names it again
        numbers = [n for n in find_numbers(bare, lang) if n.value >= _LEAST]
        rest = f"{bare[: numbers[0].start]} {bare[numbers[-1].end :]}"
    elif len(numbers) == 1:
        rest = f"{bare[: numbers[0].start]} {bare[numbers[0].end :]}"
    else:
        return False
    return not _BESIDE.sub("", rest)
