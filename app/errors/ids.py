"""Errors of ids that a user typed."""

from __future__ import annotations

from typing import ClassVar

from app.errors import NotFoundError, PropertyIntelligenceError


class UnknownIdError(NotFoundError):
    """No id begins with the typed text."""

    code = "unknown_id"
    fact_names: ClassVar[tuple[str, ...]] = ("kind", "id", "command")
    remedy = "Give at least 4 characters of an ID that `{command}` lists."


class AmbiguousIdError(PropertyIntelligenceError):
    """Several ids begin with the typed text."""

    code = "ambiguous_id"
    fact_names: ClassVar[tuple[str, ...]] = ("kind", "id", "matches")
    sentence = "{id} is ambiguous: it may be {kind} {matches}."
    remedy = "Give more characters."
