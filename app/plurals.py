"""Write a count with its noun."""

import re


def counted(number: float, one: str, many: str = "") -> str:
    """Return `1 page`, `2,000 pages`, or `1.5 pages` for the noun phrase `one`. `many` is an irregular plural."""
    shown = int(number) if number == int(number) else number
    return f"{shown:,} {one if number == 1 else many or plural_of(one)}"


def plural_of(one: str) -> str:
    if re.search("[^aeiou]y$", one):
        return f"{one[:-1]}ies"
    return f"{one}es" if re.search("(s|x|z|ch|sh)$", one) else f"{one}s"
