"""Logistic regression with an L2 penalty and bounds on the weights, by coordinate descent.

The loss is convex and its minimum unique, so a fit is reproducible.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

#: The longest step of a weight. A fit ends when every weight moves by less than the tolerance, or after the last round.
_LONGEST_STEP, _TOLERANCE, _MOST_ROUNDS = 2.0, 1e-5, 2_000


@dataclass(frozen=True, slots=True)
class Example:
    """The nonzero features of one value, whether the value is correct, and its weight in the fit."""

    features: Mapping[str, float]
    right: bool
    weight: float = 1.0


def fit(
    examples: Sequence[Example],
    penalty: Callable[[str], float],
    bounds: Callable[[str], tuple[float, float]],
    start: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Return the weight of each feature, by name. `start` changes only the duration, not the result.

    Minimizes log loss + sum of `penalty(feature)` / 2 * weight², each weight within its `bounds`.
    """
    columns: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for row, example in enumerate(examples):
        for name, value in example.features.items():
            columns[name].append((row, value))
    names = sorted(columns)
    weights = {name: (start or {}).get(name, 0.0) for name in names}
    odds = [sum(weights[name] * value for name, value in one.features.items()) for one in examples]
    right = [float(one.right) for one in examples]
    counts = [one.weight for one in examples]
    for _ in range(_MOST_ROUNDS):
        moved = 0.0
        for name in names:
            slope, curve = penalty(name) * weights[name], penalty(name)
            for row, value in columns[name]:
                chance = logistic(odds[row])
                slope += counts[row] * (chance - right[row]) * value
                curve += counts[row] * chance * (1.0 - chance) * value * value
            low, high = bounds(name)
            step = max(-_LONGEST_STEP, min(_LONGEST_STEP, slope / max(curve, 1e-9)))
            step = max(low, min(high, weights[name] - step)) - weights[name]
            if step:
                weights[name] += step
                moved = max(moved, abs(step))
                for row, value in columns[name]:
                    odds[row] += step * value
        if moved < _TOLERANCE:
            break
    return weights


def logistic(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-500.0, min(500.0, odds))))
