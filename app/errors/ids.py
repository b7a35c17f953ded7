"""Errors about ids that a user typed."""

from app.errors import NotFoundError, PropertyIntelligenceError


class UnknownIdError(NotFoundError, code="unknown_id", facts="kind id command"):
    """No id starts with the text that the user typed."""

    remedy = "Give at least 4 characters of an ID that `{command}` lists."


class AmbiguousIdError(PropertyIntelligenceError, code="ambiguous_id", facts="kind id matches"):
    """Several ids start with the text that the user typed."""

    sentence = "{id} is ambiguous: it may be {kind} {matches}."
    remedy = "Give more characters."
