"""How a receiver of webhooks is tried again: soon at first, then at longer and longer intervals, for almost a day.

What is told and where that is noted is `batch_callbacks` and `health.telling`; sending is `webhooks`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from app.errors.webhooks import WebhookError
from app.services.delivery.webhooks import TIMEOUT_SECONDS

#: above what one attempt may take: whose lease ran out is dead
LEASE_SECONDS = 6 * TIMEOUT_SECONDS
#: no new attempts are begun after this; with those under way a run ends within twice the time
PATIENCE_SECONDS = 10.0
_FIRST_WAIT_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 3600.0
#: 10 s, doubled up to an hour: with the 32nd attempt almost a day (23.4 h) has passed
MAX_ATTEMPTS = 32


def wait_after(attempt: int) -> float | None:
    """Seconds from a failed attempt (the first is 1) to the next; None after the last."""
    if attempt >= MAX_ATTEMPTS:
        return None
    return min(_FIRST_WAIT_SECONDS * 2.0 ** (attempt - 1), LONGEST_WAIT_SECONDS)


def again_at(attempt: int, error: WebhookError, now: datetime) -> datetime | None:
    """When to try again after this attempt has failed; None: never, all attempts are used or another is in vain."""
    seconds = wait_after(attempt) if error.transient else None
    return now + timedelta(seconds=seconds) if seconds is not None else None


def then(again: datetime | None) -> str:
    """The same for the log."""
    return f"next attempt at {again.isoformat(timespec='seconds')}" if again else "given up"
