"""Strategies rank the keys that can go now; they decide nothing else."""

from __future__ import annotations

from app.errors import ConfigurationError

#: By name an expression in Lua: the key with the lowest value is taken, of equal ones the first in the configuration.
#: Of each key it may use `turn`, the pool's running number of its latest lease (0: never), `requests_last_hour`, what
#: it was sent in a rolling hour (an estimate from two clock hours), `headroom`, the free share of its tightest bucket
#: (0 to 1), and `chance`, uniform in [0, 1), drawn for each key and each decision.
STRATEGIES = {
    # so that a key added today is not alone until it has caught up
    "least_used": "requests_last_hour + chance",
    # for keys of unequal limits
    "most_headroom": "(1.0 - headroom) + chance * 1e-6",
    "random": "chance",
    "round_robin": "turn",
}


def load_strategy(name: str) -> str:
    """The strategy's expression. Raises `ConfigurationError` that lists the valid names."""
    if name not in STRATEGIES:
        problem = f"there is no strategy {name!r}"
        raise ConfigurationError("OPENAI_KEY_ROTATION_STRATEGY", problem, f"Use one of: {', '.join(STRATEGIES)}")
    return STRATEGIES[name]
