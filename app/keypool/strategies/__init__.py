"""Strategies rank the keys that can go now; they decide nothing else. One file each, found by its name.

A strategy module has `LUA`, an expression; the key with the lowest value is taken. It may use, of each key: `turn`, the
pool's running number of its latest lease (0: never), `requests_last_hour`, what it was sent in a rolling hour (an
estimate from two clock hours), `headroom`, the free share of its tightest bucket (0 to 1), and `chance`, uniform in
[0, 1), drawn for each key and each decision. Equal values keep the configured order.
"""

from __future__ import annotations

import importlib
import pkgutil

from app.errors import ConfigurationError


def strategy_names() -> tuple[str, ...]:
    """All strategies there are, in alphabetical order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def load_strategy(name: str) -> str:
    """The strategy's expression. Raises `ConfigurationError` that lists the valid names."""
    if name not in strategy_names():
        problem = f"there is no strategy {name!r}"
        raise ConfigurationError("OPENAI_KEY_ROTATION_STRATEGY", problem, f"Use one of: {', '.join(strategy_names())}")
    expression: str = importlib.import_module(f"{__name__}.{name}").LUA
    return expression
