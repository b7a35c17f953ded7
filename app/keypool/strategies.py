"""Rotation strategies. A strategy ranks the keys that can take a request now."""

from app.errors import ConfigurationError

#: A Lua expression by the name of its strategy. The key with the lowest value is used. Among keys with equal values,
#: the first in the configuration is used. An expression may use these variables of a key: `latest_lease`, the serial
#: number of its latest lease (0: never used); `requests_last_hour`, its requests in the last 60 minutes, estimated from
#: two clock hours; `headroom`, the unused share of its most used rate limit (0 to 1); and `chance`, a random number in
#: [0, 1), new for each decision.
STRATEGIES = {
    # Only the last hour counts. If totals counted, a new key would get every request for a long time.
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
