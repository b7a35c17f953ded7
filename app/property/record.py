"""The record of a page: values of fields (`fields/fields.toml`), each with its evidence."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.property.fields.table import DERIVED_FIELDS, FIELDS, PEOPLE_FIELDS, UNIT_OF, FieldSpec, FieldType

__all__ = ["DERIVED_FIELDS", "FIELDS", "PEOPLE_FIELDS", "UNIT_OF", "Evidence", "FieldSpec", "FieldType", "Method"]
__all__ += ["WITH_PROPERTY", "PageKind", "PropertyRecord", "SourceKind", "fits"]


class PageKind(StrEnum):
    """The kind of a fetched page. A record is a page with facts but no asking price, such as an assessor's page.
    `NO_RESULT` is the answer of a search that found nothing.
    """

    LISTING = "listing"
    RECORD = "record"
    SEARCH = "search"
    NO_RESULT = "no_result"
    BLOCKED = "blocked"
    GONE = "gone"


WITH_PROPERTY = (PageKind.LISTING, PageKind.RECORD)


class SourceKind(StrEnum):
    """The kind of a source; it determines the weight of the source's values (`merging/weights.py`)."""

    ASSESSOR = "assessor"
    GIS = "gis"
    TAX_ROLL = "tax_roll"
    PERMITS = "permits"
    PORTAL = "portal"
    ASSOCIATION = "association"
    OTHER = "other"


class Method(StrEnum):
    """The methods of reading a value, most trustworthy first."""

    JSONLD = "jsonld"
    MICRODATA = "microdata"
    STATE = "state"
    RECIPE = "recipe"
    LABEL = "label"
    OPENGRAPH = "opengraph"
    LLM = "llm"
    WEB_SEARCH = "web_search"
    DERIVED = "derived"


Confidence = Annotated[float, Field(ge=0.0, le=1.0)]


class Evidence(BaseModel):
    """The evidence of a value: where and how it was read.

    `raw` is the text on the page, and `quote` is enough surrounding text to find it. The form of `locator` depends on
    the method: a JSON pointer (jsonld, state), an XPath (microdata, opengraph, label), either of them (recipe),
    `chars:START-END` in the text sent to a model (llm), or source fields (derived). `rendered` is true if a browser
    rendered the page. `recipe` names the recipe that read the value and the number of pages from which it was learned.
    """

    model_config = ConfigDict(frozen=True)

    value: Any
    raw: str
    unit: str | None = None
    method: Method
    locator: str
    quote: str
    source_url: str
    fetched_at: datetime
    content_sha256: str
    confidence: Confidence
    rendered: Annotated[bool, Field(exclude_if=lambda rendered: not rendered)] = False
    recipe: Annotated[str, Field(exclude_if=lambda recipe: not recipe)] = ""


def evidence_json(evidence: Mapping[str, Evidence]) -> dict[str, Any]:
    return {name: proof.model_dump(mode="json") for name, proof in evidence.items()}


_PYTHON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    **{"text": str, "date": str, "integer": int, "number": (int, float), "boolean": bool, "texts": list, "rows": list}
}


def fits(name: str, value: Any) -> bool:
    """Return whether `name` is a field and `value` has its type. A boolean is not accepted as a number."""
    spec = FIELDS.get(name)
    if spec is None:
        return False
    return isinstance(value, _PYTHON_TYPES[spec.type]) and isinstance(value, bool) == (spec.type == "boolean")


class PropertyRecord(BaseModel):
    """The data of one page: field values, each with evidence. A field that the page lacks is left out.

    Raises `ValueError` for an unknown name, a value of the wrong type, or a value without evidence.
    """

    model_config = ConfigDict(frozen=True)

    values: dict[str, Any] = Field(default_factory=dict)
    evidence: dict[str, Evidence] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known_typed_and_evidenced(self) -> Self:
        for name, value in self.values.items():
            if name not in FIELDS:
                raise ValueError(f"{name} is not a field of a property record")
            if not fits(name, value):
                raise ValueError(f"{name} must be {FIELDS[name].type}, not {type(value).__name__}")
            if name not in self.evidence:
                raise ValueError(f"{name} has a value without evidence")
        return self

    def missing(self) -> tuple[str, ...]:
        """Return the fields that this record lacks and that a model may be asked for, in the order of `FIELDS`."""
        return tuple(n for n, spec in FIELDS.items() if spec.ask_model and n not in self.values)
