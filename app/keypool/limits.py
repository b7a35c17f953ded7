"""Parse OpenAI's `x-ratelimit-*` headers, from which `lua/meters.lua` learns limits, and `retry-after` (RFC 9110)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

MINUTE_US = 60_000_000
#: The longest accepted retry-after. Longer values, which a wrong clock may cause, are shortened to this.
_LONGEST_PAUSE_S = 86_400.0
#: Limits outside of this range, per minute, cannot be true. They would make the arithmetic of the meters inexact.
_MIN_LIMIT, _MAX_LIMIT = 1.0, 1e12
_LONGEST_RESET_US = 31 * 86_400 * 1_000_000

_NUMBER = re.compile(r"\s*-?\d{1,15}(?:\.\d{1,15})?\s*", re.ASCII)
_DURATION = re.compile(
    r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?"
)
_DURATION_UNITS_US = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000)


def parse_duration_us(text: str) -> int | None:
    """Return an OpenAI duration (`1s`, `6m0s`, `17ms`, `1h2m3s`, or seconds) in microseconds, or None if invalid."""
    text = text.strip()
    seconds = _number(text)
    if seconds is not None:
        microseconds = seconds * 1_000_000
    else:
        match = _DURATION.fullmatch(text)
        if not text or match is None:
            return None
        microseconds = sum(float(n) * unit for n, unit in zip(match.groups(), _DURATION_UNITS_US, strict=True) if n)
    return round(microseconds) if 0 <= microseconds <= _LONGEST_RESET_US else None


def _server_time(headers: Mapping[str, str], ours: datetime) -> datetime:
    try:
        sent_at = parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError, OverflowError):
        return ours
    return sent_at if sent_at.tzinfo else ours


def parse_retry_after_us(headers: Mapping[str, str], now: datetime) -> int | None:
    """Return the pause from `retry-after-ms` or `retry-after` in microseconds, or None if neither is valid.

    A date in `retry-after` is compared with the response's `date` header, because the server's clock may be wrong.
    Without that header, it is compared with `now`.
    """
    milliseconds = headers.get("retry-after-ms", "")
    seconds = _number(milliseconds)
    if seconds is not None:
        seconds /= 1000
    else:
        text = headers.get("retry-after", "")
        seconds = _number(text)
        if seconds is None and text:
            try:
                seconds = (parsedate_to_datetime(text) - _server_time(headers, now)).total_seconds()
            except (TypeError, ValueError, OverflowError):
                return None
    return None if seconds is None else round(min(max(seconds, 0.0), _LONGEST_PAUSE_S) * 1_000_000)


def _number(text: str) -> float | None:
    """Parse a plain decimal number. Exponents and more than 15 digits appear only in hostile or broken headers."""
    return float(text) if _NUMBER.fullmatch(text) else None


@dataclass(frozen=True, slots=True)
class MeterReading:
    """One rate limit from the headers, in requests or in tokens. `reset_us` is the time until the whole limit is
    available.
    """

    limit: float
    remaining: float
    reset_us: int


@dataclass(frozen=True, slots=True)
class LimitReading:
    """The limits that a response reports for the key's group and the request's model. Unreported limits are None."""

    requests: MeterReading | None = None
    tokens: MeterReading | None = None


def read_limits(headers: Mapping[str, str]) -> LimitReading:
    """Incomplete or invalid values count as not reported."""
    return LimitReading(_meter(headers, "requests"), _meter(headers, "tokens"))


def _meter(headers: Mapping[str, str], what: str) -> MeterReading | None:
    limit = _number(headers.get(f"x-ratelimit-limit-{what}", ""))
    if limit is None or not _MIN_LIMIT <= limit <= _MAX_LIMIT:
        return None
    remaining = _number(headers.get(f"x-ratelimit-remaining-{what}", ""))
    named = headers.get(f"x-ratelimit-reset-{what}")
    # Azure sends no reset time; its limits refill within one minute
    if named is None and remaining is not None:
        reset: int | None = round((limit - remaining) * MINUTE_US / limit)
    else:
        reset = parse_duration_us(named or "")
    if remaining is None or reset is None or not 0 <= remaining <= limit:
        return None
    return MeterReading(limit, remaining, reset)
