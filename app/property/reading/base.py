"""Define the types shared by the readers, the modules that find values on a page. `pipeline.py` runs the readers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.property.fields.table import FIELDS, PARTS
from app.property.page import Page
from app.property.record import Method, PageKind, PropertyRecord
from app.property.values.numbers import tidy
from app.settings.forms import ModelUse

#: A value with at least this confidence counts as sure: a model is usually not asked for its field.
SURE = 0.9
#: The fields that most users need.
CORE = frozenset(name for name, spec in FIELDS.items() if spec.core)
ASKING_PRICE = "ListPrice"
WITH_PRICE = PARTS[ASKING_PRICE]
#: Fields that are accepted only from listings. In an authority's record, these fields are dropped, except the type
#: `Land`.
ONLY_LISTING = tuple(name for name, spec in FIELDS.items() if "record" not in spec.pages)


@dataclass(frozen=True, slots=True)
class Reading:
    """A raw value as a reader found it, before normalization. `raw` is text, a number, a boolean, or a list of texts or
    rows. `label` is the visible label or the markup's key; it may be empty.

    `field` is the name of a field, or of a composite such as `_Address` or `_RentWarm`, from which fields are computed
    (`docs/languages.md`).
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

    `raw`, `quote`, `locator`, and `unit` have the same meaning as in `Evidence`. `confidence` is from 0 to 1. `unshown`
    is true if the page's visible text about the property does not show the value. `reader` is the name of the reader
    that found the value (`model` for a model); the pipeline sets it.
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
    """The inputs of a value's confidence. `most` is the maximum confidence, and `bound` the reason for this maximum.
    `sources` are the fields that a derived value is computed from.
    """

    features: Mapping[str, float]
    most: float
    bound: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """A value's confidence and how it was computed. `adds` maps each feature to its contribution to the log-odds that
    the value is correct.

    If a limit lowered the confidence, `bound` is the reason for the limit; otherwise it is "".
    """

    confidence: float
    facts: Facts
    adds: Mapping[str, float]
    bound: str = ""


Value = tuple[str, Any, str | None]  # field, value, unit


def text_of(raw: Any) -> str:
    if isinstance(raw, list):
        return ", ".join(str(v) for v in raw)
    return str(tidy(raw) if isinstance(raw, float) else raw)


def of_text(field: str, value: Any, text: str, where: str, confidence: float) -> Candidate:
    """Return a candidate that quotes a text of the page as its evidence."""
    return Candidate(field, value, text, Method.LABEL, where, text[:300], confidence)


@dataclass(frozen=True, slots=True)
class Extraction:
    """The values read from one page. After `pipeline.with_model_values`, they include a model's values.

    `candidates` contains the candidates of all readers; `--explain` shows them. `doubtful` names the fields whose
    chosen value is contradicted or has a low confidence. `dropped` counts model values without valid evidence. `reason`
    says why the page was classified as `kind`.

    `denied` contains values from markup that were dropped because the visible page contradicts them, or contradicts
    many values of their script. `distrusted` identifies the scripts with many contradicted values, by the part of a
    locator before its last `#`.

    A model is asked only for fields in `only`; None allows all fields. A model is not asked for `settled` fields,
    unless `audited` is set or the model use is `always`. In these two cases it is asked for every field that `only`
    allows, whatever its confidence. If an earlier model request is still unanswered, `wanted` contains its fields, and
    exactly these are asked for.

    `row` is the JSON pointer of the object that was read, if a JSON body lists several properties. `scores` explains
    the confidences. `recipe` is the name of the recipe that read values, or "" if no recipe did. If the kind is
    `in_doubt`, a model is asked whether the page is about one property.
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
    in_doubt: bool = False

    def asked(self, use: ModelUse = "missing") -> tuple[str, ...]:
        """Return the names of the fields to ask a model for.

        Only fields that a page of this kind may state are asked for. If `use` is `missing`, ask for doubtful fields and
        fields without a sure value. If one of these is a core field with a value, ask for all core fields.
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
