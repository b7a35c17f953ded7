"""Errors of webhooks."""

from __future__ import annotations

from typing import ClassVar

from app.errors import PropertyIntelligenceError


class InvalidCallbackError(PropertyIntelligenceError):
    """A callback URL cannot receive webhooks."""

    code = "invalid_callback"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "problem")
    sentence = "Callback URL {url!r}: {problem}."
    remedy = "Use an absolute http:// or https:// URL without a user name, on port 80, 443 or above 1023."


class WebhookError(PropertyIntelligenceError):
    """A webhook was not delivered. `reason` names the origin only, because the rest of the URL may be secret."""

    code = "webhook_failed"
    fact_names: ClassVar[tuple[str, ...]] = ("reason",)
    sentence = "The webhook was not delivered: {reason}."
    transient = True


class WebhookRefusedError(WebhookError):
    """A retry cannot help: webhooks may not be sent to this receiver, or it refuses them."""

    code = "webhook_refused"
    remedy = "A receiver in your own network needs its range in FETCH_ALLOWED_PRIVATE_NETWORKS."
    transient = False
