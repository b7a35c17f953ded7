"""Errors of requests to the HTTP API."""

from app.errors import PropertyIntelligenceError


class InvalidTokenError(PropertyIntelligenceError, code="unauthenticated", facts="reason"):
    """The request has no valid token. `reason` never quotes the token."""

    sentence = "No valid token: {reason}."
    remedy = "Send `Authorization: Bearer TOKEN`; `propintel token --role manager --subject NAME` creates one."


class RoleNotAllowedError(PropertyIntelligenceError, code="forbidden", facts="role allowed"):
    """The token is valid, but its role does not allow the request."""

    sentence = "The role {role!r} may not do this."
    remedy = "It needs one of these roles: {allowed}."


class ForgedRequestError(PropertyIntelligenceError, code="forged_request", facts=""):
    """A form was sent from another site or from a page of an earlier session (cross-site request forgery)."""

    sentence = "This form does not belong to your session, so that nothing was changed."
    remedy = "Reload the page and try again."


class IdentityProviderError(PropertyIntelligenceError, code="identity_provider_unavailable", facts="url reason"):
    """The signing keys of the identity provider are not available, so tokens cannot be verified."""

    sentence = "No signing keys from {url} ({reason})."
    remedy = "Check JWT_JWKS_URL and that the identity provider answers."
    transient = True


class TooManyRequestsError(
    PropertyIntelligenceError, code="rate_limited", facts="policy what limit retry_after_seconds"
):
    """A caller sent too many requests per minute.

    The policy "stranger" limits requests without a valid token.
    """

    sentence = "More than {limit} {what} per minute."
    remedy = "Retry in {retry_after_seconds:.0f} s."
    transient = True


class QuotaExceededError(
    PropertyIntelligenceError, code="quota_exceeded", facts="wanted left quota resets_at retry_after_seconds"
):
    """A batch exceeds the caller's quota of new jobs for this UTC day. No job was created."""

    sentence = "This would create new jobs ({wanted}), but {left} of {quota} are left today; none was created."
    remedy = "Send fewer targets, or wait until {resets_at}; API_DAILY_TARGETS_PER_CALLER is the quota."


class IdempotencyKeyReusedError(PropertyIntelligenceError, code="idempotency_key_reused", facts=""):
    sentence = "This Idempotency-Key was used for another request within the last 24 hours."
    remedy = "Send the same body, or use a new key for a new request."


class RequestUnderWayError(PropertyIntelligenceError, code="request_under_way", facts="retry_after_seconds"):
    """The first request with this Idempotency-Key is still being processed."""

    sentence = "The first request with this Idempotency-Key is still being processed."
    remedy = "Retry with the same key; there is an answer within {retry_after_seconds:.0f} s."
    transient = True


class InvalidColumnError(PropertyIntelligenceError, code="invalid_column", facts="name near"):
    """An export was asked for a column that does not exist. `near` lists columns and presets with similar names."""

    sentence = "There is no column {name!r}. Near: {near}."
    remedy = "Name columns of docs/export.md separated by commas, or the preset contractor."


class InvalidCursorError(PropertyIntelligenceError, code="invalid_cursor", facts="list"):
    sentence = "The cursor does not belong to a list of {list}."
    remedy = "Send `next_cursor` of the previous page unchanged, or no cursor for the first page."
