"""Values that are computed, never read: equity from an estimate and the last sale, the Google Earth link."""

from __future__ import annotations

from urllib.parse import quote

from app.property.extract.base import Candidate
from app.property.extract.ranking import Winner
from app.property.normalise.numbers import tidy
from app.property.record import Method

#: https://earth.google.com/web/search/<query>: the link that the web client makes of a search (seen 2025-06)
_EARTH = "https://earth.google.com/web/search/"


def derived(winners: dict[str, Winner]) -> dict[str, Winner]:
    """The computed fields for which `winners` has what they need."""
    found: dict[str, Winner] = {}
    for end in ("Low", "High"):
        estimate, sale = winners.get(f"X_EstimatedValue{end}"), winners.get("ClosePrice")
        if estimate and sale:
            equity = tidy(estimate.candidate.value - sale.candidate.value)
            found[f"X_PotentialEquity{end}"] = _made(f"X_PotentialEquity{end}", equity, (estimate, sale))
    query, sources = _place(winners)
    if query:
        found["X_GoogleEarthUrl"] = _made("X_GoogleEarthUrl", _EARTH + quote(query), sources)
    return found


def _place(winners: dict[str, Winner]) -> tuple[str, tuple[Winner, ...]]:
    point = [winners[n] for n in ("Latitude", "Longitude") if n in winners]
    if len(point) == 2:
        return ",".join(str(w.candidate.value) for w in point), tuple(point)
    parts = [winners[n] for n in ("UnparsedAddress", "City", "StateOrProvince", "PostalCode") if n in winners]
    if "UnparsedAddress" not in winners or len(parts) < 2:
        return "", ()
    return ", ".join(str(w.candidate.value) for w in parts), tuple(parts)


def _made(field: str, value: object, sources: tuple[Winner, ...]) -> Winner:
    names = " ".join(w.candidate.field for w in sources)
    quote_ = "; ".join(f"{w.candidate.field}={w.candidate.value}" for w in sources)
    confidence = min(w.confidence for w in sources)
    made = Candidate(field, value, str(value), Method.DERIVED, names, quote_, confidence)
    return Winner(made, confidence, False)
