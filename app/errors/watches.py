"""Errors of watches and their budget."""

from __future__ import annotations

from typing import ClassVar

from app.errors import PropertyIntelligenceError


class InvalidWatchError(PropertyIntelligenceError):
    """The target cannot be watched, or not with these options."""

    code = "invalid_watch"
    fact_names: ClassVar[tuple[str, ...]] = ("what", "problem")
    sentence = "{what} cannot be watched: {problem}."


class TooManyWatchesError(PropertyIntelligenceError):
    """A request exceeds the limit of watches; no watch was created."""

    code = "too_many_watches"
    fact_names: ClassVar[tuple[str, ...]] = ("there", "wanted", "most")
    sentence = "There are {there} watches, and {wanted} more would exceed the limit of {most}; none was created."
    remedy = "Remove some with `propintel watches remove`, or raise WATCH_MAX_WATCHES."


class WatchBudgetSpentError(PropertyIntelligenceError):
    """The daily budget of all watches is used up. The job continues on the next UTC day."""

    code = "watch_budget"
    fact_names: ClassVar[tuple[str, ...]] = ("what", "limit", "variable", "resets_at", "retry_after_seconds")
    sentence = "Watches have used up today's budget of {limit} {what}; the job continues at {resets_at}."
    remedy = "Raise {variable}, or watch fewer properties."
    transient = True
