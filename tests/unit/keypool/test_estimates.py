"""The estimate of input tokens, after what the provider was seen to charge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.keypool.estimates import LARGEST_RATIO, SMALLEST_RATIO, Asked, sampled
from app.keypool.limits import MeterReading
from app.keypool.meters import Charge, Meter
from tests.unit.keypool.meters import NOW_US, known


def charged_tokens(meter: Meter, times: int, corrected_us: float = 0.0) -> tuple[Meter, Asked]:
    """A meter after `times` requests of 100 tokens at one moment, and the last of them."""
    for _ in range(times):
        meter = meter.charge(100, NOW_US)
    meter = meter.corrected(corrected_us)
    return meter, Asked(100, 100, NOW_US, meter.charged())


def said(tokens_used: float) -> MeterReading:
    """60,000 a minute: a token comes back each millisecond."""
    return MeterReading(60_000, 60_000 - tokens_used, round(tokens_used * 1_000))


@pytest.mark.parametrize(
    ("ratio", "used", "after"),
    [
        (1.0, 150, 1.01),
        (1.0, 100, 1.0),
        (1.0, 50, 0.99),
        (1.0, 5_000, 1.02),
        (1.0, 0, 0.98),
        (LARGEST_RATIO, 5_000, LARGEST_RATIO),
        (SMALLEST_RATIO, 0, SMALLEST_RATIO),
    ],
)
def test_a_bucket_that_was_full_tells_what_one_answer_was_charged(ratio: float, used: float, after: float) -> None:
    """The estimate moves towards it by at most 2 %, and never beyond its bounds."""
    meter, asked = charged_tokens(known(60_000, 60_000), 1)
    assert sampled(ratio, meter, said(used), asked)[0] == pytest.approx(after)


def test_from_a_deeper_bucket_only_many_charges_together_tell() -> None:
    """Thirty requests since the last sample, each of 150 tokens where 100 were thought: half of the largest step."""
    meter, asked = charged_tokens(known(60_000, 60_000), 1)
    ratio, meter = sampled(1.0, meter, said(100), asked)
    soon, asked = charged_tokens(meter, 29)
    assert sampled(ratio, soon, said(100 + 29 * 150), asked) == (1.0, soon)
    for corrected_us in (0.0, 700_000.0):
        late, asked = charged_tokens(meter, 30, corrected_us)
        after, marked = sampled(ratio, late, said(100 + 30 * 150), asked)
        assert after == pytest.approx(1.15), "corrections meanwhile change nothing of what was charged"
        assert sampled(after, marked, said(100 + 30 * 150), asked) == (after, marked), "the same news counts once"


def test_a_bucket_whose_beginning_nobody_saw_is_only_remembered() -> None:
    meter, asked = charged_tokens(known(60_000, 60_000), 40)
    ratio, marked = sampled(1.0, meter, said(9_000), asked)
    assert ratio == 1.0
    later, asked = charged_tokens(marked, 30)
    assert sampled(1.0, later, said(9_000 + 30 * 100), asked)[0] == pytest.approx(1.0)


def test_nothing_is_learned_of_tokens_without_a_limit_or_an_estimate() -> None:
    meter, asked = charged_tokens(known(60_000, 60_000), 1)
    for unknown in (replace(asked, input_tokens=0.0), replace(asked, charge=Charge())):
        assert sampled(1.0, meter, said(5_000), unknown) == (1.0, meter)
    assert sampled(1.0, Meter(), said(5_000), asked) == (1.0, Meter())
