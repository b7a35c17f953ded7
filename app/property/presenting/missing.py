"""Say why values are missing: no page has them, or no model was asked for them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.property.fields.table import FIELDS
from app.property.presenting.words import UNKNOWN
from app.property.record import Method
from app.property.storage.properties.source_records import ASKED_ELSEWHERE

NOT_ASKED, NOT_ON_PAGE = "not asked", "not on the page"
#: Maximum number of names in a list of names.
MAX_NAMES = 5


def some_of(names: Sequence[str]) -> str:
    """Join names with commas. If there are more than `MAX_NAMES`, the others are counted."""
    more = len(names) - MAX_NAMES
    return ", ".join(names) if more <= 0 else f"{', '.join(names[:MAX_NAMES])}, and {more} more"


def why_missing(shown: Mapping[str, Any], name: str) -> str:
    """Say why a property has no value of the field `name`. `shown` has the shape of `PropertyStore.get`."""
    if not shown["sources"] or name in shown.get("below_confidence", ()):
        return UNKNOWN
    unasked = {field for source in shown["sources"] for field in source["wanted_model"]}
    return NOT_ON_PAGE if unasked.isdisjoint((name, *FIELDS[name].derived_from)) else NOT_ASKED


def model_note(wanted: Iterable[str], note: str | None, record: Mapping[str, Any]) -> str:
    """Name the missing fields for which a model has not been asked or has not answered, and say why; "" if none.

    `wanted` and `note` are the `wanted_model` and `model_note` of a job or a source. Fields in `record`, the property's
    values, are not missing.
    """
    fields = list(wanted)
    labels = [FIELDS[name].label for name in fields if name in FIELDS and name not in record]
    if labels:
        return f"Not asked: {some_of(labels)}. {note or ''}".rstrip()
    return "" if fields and note == ASKED_ELSEWHERE else note or ""


def model_work(shown: Mapping[str, Any], source: Mapping[str, Any]) -> str:
    """Say what the model did for one of the "sources" of `shown`."""
    urls = {source["url"], source["final_url"], source["page_url"]}
    read = [
        FIELDS[name].label
        for name, proof in shown["evidence"].items()
        if proof["method"] == Method.LLM and proof["source_url"] in urls
    ]
    note = model_note(source["wanted_model"], source["model_note"], shown["record"])
    parts = [f"Read {some_of(read)}." if read else "", note]
    return " ".join(filter(None, parts)) or "Nothing more to read"
