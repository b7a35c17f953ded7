"""Load the lists of JSON keys in `object_keys.toml`, and classify keys with them."""

import re
import tomllib
from functools import lru_cache
from pathlib import Path

from app.property.fields.phrases import expression
from app.property.fields.table import of_kind
from app.property.reading.terms import words_of

_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
RESULT_KEYS, NAMES, OFFICE_KEYS = (frozenset(_TABLE[name]) for name in ("results", "names", "office_names"))
LABEL_KEYS, VALUE_KEYS, AMOUNT_KEYS, UNIT_KEYS, URL_KEYS = (
    tuple(_TABLE[name]) for name in ("labels", "values", "amounts", "units", "urls")
)
CUT, AGENT, OFFICE, _NO_RESULTS = (
    re.compile("|".join(map(expression, _TABLE[name]))) for name in ("cut", "agent", "office", "no_results")
)
UNIT_CODES: dict[str, str] = {code: unit for unit, codes in _TABLE["unit_codes"].items() for code in codes}
NUMERIC = frozenset({*of_kind("money", "area", "count"), "_RentWarm"})
GEO = frozenset({*of_kind("place"), "UnparsedAddress"})
MEASURED = NUMERIC | {"MlsStatus", "PropertySubType", "YearBuilt", "_Address"}
#: Matches the start of a query's arguments in a cache key: `ForSaleQuery{"id":71}`, `homeByUrl({"url":"/p/71"})`.
_ARGUMENTS = re.compile(r"[({]")


def is_cut(key: str, words: str) -> bool:
    """Return whether the value of `key` is about something other than the property.

    Return False for keys with over 60 characters or with arguments, because they are probably cache keys.
    """
    return len(key) <= 60 and _ARGUMENTS.search(key) is None and _is_cut(words)


@lru_cache(maxsize=10_000)
def _is_cut(words: str) -> bool:
    return CUT.search(words) is not None


def is_no_result(key: str) -> bool:
    """Return whether the value of `key`, in a results page's data, is about something other than the results."""
    return len(key) <= 60 and _NO_RESULTS.search(words_of(key)) is not None
