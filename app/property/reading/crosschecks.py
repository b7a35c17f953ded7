"""Check a page's values against each other and the page's title, heading, and URL."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import unquote

from app.property.fields.countries import COUNTRIES
from app.property.fields.table import ADDRESS_FIELDS, AXES, CURRENCY, FIELDS
from app.property.reading import permits, plausible
from app.property.reading.document import Document, url_parts
from app.property.reading.plausible import Finding, Values, Verdict, verdicts
from app.property.reading.ranking import Winner
from app.property.reading.trees import spaced_text
from app.property.record import Method
from app.property.values import currency
from app.property.values.places import boxes_of, country_of_host, in_country
from app.property.values.us_zip import states_of_zip


def crosschecks(winners: Mapping[str, Winner], page: Document) -> dict[str, tuple[Verdict, ...]]:
    """Return the checks' verdicts on each field."""
    values = {name: winner.candidate.value for name, winner in winners.items()}
    found: dict[str, tuple[Verdict, ...]] = {}
    for check in (_one_address(winners), _learned(winners), *(c(values, page) for c in _CHECKS)):
        for name, verdict in check:
            if name in values:
                found[name] = (*found.get(name, ()), verdict)
    return found


_IN_HEADLINES = tuple(name for name, spec in FIELDS.items() if spec.headline)
_LEAST_CHARS = 4


def _headlines(values: Values, page: Document) -> Iterator[Finding]:
    heading = "" if page.heading is None else spaced_text(page.heading)[:300]
    urls = (unquote(f"{url_parts(u).path} {url_parts(u).query}") for u in (page.page.final_url, page.url))
    heads = [_glued(text) for text in (page.title, heading, " ".join(urls))]
    for name in _IN_HEADLINES:
        value = values.get(name)
        wanted = _glued(f"{value:g}" if isinstance(value, float) else str(value or ""))
        if len(wanted) >= _LEAST_CHARS and any(wanted in head for head in heads):
            yield name, Verdict.STRONG


def _glued(text: str) -> str:
    """Return letters and digits, in lower case without accents: `1,250,000` is `1250000`, `Wólka` is `wolka`."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return re.sub(r"[\W_]+", "", "".join(c for c in plain if not unicodedata.combining(c))).replace("ł", "l")


_STATE, _CODE, _COUNTRY = (ADDRESS_FIELDS[part] for part in ("state", "postal_code", "country"))
_ADDRESS = (ADDRESS_FIELDS["street"], ADDRESS_FIELDS["city"], _STATE, _CODE)


def _one_address(winners: Mapping[str, Winner]) -> Iterator[Finding]:
    """Rate address parts as plausible if one line or JSON object states at least three of them."""
    places: dict[str, set[str]] = {}
    for name in _ADDRESS:
        for candidate in winners[name].agreeing if name in winners else ():
            where = candidate.locator
            whole = where if "#" not in where and where.startswith("/html") else where.rpartition("/")[0]
            places.setdefault(whole, set()).add(name)
    whole_ones = [names for names in places.values() if len(names) >= 3]
    for name in dict.fromkeys(name for names in whole_ones for name in names):
        yield name, Verdict.PLAUSIBLE


def _learned(winners: Mapping[str, Winner]) -> Iterator[Finding]:
    """Rate values read by a recipe as strong, because recipes are learned from verified values."""
    for name, winner in winners.items():
        if any(candidate.method is Method.RECIPE for candidate in winner.agreeing):
            yield name, Verdict.STRONG


_CODES = {code: country.postal_code for code, country in COUNTRIES.items() if country.postal_code}


def _postal_code(values: Values, page: Document) -> Iterator[Finding]:
    code, state = values.get(_CODE), values.get(_STATE)
    country = values.get(_COUNTRY) or page.locale.country
    if code is None:
        return
    states = states_of_zip(str(code)) if re.fullmatch(_CODES["US"], str(code)) else frozenset()
    if states and country in ("US", None) and isinstance(state, str) and re.fullmatch("[A-Z]{2}", state):
        yield from verdicts((_CODE, _STATE), state in states, Verdict.STRONG)
    elif country in _CODES and re.fullmatch(_CODES[country], str(code)):
        yield _CODE, Verdict.PLAUSIBLE


def _point(values: Values, page: Document) -> Iterator[Finding]:
    latitude, longitude = (values.get(axis) for axis in AXES)
    country = values.get(_COUNTRY) or page.locale.country
    if latitude is None or longitude is None or country is None:
        return
    precise = all(len(str(v).partition(".")[2]) >= 4 for v in (latitude, longitude))
    if boxes_of(country) and in_country(latitude, longitude, country) and precise:
        yield from verdicts(AXES, True, Verdict.STRONG)


def _country(values: Values, page: Document) -> Iterator[Finding]:
    country, code = values.get(_COUNTRY), values.get(CURRENCY)
    host = country_of_host(url_parts(page.page.final_url).hostname or "")
    if country and host:
        yield from verdicts((_COUNTRY,), host == country, Verdict.STRONG)
    paid = currency.COUNTRY_CURRENCY.get(country or page.locale.country or "")
    if code and paid == code:
        yield CURRENCY, Verdict.STRONG
        yield _COUNTRY, Verdict.PLAUSIBLE


_CHECKS: tuple[Callable[[Values, Document], Iterator[Finding]], ...] = (
    _headlines,
    _postal_code,
    _point,
    _country,
    permits.check_roof,
    *plausible.CHECKS,
)
