"""The fit of the confidence weights is reproducible and finds a bounded minimum. It is evaluated on pages that were not
used for the fit.
"""

import math
import random

import pytest

from app.property.reading.base import Facts
from benchmarks.extraction.fitting import Read, cross_validated, fitted, site_of
from benchmarks.extraction.regression import Example, fit, logistic
from benchmarks.extraction.scorer import Outcome


def _free(_name: str) -> tuple[float, float]:
    return -math.inf, math.inf


def test_at_the_minimum_every_weight_is_at_its_bound_or_has_no_gradient() -> None:
    """Only the minimum has this property. A fit that starts from other weights finds the same minimum."""
    dice = random.Random(8)
    rows = [{"bias": 1.0, "up": dice.random(), "down": dice.random()} for _ in range(400)]
    examples = [Example(row, dice.random() < logistic(1.0 - row["up"])) for row in rows]

    def bounds(name: str) -> tuple[float, float]:
        return (0.0 if name == "up" else -math.inf), (0.0 if name == "down" else math.inf)

    weights = fit(examples, lambda _: 1.0, bounds)
    assert weights["up"] == 0.0, "a feature that must not lower a score lowers it"
    for name, weight in weights.items():
        slope = weight
        for one in examples:
            odds = sum(weights[n] * v for n, v in one.features.items())
            slope += (logistic(odds) - one.right) * one.features[name]
        assert abs(slope) < 0.01 or (weight == 0.0 and (slope > 0) is (name == "up"))
    again = fit(examples, lambda _: 1.0, bounds, start={"bias": 5.0, "up": 3.0, "down": -3.0})
    assert again == pytest.approx(weights, abs=1e-3)


def _reads() -> list[Read]:
    reads = []
    for site in range(20):
        good = site != 0
        features = {"bias": 1.0, "strength": 0.7, "reader.labels" if good else "reader.odd": 1.0}
        for page in range(5):
            outcome = Outcome(f"{site}-{page}", "price", 1, 1, "ListPrice", "right" if good else "wrong")
            reads.append(Read("seventh", f"{site}.example", {"ListPrice": Facts(features, 0.99)}, (outcome,)))
    return reads


def test_a_site_is_evaluated_with_weights_that_did_not_see_it() -> None:
    reads = _reads()
    seen = fitted(reads)
    new, by_hand = cross_validated(reads)["seventh"]
    assert "reader.odd" in seen
    assert (sum(band.count for band in new), sum(band.count for band in by_hand)) == (100, 100)
    assert (new[0].count, new[0].right) == (100, 95), "the weights know the held-out site"


def test_a_fit_is_reproducible_in_any_order() -> None:
    reads = _reads()
    assert fitted(reads) == fitted(list(reversed(reads)))


def test_values_that_are_bounded_low_are_not_examples() -> None:
    reads = _reads()
    unshown = Read("seventh", "0.example", {"City": Facts({"bias": 1.0, "reader.meta": 1.0}, 0.45)}, ())
    outcome = Outcome("x", "city", "A", "B", "City", "wrong")
    assert "reader.meta" not in fitted([*reads, Read("seventh", "0.example", unshown.facts, (outcome,))])


def test_pages_are_grouped_by_folder_then_host_else_alone() -> None:
    assert site_of("real", "html/daft.ie/1.html", None) == site_of(
        "more", "more/daft.ie/2.html", "https://www.daft.ie/2"
    )
    assert site_of("sixth", "html/card.html", "https://gis.calusa.example/1") == "gis.calusa.example"
    assert site_of("us", "html/card.html", None) != site_of("world", "html/card.html", None)
