"""Match a text that a user wrote with one of a few names, and suggest the names near a wrong one."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

_MANY = 3


def plain(text: str) -> str:
    """Return the letters and digits of `text` in lower case, so that spelling and separators do not matter."""
    return re.sub(r"[\W_]+", "", text).casefold()


def choose(text: str, names: Iterable[str]) -> str | None:
    """Return the one of `names` that `text` means: `Coming-soon`, `coming_soon`, and `ComingSoon` are the same."""
    wanted = plain(text)
    return next((name for name in names if plain(name) == wanted), None)


def suggestion(text: str, names: Iterable[str]) -> str:
    """Return `Did you mean a or b?` with the names near `text`, or "" if none is near."""
    by_plain = {plain(name): name for name in names}
    close = get_close_matches(plain(text)[:100], by_plain, _MANY)
    return f"Did you mean {' or '.join(by_plain[name] for name in close)}?" if close else ""


def require_choice(text: str, names: Iterable[str]) -> str:
    """Return the one of `names` that `text` means. Raises `ValueError` with all of them."""
    names = list(names)
    chosen = choose(text, names)
    if chosen is None:
        hint = suggestion(text, names)
        raise ValueError(f"{text[:100]!r} is not one of {', '.join(names)}.{f' {hint}' if hint else ''}")
    return chosen
