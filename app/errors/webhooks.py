"""What is told to others."""

from __future__ import annotations

from typing import ClassVar

from app.errors import PropertyIntelligenceError


class InvalidCallbackError(PropertyIntelligenceError):
    """What is to be told is no URL that a webhook can be sent to."""

    code = "invalid_callback"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "problem")
    sentence = "Callback URL {url!r}: {problem}."
    remedy = "Give an absolute http:// or https:// URL without user name, on port 80, 443 or above 1023."


class WebhookError(PropertyIntelligenceError):
    """The receiver did not take a webhook. `reason` names it by its origin: the rest of its URL may be a secret."""

    code = "webhook_failed"
    fact_names: ClassVar[tuple[str, ...]] = ("reason",)
    sentence = "The webhook was not delivered: {reason}."
    transient = True


class WebhookRefusedError(WebhookError):
    """Nothing would change with another attempt: a place where no webhook goes, or one that wants no more."""

    code = "webhook_refused"
    remedy = "A receiver in your own network needs its range in FETCH_ALLOWED_PRIVATE_NETWORKS."
    transient = False
