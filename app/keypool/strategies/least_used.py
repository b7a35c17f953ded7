"""The key with the fewest requests in a rolling hour, so that a key added today is not alone until it has caught up."""

from app.keypool.strategies import KeyView

LUA = "requests_last_hour + chance"


def score(view: KeyView, chance: float) -> float:
    """Its requests; equal ones by chance."""
    return view.requests_last_hour + chance
