"""The fuzz targets: readers of untrusted bytes.

A target must accept any bytes without raising an error. A reader whose error was only logged also fails, and so does a
candidate whose value is invalid for its field.
"""

import json
import math
import time
from collections.abc import Callable, Iterable

from app.property.reading import jsonld as jsonld_reader
from app.property.reading import state as state_reader
from app.property.reading.base import Candidate, Extraction
from app.property.reading.document import Document
from app.property.reading.model.claim_check import check_claims
from app.property.reading.model.prompt import build_prompt
from app.property.reading.pipeline import Reader, extract, with_model_values
from app.property.reading.readings import typed
from app.property.reading.visibility import unseen
from app.property.record import FIELDS, fits
from app.property.values import areas, counts, dates, numbers, prices
from tests.plugins.read_pages import page_of

LIMIT_SECONDS = 2.0
_URL = "https://h.example/listing/8841207"
_LANGUAGES = (None, "en", "de", "pl", "sv", "fr", "ja")
_COUNTRIES = (None, "US", "DE", "PL", "AU", "CH")


def _read_by(reader: Reader, text: str) -> Iterable[Candidate]:
    document = Document(page_of(text, _URL))
    return typed(reader(document), document.locale)


def jsonld(data: bytes) -> None:
    script = _text(data).replace("</", "<\\/")
    _check(_read_by(jsonld_reader.read, f'<script type="application/ld+json">{script}</script><p>x</p>'))


def state(data: bytes) -> None:
    script = _text(data[1:]).replace("</", "<\\/")
    quoted = json.dumps(script)
    form = (
        f'<script id="__NEXT_DATA__" type="application/json">{script}</script>',
        f"<script>window.__STATE__ = {script};</script>",
        f"<script>window.__DATA__ = JSON.parse({quoted});</script>",
        f"<script>render(Page, {script});</script>",
        f"<script>var data = {quoted};</script>",
        f"<script>{script}</script>",
    )[data[0] % 6 if data else 0]
    _check(_read_by(state_reader.read, f"{form}<p>x</p>"))


def price(data: bytes) -> None:
    text = _text(data[1:])
    lang = _LANGUAGES[data[0] % len(_LANGUAGES)] if data else None
    for country in _COUNTRIES:
        found = prices.parse_price(text, lang=lang, country=country)
        assert found is None or (isinstance(found.amount, int | float) and found.amount == found.amount)
    prices.find_period(text)
    prices.find_qualifier(text)
    prices.is_per_area(text)
    areas.parse_area(text, lang)
    counts.bathrooms(text, lang)
    counts.single(text, lang)
    for number in numbers.find_numbers(text, lang):
        assert 0 <= number.start <= number.end <= len(text)
        assert math.isfinite(number.value)
    dates.parse_date(text, lang=lang, country="US")


def html(data: bytes) -> None:
    """Read a whole page, build its prompt, and check answers that quote each of the prompt's first three lines."""
    _whole(extract(page_of(_text(data), _URL)))


def jsonbody(data: bytes) -> None:
    _whole(extract(page_of(_text(data), _URL, "application/json")))


def styles(data: bytes) -> None:
    sheet, _, style = _text(data).partition("\x00")
    own = style.replace('"', "'").replace("<", "")
    head, inner = f"<style>{sheet.replace('</', '')}</style><h1>x</h1>", '<p class="a">y</p>'
    text = f'{head}<div class="a b" id="c" style="{own}">{inner}</div>'
    root = Document(page_of(text, _URL)).root
    assert root is None or all(element is not None for element in unseen(root))


TARGETS: dict[str, Callable[[bytes], None]] = {
    "jsonld": jsonld,
    "state": state,
    "price": price,
    "html": html,
    "jsonbody": jsonbody,
    "styles": styles,
}


def timed(target: str, data: bytes) -> float:
    """Return the CPU seconds that `target` takes for `data`. The target's exceptions propagate."""
    started = time.process_time()
    TARGETS[target](data)
    return time.process_time() - started


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _check(candidates: Iterable[Candidate]) -> None:
    for candidate in candidates:
        assert candidate.field in FIELDS, candidate
        assert fits(candidate.field, candidate.value), candidate
        assert 0 <= candidate.confidence <= 1, candidate
        json.dumps(candidate.value, allow_nan=False)


def _whole(extraction: Extraction) -> None:
    assert extraction.notes == (), extraction.notes
    _check(extraction.candidates)
    json.dumps(extraction.record.values, allow_nan=False)
    prompt = build_prompt(extraction)
    lines = prompt.text.splitlines()[:3]
    for line in lines:
        values = {field: (sample(field, line), line) for field in prompt.fields}
        candidates, dropped = check_claims(values, prompt)
        _check(candidates)
        with_model_values(extraction, candidates, len(dropped))


def sample(field: str, line: str) -> object:
    """Return a value that `line` might state, of the field's type."""
    first = next(iter(numbers.find_numbers(line[:200], "en")), None)
    number = first.value if first else 1
    return {
        "integer": int(number) if abs(number) < 1e15 else 1,
        "number": number,
        "texts": [line[:40]],
        "boolean": True,
        "date": "2020-01-01",
    }.get(FIELDS[field].type, line[:40])
