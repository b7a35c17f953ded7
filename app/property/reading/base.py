"""What readers give: readings and candidates. Each reader lives in a file of its own; `pipeline.py` decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.property.fields.table import FIELDS, PARTS
from app.property.page import Page
from app.property.record import Method, PageKind, PropertyRecord
from app.settings.forms import ModelUse

#: what was read at this confidence or better is settled
SURE = 0.9
#: what most users come for
CORE = frozenset(name for name, spec in FIELDS.items() if spec.core)
WITH_PRICE = PARTS["ListPrice"]
#: what only an offer says: an authority's record promises none of it (but that it is of land)
ONLY_LISTING = tuple(name for name, spec in FIELDS.items() if "record" not in spec.pages)


@dataclass(frozen=True, slots=True)
class Reading:
    """One raw value as found. `raw` is text, a number, a boolean or a list of texts; `label` the words it stood under.

    `field` is a field's name or a composite (`docs/languages.md`) (`_Address`, `_RentWarm`, ...).
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
    """One value that one reader read for one field, already normalised to the field's type.

    `raw`, `quote`, `locator` and `unit` mean what they mean in `Evidence`; `confidence` is 0 to 1.
    `unshown`: markup says it, and the page, which should show it, does not or shows something else. `reader` is the
    name of the reader that found it, `model` for a model's value; the pipeline sets it.
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
    """All that a value's confidence depends on: its features, the `most` that it may be and why (`bound`), and the
    fields that a derived value follows from (`sources`).
    """

    features: Mapping[str, float]
    most: float
    bound: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """How a value's confidence came about: `adds` is what each of its features adds to the log-odds of being right.

    `bound` says what keeps the confidence below what the log-odds give; it is empty where nothing does.
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
    """A value that stands in a text of the page, which is its evidence."""
    return Candidate(field, value, text, Method.LABEL, where, text[:300], confidence)


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was read from one page without a model (or, after `pipeline.with_model_values`, with it).

    `candidates` holds every candidate, winners and losers, for `--explain`; `doubtful` the fields whose winner is in
    conflict or of low confidence; `dropped` counts model values that had no valid evidence; `reason` says in words why
    the page is of its kind. `denied` is what markup says and the visible page denies, `distrusted` the scripts of which
    nothing is taken for it (by the part of a locator before its last `#`). `only` limits what a model is asked for
    (None: nothing does): other pages of the property may say the rest. `row` is the JSON pointer of what was read where
    the body holds several objects, which are of other properties. `scores` says how the confidences came about.
    `settled` are fields that a model need not be asked for, whatever their confidence; `audited`: it is asked for all.
    `wanted` is exactly what it is asked for, whatever is known: it was asked before and its answer is still to come.
    `recipe` is what is said of values that a recipe read.
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
        """The fields that a model is asked for: what a page of this kind may state, and where the model is used for
        what is `missing`, of that what was not read at 0.9 or better; where one of the core fields that were read is
        among them, all core fields."""
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
