"""Build error responses in OpenAI's format, for requests that no key can take."""

import httpx2

from app.keypool.stores.base import NoCapacity

_REFUSALS = {
    "dead": (401, "invalid_api_key", "invalid_request_error", "All OpenAI keys were refused; replace them."),
    "forbidden": (403, "model_not_found", "invalid_request_error", "No OpenAI key may use this model."),
    "quota": (429, "insufficient_quota", "insufficient_quota", "No OpenAI key has quota left."),
    "circuit": (429, "rate_limit_exceeded", "requests", "All OpenAI keys are failing; retry later."),
    "no_capacity": (429, "rate_limit_exceeded", "requests", "No OpenAI key has capacity; retry later."),
    "disabled": (
        429,
        "rate_limit_exceeded",
        "requests",
        "An operator has disabled every OpenAI key; enable one: propintel keys enable MASK.",
    ),
    "barred": (429, "rate_limit_exceeded", "requests", "No other OpenAI key is left for this request."),
    "budget": (429, "budget_exceeded", "budget_exceeded", "A budget is used up."),
}
#: Maps the first word of `NoCapacity.detail` to the budget, the start of its setting's name, and the remedy.
_BUDGETS = {
    "day": ("The day's budget", "BUDGET_DAILY", "raise it or retry after 00:00 UTC."),
    "key_day": ("Every key's budget for the day", "BUDGET_KEY_DAILY", "raise it or retry after 00:00 UTC."),
    "batch": ("The batch's budget", "BUDGET_BATCH", "raise it or submit the rest as another batch."),
}
_UNITS = {"calls": ("model calls", "MODEL_CALLS"), "tokens": ("tokens", "TOKENS"), "microusd": ("US dollars", "USD")}


def answer(refusal: NoCapacity, request: httpx2.Request) -> httpx2.Response:
    status, code, kind, message = _REFUSALS[refusal.reason]
    if refusal.reason == "budget":
        message = budget_message(refusal.detail) or message
    milliseconds = max(1, round(refusal.retry_after_us / 1000))
    headers = {"retry-after-ms": str(milliseconds), "retry-after": str(-(-milliseconds // 1000))}
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return httpx2.Response(status, headers=headers, json=body, request=request)


def budget_message(detail: str) -> str:
    """Return a message about the used-up budget `detail` (such as "day calls"), or "" for an unknown budget."""
    whose, _, unit = detail.partition(" ")
    if whose not in _BUDGETS or unit not in _UNITS:
        return ""
    (owner, prefix, remedy), (things, suffix) = _BUDGETS[whose], _UNITS[unit]
    return f"{owner} of {things} is used up ({prefix}_{suffix}); {remedy}"
