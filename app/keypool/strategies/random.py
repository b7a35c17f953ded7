"""A healthy key by chance, each equally likely."""

from app.keypool.strategies import KeyView

LUA = "chance"


def score(view: KeyView, chance: float) -> float:  # noqa: ARG001 (every strategy takes both)
    """The chance itself."""
    return chance
