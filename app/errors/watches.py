"""Watches, and the budget that they share."""

from __future__ import annotations

from typing import ClassVar

from app.errors import PropertyIntelligenceError


class InvalidWatchError(PropertyIntelligenceError):
    """What cannot be watched, or not so."""

    code = "invalid_watch"
    fact_names: ClassVar[tuple[str, ...]] = ("what", "problem")
    sentence = "{what} cannot be watched: {problem}."


class TooManyWatchesError(PropertyIntelligenceError):
    """There would be more watches than are allowed; none was made."""

    code = "too_many_watches"
    fact_names: ClassVar[tuple[str, ...]] = ("there", "wanted", "most")
    sentence = "There are {there} watches, and {wanted} more would be above the limit of {most}; none was made."
    remedy = "Remove some with `propintel watch remove`, or raise WATCH_MAX_WATCHES."


class WatchBudgetSpentError(PropertyIntelligenceError):
    """What all watches together may ask on one UTC day is used up: the job goes on when the next one begins."""

    code = "watch_budget"
    fact_names: ClassVar[tuple[str, ...]] = ("what", "limit", "variable", "resets_at", "retry_after_seconds")
    sentence = "Watches have used up today's budget of {limit} {what}; the job goes on at {resets_at}."
    remedy = "Raise {variable}, or watch less."
    transient = True
