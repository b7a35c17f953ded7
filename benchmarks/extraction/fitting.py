"""`python -m benchmarks.extraction.fitting [--check]`: fit the weights of confidence on all labeled pages.

Writes the weights, and prints the reliability of the confidences for each batch, next to the reliability with the
manual weights that ADR 0052 replaced. The figures are cross-validated: the weights that score a value were fitted
without the pages of its site. With --check nothing is written, and the exit code is 1 if the stored weights differ.
"""

import argparse
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from app.property.reading.base import Extraction, Facts
from app.property.reading.model.claim_check import check_claims
from app.property.reading.model.prompt import build_prompt
from app.property.reading.pipeline import with_model_values
from app.property.reading.scorer import LOWERS, RAISES, WEIGHTS_FILE, Weights, scored
from app.property.record import Method
from benchmarks.extraction.bands import Band, calibration_error, reliability
from benchmarks.extraction.batches import AT_FIRST, runs
from benchmarks.extraction.disputed import undisputed
from benchmarks.extraction.regression import Example, fit
from benchmarks.extraction.run import Run, labeled_pages
from benchmarks.extraction.scorer import LABELS, Outcome, score
from benchmarks.extraction.simulated import answers, planted

_FOLDS = 10
#: The L2 penalty on weights. A third of this penalty, or three times as much, gives similar figures.
_PENALTY = 3.0
#: Marks values of pages that the rules were written for, where rules make fewer errors. The weight of this feature
#: absorbs that effect, and is then dropped.
_TUNED = "tuned"
_UNTUNED = AT_FIRST.keys() | {"more"}
#: The weight of a wrong value in a fit. A correct value has the weight 1, because an unnecessary review costs less than
#: an error.
_WRONG_WEIGHT = 1.5
_MODEL = "reader.model"
#: Values whose confidence is limited to this or less are not used as examples.
_LEAST_MOST = 0.5
_HEAD = f"{'values':>6} {'right':>6} {'share':>6} {'error':>6}"
#: The manual weights of ADR 0024 for the current features. In that ADR, the bias of 1.95 applied to a label with the
#: strength 0.7.
_BY_HAND: Weights = {
    **{"bias": 1.95 - 2.5 * 0.7, "strength": 2.5, "other_methods": 1.1, "other_places": 0.6, "rival": -2.0},
    **{"strong_checks": 1.0, "plausible_checks": 0.3, "failed_checks": -2.0},
}
_ROLES_BY_HAND = {"ListAgentFullName": -1.0, "ListOfficeName": -1.0, "ListingId": -0.4, "SubdivisionName": -0.4}


@dataclass(frozen=True, slots=True)
class Read:
    """A page as read by rules, or as read with an answer of the simulated model. `outcomes` are the labeled values."""

    batch: str
    site: str
    facts: Mapping[str, Facts]
    outcomes: tuple[Outcome, ...]
    by_model: bool = False


def main(arguments: list[str] | None = None) -> int:
    """Fit, write the weights, and print the figures. Return 2 if pages are missing, 1 if the stored weights differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.extraction.fitting", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare with the stored weights")
    chosen = parser.parse_args(arguments)
    folder = labeled_pages()
    if folder is None:
        return 2
    reads = [read for name, done in runs(folder) for read in _reads(name, done)]
    weights = fitted(reads)
    figures = cross_validated(reads, weights)
    stored, fresh = WEIGHTS_FILE.read_text("utf-8"), as_toml(weights, reads, figures["all"])
    if not chosen.check:
        WEIGHTS_FILE.write_text(fresh, "utf-8")
    print(f"{'':13} cross-validated                     set by hand")
    print(f"{'batch':13} {_HEAD}   {_HEAD}")
    for name, (new, old) in figures.items():
        print(f"{name:13} {_shown(new)}   {_shown(old)}")
    if chosen.check and stored != fresh:
        sys.stderr.write(f"{WEIGHTS_FILE.name} is not what the labeled pages give: run `make fit` and commit it.\n")
        return 1
    return 0


def fitted(reads: Sequence[Read], start: Weights | None = None) -> dict[str, float]:
    weights = fit(list(_examples(reads)), _penalty, _bounds, start)
    return {name: round(weight, 2) + 0.0 for name, weight in weights.items() if name != _TUNED}


def cross_validated(reads: Sequence[Read], start: Weights | None = None) -> dict[str, tuple[list[Band], list[Band]]]:
    """Return the confidence bands with cross-validated weights, and with the manual weights.

    The keys are the names of the batches (values read by rules), "model" (values of the simulated model), and "all"
    (all values read by rules).
    """
    sizes = Counter(read.site for read in reads for _ in read.outcomes)
    ordered = sorted(sizes, key=lambda site: (-sizes[site], site))
    fold_of = {site: place % _FOLDS for place, site in enumerate(ordered)}
    weights = [fitted([r for r in reads if fold_of.get(r.site) != fold], start) for fold in range(_FOLDS)]
    rated = [(read, scored(read.facts, weights[fold_of[read.site]])) for read in reads if read.outcomes]
    groups = dict.fromkeys(read.batch for read in reads)
    bands: dict[str, tuple[list[Band], list[Band]]] = {}
    for group in (*groups, "model", "all"):
        among = [(r, s) for r, s in rated if (group == "model") is r.by_model and group in (r.batch, "model", "all")]
        outcomes = [replace(outcome, file=str(place)) for place, (r, _) in enumerate(among) for outcome in r.outcomes]
        new = {str(place): {name: one.confidence for name, one in s.items()} for place, (_, s) in enumerate(among)}
        old = {str(place): by_hand(r.facts) for place, (r, _) in enumerate(among)}
        bands[group] = reliability(outcomes, new), reliability(outcomes, old)
    return bands


def by_hand(facts: Mapping[str, Facts]) -> dict[str, float]:
    with_roles = {
        name: Facts({**one.features, "role": _ROLES_BY_HAND.get(name, 0.0)}, one.most, one.bound, one.sources)
        for name, one in facts.items()
    }
    return {name: one.confidence for name, one in scored(with_roles, {**_BY_HAND, "role": 1.0}).items()}


def as_toml(weights: Weights, reads: Sequence[Read], figures: tuple[list[Band], list[Band]]) -> str:
    new, _ = figures
    values = sum(band.count for band in new)
    ordered = sorted(weights.items(), key=lambda one: ("." in one[0], one[0]))
    rows = "\n".join(f'"{name}" = {weight:.2f}' for name, weight in ordered)
    return f"""# Written by `make fit`; do not edit.
# What each feature of a value adds to the log-odds that the value is right: docs/decisions/0052.

[fitted]
pages = {len({(r.batch, o.file) for r in reads for o in r.outcomes})}
values = {values}
values_of_simulated_model = {sum(len(r.outcomes) for r in reads if r.by_model)}
# cross-validated by site, of values read by rules
share_right_at_90 = {(new[0].share_right or 0.0):.3f}
share_at_90 = {new[0].count / values:.3f}
calibration_error = {calibration_error(new):.3f}

[weights]
{rows}
"""


def _examples(reads: Iterable[Read]) -> Iterator[Example]:
    for read in reads:
        for outcome in read.outcomes:
            facts = read.facts[str(outcome.field)]
            if facts.most > _LEAST_MOST:
                tuned = {_TUNED: 1.0} if read.batch not in _UNTUNED and not read.by_model else {}
                right = outcome.verdict != "wrong"
                yield Example({**facts.features, **tuned}, right, 1.0 if right else _WRONG_WEIGHT)


def _penalty(feature: str) -> float:
    return 0.0 if feature == "bias" else _PENALTY


def _bounds(feature: str) -> tuple[float, float]:
    raises = feature in RAISES or feature == _TUNED or feature.startswith("reader.")
    return 0.0 if raises else -math.inf, 0.0 if feature in LOWERS else math.inf


def _shown(bands: Sequence[Band]) -> str:
    values = sum(band.count for band in bands)
    share = bands[0].share_right
    right = f"{share:.3f}" if share is not None else "-"
    return f"{values:6} {right:>6} {bands[0].count / max(1, values):6.3f} {calibration_error(bands):6.3f}"


def _reads(batch: str, done: Run) -> Iterator[Read]:
    """Yield each page read by rules, by the simulated model's correct answers, and by each accepted wrong answer."""
    for row in done.truth:
        extraction = done.extractions[row["file"]]
        site = site_of(batch, row["file"], row["url"])
        yield Read(batch, site, _facts(extraction), _outcomes(extraction, row))
        prompt = build_prompt(extraction, use="always")
        claims = list(answers(prompt, row))
        kept, _ = check_claims({one.field: (one.value, one.quote) for one in claims}, prompt)
        both = with_model_values(extraction, kept, 0, use="always")
        yield Read(batch, site, _facts(both), _by_model_alone(both, row), by_model=True)
        for wrong in planted(claims, prompt, row):
            accepted, _ = check_claims({wrong.field: (wrong.value, wrong.quote)}, prompt)
            if accepted:
                both = with_model_values(extraction, accepted, 0, use="always")
                outcomes = tuple(o for o in _by_model_alone(both, row) if o.field == wrong.field)
                yield Read(batch, site, _facts(both), outcomes, by_model=True)


def site_of(batch: str, file: str, url: str | None) -> str:
    """Return a page's site: its folder's name if it is a host, else its URL's host, else a name for this page only."""
    path = PurePosixPath(file)
    if "." in path.parent.name:
        return path.parent.name
    return (urlsplit(url).hostname if url else None) or f"{batch}/{path.stem}"


def _facts(extraction: Extraction) -> dict[str, Facts]:
    return {name: one.facts for name, one in extraction.scores.items()}


def _outcomes(extraction: Extraction, row: Mapping[str, object]) -> tuple[Outcome, ...]:
    """Return the emitted values that have a label, except wrong values for disputed labels.

    A parcel number emitted in place of a missing listing ID counts only for the parcel number's label.
    """
    report = score({str(row["file"]): extraction.record.values}, [row])
    found: dict[str, Outcome] = {}
    for outcome in report.outcomes:
        if outcome.field in extraction.scores and (outcome.field not in found or _is_own_label(outcome)):
            found[str(outcome.field)] = outcome
    return tuple(undisputed(found.values()))


def _is_own_label(outcome: Outcome) -> bool:
    return LABELS[outcome.label][0][0] == outcome.field


def _by_model_alone(extraction: Extraction, row: Mapping[str, object]) -> tuple[Outcome, ...]:
    return tuple(o for o in _outcomes(extraction, row) if o.field and _is_of_model_alone(extraction, o.field))


def _is_of_model_alone(extraction: Extraction, field: str) -> bool:
    readers = [name for name in extraction.scores[field].facts.features if name.startswith("reader.")]
    return readers == [_MODEL] and extraction.record.evidence[field].method is Method.LLM


if __name__ == "__main__":
    sys.exit(main())
