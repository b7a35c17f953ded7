"""Rotation strategies, which rank the keys that can take a request now."""

from __future__ import annotations

from app.errors import ConfigurationError

#: A Lua expression for each name. The key with the lowest value is used; among equal keys, the first in the
#: configuration. The variables of a key are: `latest_lease`, the pool's serial number of its latest lease (0: never);
#: `requests_last_hour`, an estimate for the rolling hour from two clock hours; `headroom`, the free share of its
#: tightest bucket (0 to 1); and `chance`, a random number in [0, 1) for each key and decision.
STRATEGIES = {
    # Only the last hour counts. With totals, a new key would get every request until it has caught up.
    "least_used": "requests_last_hour + chance",
    # This strategy suits keys with unequal limits.
    "most_headroom": "(1.0 - headroom) + chance * 1e-6",
    "random": "chance",
    "round_robin": "latest_lease",
}


def load_strategy(name: str) -> str:
    """Return the strategy's expression. Raises `ConfigurationError`, which lists the valid names."""
    if name not in STRATEGIES:
        problem = f"there is no strategy {name!r}"
        raise ConfigurationError("OPENAI_KEY_ROTATION_STRATEGY", problem, f"Use one of: {', '.join(STRATEGIES)}")
    return STRATEGIES[name]
