"""The key whose tightest bucket has most room, for keys of unequal limits."""

from app.keypool.strategies import KeyView

LUA = "(1.0 - headroom) + chance * 1e-6"


def score(view: KeyView, chance: float) -> float:
    """Its used share; equal ones by chance."""
    return (1.0 - view.headroom) + chance * 1e-6
