"""Rotate through the keys in order: the one whose turn is longest ago goes next."""

from app.keypool.strategies import KeyView

LUA = "turn"


def score(view: KeyView, chance: float) -> float:  # noqa: ARG001 (every strategy takes both)
    """Its latest turn; equal ones (never used) keep the configured order."""
    return float(view.turn)
