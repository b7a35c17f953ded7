"""Rotation strategies: how to choose among the OpenAI keys that can take a request now."""

from app.errors import ConfigurationError

#: Maps each strategy to a Lua expression. The key with the lowest value is used. Among equal values, the first key in
#: the configuration is used. An expression may use these values of a key: `latest_lease` is the serial number of its
#: latest lease (0 if never used). `requests_last_hour` is estimated from the counts of two clock hours. `headroom` is
#: the unused share of its most used rate limit (0 to 1). `chance` is a random number in [0, 1), new for each decision.
STRATEGIES = {
    # counts only the last hour, because with total counts a new key would get every request for a long time
    "least_used": "requests_last_hour + chance",
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
