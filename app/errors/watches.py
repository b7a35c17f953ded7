"""Errors of watched properties and their budget."""

from app.errors import PropertyIntelligenceError


class InvalidWatchError(PropertyIntelligenceError, code="invalid_watch", facts="what problem"):
    """The target cannot be watched, or the watch's options are invalid."""

    sentence = "{what} cannot be watched: {problem}."


class TooManyWatchesError(PropertyIntelligenceError, code="too_many_watches", facts="there wanted most"):
    """A request would exceed the maximum number of watches. No watch was created."""

    sentence = "Watches: {there} exist, and {wanted} more would exceed the limit of {most}; none was created."
    remedy = "Remove some with `propintel watches remove`, or raise WATCH_MAX_WATCHES."


class WatchBudgetSpentError(
    PropertyIntelligenceError, code="watch_budget", facts="budget variable resets_at retry_after_seconds"
):
    """The daily budget of all watches is used up. The job continues on the next UTC day."""

    sentence = "Watches have used up today's budget of {budget}; the job continues at {resets_at}."
    remedy = "Raise {variable}, or watch fewer properties."
    transient = True
