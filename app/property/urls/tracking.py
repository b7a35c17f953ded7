"""Remove the tracking parameters listed in `tracking_parameters.txt` from queries."""

from functools import cache
from importlib.resources import files
from urllib.parse import unquote


def without_tracking(query: str) -> str:
    if not query:
        return query
    return "&".join(part for part in query.split("&") if not is_tracking(part.partition("=")[0]))


def is_tracking(name: str) -> bool:
    """Return whether the parameter `name`, which may be percent-encoded, is a tracking parameter."""
    name = unquote(name).lower()
    exact, prefixes = _names()
    return name in exact or name.startswith(prefixes)


@cache
def _names() -> tuple[frozenset[str], tuple[str, ...]]:
    text = files(__package__).joinpath("tracking_parameters.txt").read_text("utf-8")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return (
        frozenset(line for line in lines if not line.endswith("*")),
        tuple(line.removesuffix("*") for line in lines if line.endswith("*")),
    )
