"""Turn a page into a record: run the readers, check and rank their candidates, and add a model's values.

This module uses no network and no clock. A page can make `extract` raise only `PageTooComplexError` or `MemoryError`;
the exceptions in `budget.INTERRUPTIONS` pass through it.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from app.errors.pages import PageTooComplexError
from app.property.fields.table import ADDRESS_FIELDS, BOUND, COUNTED, of_kind
from app.property.merging.derived import derive
from app.property.page import Page
from app.property.reading import (
    county_office,
    foreign_address,
    headlines,
    jsonbody,
    jsonld,
    labels,
    listed_by,
    map_points,
    microdata,
    offers,
    opengraph,
    phrases,
    remarks,
    state,
    tables,
    unlabeled_price,
    us_address,
)
from app.property.reading.base import Candidate, Extraction, Reading
from app.property.reading.budget import INTERRUPTIONS
from app.property.reading.consistency import make_consistent
from app.property.reading.document import Document
from app.property.reading.evidence import with_exact_evidence
from app.property.reading.jsonbody import objects_in
from app.property.reading.kind import classify
from app.property.reading.markup_check import check_markup
from app.property.reading.model.claim_check import answered_before
from app.property.reading.model.page_kind import NONE, SEVERAL
from app.property.reading.past_events import without_past
from app.property.reading.ranking import Winner, rank, same
from app.property.reading.readings import typed
from app.property.reading.scorer import with_confidence
from app.property.record import DERIVED_FIELDS, FIELDS, WITH_PROPERTY, Evidence, Method, PageKind, PropertyRecord, fits
from app.settings.forms import ModelUse

_LOG = logging.getLogger(__name__)

#: A reader reads one kind of markup or text. If a reader raises an error, its remaining values are lost; the other
#: readers still run.
Reader = Callable[[Document], Iterable[Reading | Candidate]]
#: The readers by their names in `weights.toml`. Add a new reader here.
READERS: Mapping[str, Reader] = {
    **{"jsonld": jsonld.read, "microdata": microdata.read, "opengraph": opengraph.read, "state": state.read},
    **{"jsonbody": jsonbody.read, "tables": tables.read, "labels": labels.read, "remarks": remarks.read},
    **{"listed_by": listed_by.read, "us_address": us_address.read, "phrases": phrases.read},
    **{"headlines": headlines.read, "foreign_address": foreign_address.read, "county_office": county_office.read},
    **{"unlabeled_price": unlabeled_price.read, "offers": offers.read, "map": map_points.read},
}
#: The readers for a whole JSON body (`_OF_JSON`), and for one of several objects in a body (`_OF_ROW`).
_OF_JSON: Mapping[str, Reader] = {"jsonbody": jsonbody.read, "headlines": headlines.key_in_address}
_OF_ROW: Mapping[str, Reader] = {"jsonbody": jsonbody.read}
#: For each field, the other fields that a model may answer when it is asked for this field.
_COMPANIONS: Mapping[str, tuple[str, ...]] = {name: (*BOUND.get(name, ()), *COUNTED.get(name, ())) for name in FIELDS}
_MODEL = "model"
#: Fields whose value names one property, and the least confidence of a value that helps to classify the page.
_NAMES_ONE, _LEAST_STATED = frozenset((*of_kind("identifier"), ADDRESS_FIELDS["street"])), 0.4
#: Candidates are ranked and checked at most this many times, because any number of them may fail.
_MOST_ROUNDS = 4


#: A reader that runs last and receives the candidates of all other readers.
LastReader = Callable[[Document, Sequence[Candidate]], Iterable[Candidate]]


def extract(page: Page, *, lang: str | None = None, last: LastReader | None = None) -> Extraction:
    """Read the page without a model. `lang` (ISO 639-1) overrides the page's language.

    The candidates of `last` are ranked and checked with all other candidates. For search, blocked, and gone pages, the
    result has that kind and an empty record.
    """
    return _extracted(Document(page, lang), last)


def extract_rows(
    page: Page, is_worth: Callable[[str], bool], *, most: int = 200, last: LastReader | None = None
) -> list[Extraction]:
    """Read each object of a JSON body that lists several objects, in order; return an empty list for any other body.

    Only the first `most` objects whose JSON text passes `is_worth` are read. Each object is read without the others.
    """
    document = Document(page)
    found = objects_in(document.json) if document.json is not None else []
    worth = (row for value, row in found if is_worth(json.dumps(value, ensure_ascii=False)))
    rows = islice(worth, most) if len(found) > 1 else ()
    return [_extracted(document.of_row(row), last) for row in rows]


def _extracted(document: Document, last: LastReader | None = None) -> Extraction:
    page, notes = document.page, list[str]()
    found = without_past(_all_candidates(document, notes), document)
    markup = check_markup([*found, *(last(document, found) if last is not None else ())], document)
    candidates = markup.kept
    stated: dict[str, float] = {}
    for candidate in candidates:
        stated[candidate.field] = max(stated.get(candidate.field, 0.0), candidate.confidence)
    names = [str(c.value) for c in candidates if c.field in _NAMES_ONE and c.confidence >= _LEAST_STATED]
    found_kind = classify(document, {name: best for name, best in stated.items() if best >= _LEAST_STATED}, names)
    kind = found_kind.kind
    empty = Extraction(
        page,
        kind,
        found_kind.reason,
        PropertyRecord(),
        tuple(candidates),
        notes=tuple(notes),
        denied=tuple(markup.denied),
        distrusted=markup.distrusted,
        row=document.row,
        in_doubt=found_kind.in_doubt,
    )
    if kind not in WITH_PROPERTY:
        return empty
    return _built(empty, _winners(candidates, document, kind))


def with_model_values(
    extraction: Extraction,
    candidates: Sequence[Candidate],
    dropped: int,
    *,
    lang: str | None = None,
    use: ModelUse = "missing",
) -> Extraction:
    """Add a model's verified values (`candidates`) for the fields in `extraction.asked(use)` and their `_COMPANIONS`.

    All candidates are ranked, checked, and scored again. Markup that the visible page contradicted stays rejected.
    `dropped` is added to the count of dropped values. `lang` is the `lang` passed to `extract`.
    """
    asked = {name for field in extraction.asked(use) for name in (field, *_COMPANIONS.get(field, ()))}
    offered = [
        replace(c, reader=c.reader or _MODEL) for c in candidates if c.field in asked and _is_valid(c.field, c.value)
    ]
    document = Document(extraction.page, lang, extraction.distrusted)
    document = document if extraction.row is None else document.of_row(extraction.row)
    everything = (*extraction.candidates, *without_past(offered, document))
    known = replace(extraction, candidates=everything, dropped=extraction.dropped + dropped)
    if not offered or extraction.kind not in WITH_PROPERTY:
        return known
    return _built(known, _winners(everything, document, extraction.kind))


def with_page_kind(extraction: Extraction, said: Any) -> Extraction:
    """Return the extraction with the kind that a model said, if the kind is in doubt: of a page with several properties
    or none, nothing is kept.
    """
    kind = {SEVERAL: PageKind.SEARCH, NONE: PageKind.NO_RESULT}.get(said) if isinstance(said, str) else None
    if kind is None or not extraction.in_doubt:
        return extraction
    reason = f"a model that read the page says that it is about {said}"
    return replace(extraction, kind=kind, reason=reason, record=PropertyRecord(), doubtful=(), scores={})


def with_paid_values(extraction: Extraction, evidence: Mapping[str, Evidence]) -> Extraction:
    """Add the values that a model read from the same body earlier. `evidence` is the earlier record's evidence."""
    paid = [answered_before(name, proof) for name, proof in evidence.items() if proof.method is Method.LLM]
    return with_model_values(extraction, paid, 0) if paid else extraction


def _winners(candidates: Sequence[Candidate], document: Document, kind: PageKind) -> dict[str, Winner]:
    """Return the winners that pass the consistency checks, with their confidence.

    If a model answered a field and the field's winner fails the checks, the next candidate replaces the winner. Without
    this replacement, an invalid value from the page could win over a valid answer, and the field would stay empty.
    """
    answered = {c.field for c in candidates if c.method is Method.LLM}
    left, kept = list(candidates), dict[str, Winner]()
    for _ in range(_MOST_ROUNDS):
        ranked = rank(left)
        kept = make_consistent(ranked, left, document, kind)
        failed = {name: ranked[name].candidate for name in answered if name in ranked and name not in kept}
        if not failed:
            break
        left = [c for c in left if c.field not in failed or not same(c, failed[c.field])]
    return with_confidence(with_exact_evidence(kept, document), document, kind)


def _all_candidates(document: Document, notes: list[str]) -> list[Candidate]:
    found: list[Candidate] = []
    readers = READERS if document.root is not None else _OF_JSON if document.row is None else _OF_ROW
    for name, read in readers.items():
        try:
            found.extend(replace(one, reader=name) for one in typed(read(document), document.locale))
        except Exception as exc:  # a page may make one reader fail; the others continue
            if isinstance(exc, (PageTooComplexError, MemoryError, *INTERRUPTIONS)):
                raise
            _LOG.warning("reader %s failed on %s: %s: %s", name, document.page.final_url, type(exc).__name__, exc)
            notes.append(f"{name} failed: {type(exc).__name__}")
    return found


def _built(extraction: Extraction, winners: dict[str, Winner]) -> Extraction:
    kept = {name: w for name, w in winners.items() if _is_valid(name, w.candidate.value)}
    read = {name: _evidence(w, extraction.page) for name, w in kept.items() if name not in DERIVED_FIELDS}
    known = {**read, **derive({name: found.value for name, found in read.items()}, read)}
    evidence = {name: known[name] for name in FIELDS if name in known}
    record = PropertyRecord(values={name: e.value for name, e in evidence.items()}, evidence=evidence)
    doubtful = tuple(name for name in read if kept[name].doubtful and FIELDS[name].ask_model)
    scores = {name: w.score for name, w in kept.items() if name in read and w.score is not None}
    return replace(extraction, record=record, doubtful=doubtful, scores=scores)


def _is_valid(name: str, value: Any) -> bool:
    if not fits(name, value):
        _LOG.warning("%s: a value of type %s was dropped", name, type(value).__name__)
        return False
    return True


def _evidence(winner: Winner, page: Page) -> Evidence:
    found = winner.candidate
    return Evidence(
        value=found.value,
        raw=found.raw[:2000],
        unit=found.unit,
        method=found.method,
        locator=found.locator,
        quote=found.quote[:500],
        source_url=page.final_url,
        fetched_at=page.fetched_at,
        content_sha256=page.sha256,
        confidence=max(0.0, min(1.0, winner.confidence)),
        rendered=page.rendered,
    )
