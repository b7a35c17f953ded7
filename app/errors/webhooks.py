"""Errors about webhooks."""

from app.errors import PropertyIntelligenceError


class InvalidCallbackError(PropertyIntelligenceError, code="invalid_callback", facts="url problem"):
    """A callback URL cannot receive webhooks."""

    sentence = "Callback URL {url!r}: {problem}."
    remedy = "Use an absolute http:// or https:// URL without a user name, on port 80, 443 or above 1023."


class WebhookError(PropertyIntelligenceError, code="webhook_failed", facts="reason"):
    """A webhook was not delivered. `reason` shows only the origin of the URL, because the rest may be secret."""

    sentence = "The webhook was not delivered: {reason}."
    transient = True


class WebhookRefusedError(WebhookError, code="webhook_refused"):
    """Webhooks to this receiver are not allowed, or the receiver rejects the webhook. The webhook is not retried."""

    remedy = "A receiver in your own network needs its range in FETCH_ALLOWED_PRIVATE_NETWORKS."
    transient = False
