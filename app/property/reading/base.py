"""Define the types that readers return. Each reader has its own module; `pipeline.py` combines them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.property.fields.table import FIELDS, PARTS
from app.property.page import Page
from app.property.record import Method, PageKind, PropertyRecord
from app.settings.forms import ModelUse

#: A value with at least this confidence is sure. A model is usually asked only for other fields.
SURE = 0.9
#: These are the fields that most users need.
CORE = frozenset(name for name, spec in FIELDS.items() if spec.core)
WITH_PRICE = PARTS["ListPrice"]
#: Only listings state these fields. Of them, an authority's record keeps only the type `Land`.
ONLY_LISTING = tuple(name for name, spec in FIELDS.items() if "record" not in spec.pages)


@dataclass(frozen=True, slots=True)
class Reading:
    """A raw value as a reader found it. `raw` is text, a number, a boolean, or a list of texts or rows. `label` is the
    visible label or the markup's key; it may be empty.

    `field` is a field's name or a composite (`docs/languages.md`) such as `_Address` or `_RentWarm`.
    """

    field: str
    raw: Any
    method: Method
    locator: str
    quote: str
    confidence: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that one reader read for one field, normalized to the field's type.

    `raw`, `quote`, `locator`, and `unit` are as in `Evidence`; `confidence` is 0 to 1. `unshown` is true if the value
    comes from markup, and the visible page lacks it or shows another value. `reader` is the name of the reader that
    found it (`model` for a model), set by the pipeline.
    """

    field: str
    value: Any
    raw: str
    method: Method
    locator: str
    quote: str
    confidence: float
    unit: str | None = None
    unshown: bool = False
    reader: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """The inputs of a confidence: `features`, limit `most`, its reason `bound`, and a derived value's source fields."""

    features: Mapping[str, float]
    most: float
    bound: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """A value's confidence and its computation. `adds` is each feature's part of the log-odds of being right.

    `bound` says why the confidence is lower than the log-odds give. It is empty if no limit applied.
    """

    confidence: float
    facts: Facts
    adds: Mapping[str, float]
    bound: str = ""


Value = tuple[str, Any, str | None]  # field, value, unit


def text_of(raw: Any) -> str:
    if isinstance(raw, list):
        return ", ".join(str(v) for v in raw)
    return str(raw)


def of_text(field: str, value: Any, text: str, where: str, confidence: float) -> Candidate:
    """Return a candidate whose evidence is a text of the page."""
    return Candidate(field, value, text, Method.LABEL, where, text[:300], confidence)


@dataclass(frozen=True, slots=True)
class Extraction:
    """The values read from one page without a model, or with a model after `pipeline.with_model_values`.

    `candidates` are those of all readers, also for `--explain`. `doubtful` are the fields whose winner is contradicted
    or has a low confidence. `dropped` counts model values without valid evidence. `reason` says why the page has its
    kind.

    `denied` are markup values dropped because the visible page contradicts them or their script. `distrusted` names
    these scripts by the part of a locator before its last `#`.

    `only` holds the fields that a model may be asked for, because other pages of the property may give the rest; None
    means no limit. `settled` fields are not asked for, unless `audited` is set or the use is `always`: both ask at any
    confidence. `wanted` are the fields of an earlier request whose answer is pending; exactly these are asked for.

    `row` is the JSON pointer of the object read, if the body holds objects of several properties. `scores` explains the
    confidences. `recipe` names the recipe that read values.
    """

    page: Page
    kind: PageKind
    reason: str
    record: PropertyRecord
    candidates: tuple[Candidate, ...] = ()
    doubtful: tuple[str, ...] = ()
    dropped: int = 0
    notes: tuple[str, ...] = field(default=())
    denied: tuple[Candidate, ...] = ()
    distrusted: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    row: str | None = None
    scores: Mapping[str, Score] = field(default_factory=dict)
    settled: frozenset[str] = frozenset()
    audited: bool = False
    wanted: tuple[str, ...] | None = None
    recipe: str = ""

    def asked(self, use: ModelUse = "missing") -> tuple[str, ...]:
        """Return the fields that a model is asked for.

        These are the fields that a page of this kind may state. With `missing`, only doubtful fields and fields without
        a sure value are asked for. If these include a core field with a value, all core fields are asked for.
        """
        if use == "never":
            return ()
        if self.wanted is not None:
            return self.wanted
        is_record = self.kind is PageKind.RECORD
        may = [name for name, spec in FIELDS.items() if spec.ask_model and not (is_record and name in ONLY_LISTING)]
        sure = {name for name, proof in self.record.evidence.items() if proof.confidence >= SURE}
        every = use == "always" or self.audited
        settled = frozenset[str]() if every else self.settled
        open_ = {name for name in may if every or name not in sure or name in self.doubtful}
        if open_ & CORE & self.record.values.keys() - settled:
            open_ |= CORE
        open_ -= settled
        return tuple(n for n in may if n in open_ and (self.only is None or n in self.only))
