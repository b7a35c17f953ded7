"""The estimate of input tokens, corrected by what the provider was seen to charge. Pure.

`stores/lua/estimates.lua` has the same rules for Redis, with these numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.keypool.limits import MeterReading
from app.keypool.meters import Charge, Meter

#: A bucket that was full before tells what an answer was charged: the estimate moves by at most so much towards it.
#: From a deeper bucket only all charges together can be seen: over so many requests' worth of tokens, and then by a
#: larger step.
RATIO_STEP, SAMPLE_STEP, SAMPLE_REQUESTS = 0.02, 0.3, 30.0
SMALLEST_RATIO, LARGEST_RATIO = 0.25, 4.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was answered: all its tokens as charged, our estimate of its input, and its lease's charge.

    `admitted_us` is when the provider admitted it.
    """

    tokens: float
    input_tokens: float
    admitted_us: int
    charge: Charge


def sampled(ratio: float, meter: Meter, reading: MeterReading, asked: Asked) -> tuple[float, Meter]:
    """Charged by the provider divided by estimated, after an answer; and the meter with what is to be remembered.

    The error of a single charge, or of all charges since the last sample, in tokens of one request.
    """
    charge = asked.charge
    if not meter.per_minute or asked.input_tokens <= 0 or charge.full_at_us == 0:
        return ratio, meter
    against_uncorrected = asked.admitted_us + reading.reset_us - (charge.full_at_us - charge.corrected_us)
    marked = replace(meter, sample_total=charge.total, sample_us=against_uncorrected)
    if charge.total == meter.idle_total:
        return _moved(ratio, reading.reset_us / meter.interval_us - asked.tokens, asked, RATIO_STEP), marked
    since = charge.total - meter.sample_total
    if meter.sample_total < meter.idle_total:
        return ratio, marked if charge.total > meter.idle_total else meter
    if since < SAMPLE_REQUESTS * asked.tokens:
        return ratio, meter
    error = (against_uncorrected - meter.sample_us) / meter.interval_us / since * asked.tokens
    return _moved(ratio, error, asked, SAMPLE_STEP), marked


def _moved(ratio: float, error: float, asked: Asked, step: float) -> float:
    share = max(-1.0, min(1.0, error / (asked.input_tokens * ratio)))
    return max(SMALLEST_RATIO, min(LARGEST_RATIO, ratio * (1.0 + step * share)))
