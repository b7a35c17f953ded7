"""Errors of webhooks."""

from app.errors import PropertyIntelligenceError


class InvalidCallbackError(PropertyIntelligenceError, code="invalid_callback", facts="url problem"):
    """A callback URL cannot receive webhooks."""

    sentence = "Callback URL {url!r}: {problem}."
    remedy = "Use an absolute http:// or https:// URL without a user name, on port 80, 443 or above 1023."


class WebhookError(PropertyIntelligenceError, code="webhook_failed", facts="reason"):
    """A webhook was not delivered. `reason` names the origin only, because the rest of the URL may be secret."""

    sentence = "The webhook was not delivered: {reason}."
    transient = True


class WebhookRefusedError(WebhookError, code="webhook_refused"):
    """A retry cannot help: webhooks may not be sent to this receiver, or it refuses them."""

    remedy = "A receiver in your own network needs its range in FETCH_ALLOWED_PRIVATE_NETWORKS."
    transient = False
