"""Strategies rank the keys that can go now; they decide nothing else. One file each, found by its name.

A strategy module has a function `score(view: KeyView, chance: float) -> float`, the key with the lowest score is taken,
and the same as an expression `LUA` over `turn`, `requests_last_hour`, `headroom` and `chance`, for the store in Redis.
`chance` is uniform in [0, 1), drawn for each key and each decision.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from app.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class KeyView:
    """What a strategy may know of a key.

    `turn` is the pool's running number of its latest lease (0: never), `requests_last_hour` what it was sent in a
    rolling hour (an estimate from two clock hours), `headroom` the free share of its tightest bucket (0 to 1).
    """

    turn: int
    requests_last_hour: float
    headroom: float


Score = Callable[[KeyView, float], float]


def strategy_names() -> tuple[str, ...]:
    """All strategies there are, in alphabetical order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def load_strategy(name: str) -> Score:
    """The strategy's score function. Raises `ConfigurationError` that lists the valid names."""
    score: Score = _module(name).score
    return score


def strategy_in_lua(name: str) -> str:
    """The strategy's score as a Lua expression. Raises `ConfigurationError` that lists the valid names."""
    expression: str = _module(name).LUA
    return expression


def _module(name: str) -> ModuleType:
    if name not in strategy_names():
        problem = f"there is no strategy {name!r}"
        raise ConfigurationError("OPENAI_KEY_ROTATION_STRATEGY", problem, f"Use one of: {', '.join(strategy_names())}")
    return importlib.import_module(f"{__name__}.{name}")
