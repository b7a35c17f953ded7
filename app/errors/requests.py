"""What a request to the HTTP door is refused for, and lists that are read page by page."""

from __future__ import annotations

from typing import ClassVar

from app.errors import PropertyIntelligenceError


class InvalidTokenError(PropertyIntelligenceError):
    """The request has no token, or one that does not hold. `reason` never quotes the token."""

    code = "unauthenticated"
    fact_names: ClassVar[tuple[str, ...]] = ("reason",)
    sentence = "No valid token: {reason}."
    remedy = "Send `Authorization: Bearer TOKEN`; `propintel token --role manager --subject NAME` makes one."


class RoleNotAllowedError(PropertyIntelligenceError):
    """The token holds, but its role may not do this."""

    code = "forbidden"
    fact_names: ClassVar[tuple[str, ...]] = ("role", "allowed")
    sentence = "The role {role!r} may not do this."
    remedy = "It needs one of these: {allowed}."


class ForgedRequestError(PropertyIntelligenceError):
    """A form that was not sent from a page of this session: another site's, or one from before the last sign-in."""

    code = "forged_request"
    fact_names: ClassVar[tuple[str, ...]] = ()
    sentence = "This form does not belong to your session, so nothing was done."
    remedy = "Load the page again and repeat what you did."


class IdentityProviderError(PropertyIntelligenceError):
    """The keys that tokens are checked against cannot be had, so no token can be judged."""

    code = "identity_provider_unavailable"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "reason")
    sentence = "No signing keys from {url} ({reason})."
    remedy = "Check JWT_JWKS_URL and that the identity provider answers."
    transient = True


class TooManyRequestsError(PropertyIntelligenceError):
    """More came in a minute than may, by the `policy` of this name: "caller" or "stranger"."""

    code = "rate_limited"
    fact_names: ClassVar[tuple[str, ...]] = ("policy", "what", "limit", "retry_after_seconds")
    sentence = "More than {limit} {what} a minute."
    remedy = "Come back in {retry_after_seconds:.0f} s."
    transient = True


class QuotaExceededError(PropertyIntelligenceError):
    """A batch would make more new jobs than its caller has left today; none was made."""

    code = "quota_exceeded"
    fact_names: ClassVar[tuple[str, ...]] = ("wanted", "left", "quota", "resets_at", "retry_after_seconds")
    sentence = "This would make {wanted} new jobs, and {left} of {quota} are left today; none was made."
    remedy = "Send fewer targets, or wait until {resets_at}; API_DAILY_TARGETS_PER_CALLER is the quota."


class IdempotencyKeyReusedError(PropertyIntelligenceError):
    code = "idempotency_key_reused"
    fact_names: ClassVar[tuple[str, ...]] = ()
    sentence = "This Idempotency-Key came with another request within the last 24 hours."
    remedy = "Send the same body again, or choose a new key for a new request."


class RequestUnderWayError(PropertyIntelligenceError):
    """The first request with the same Idempotency-Key is not answered yet."""

    code = "request_under_way"
    fact_names: ClassVar[tuple[str, ...]] = ("retry_after_seconds",)
    sentence = "The first request with this Idempotency-Key is still under way."
    remedy = "Ask again with the same key; in {retry_after_seconds:.0f} s at the latest there is an answer."
    transient = True


class InvalidCursorError(PropertyIntelligenceError):
    code = "invalid_cursor"
    fact_names: ClassVar[tuple[str, ...]] = ("list",)
    sentence = "The cursor is none that a list of {list} gave."
    remedy = "Send `next_cursor` of the page before as it came, or no cursor for the first page."
