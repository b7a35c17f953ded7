"""While the shared store is unavailable, a process learns limits from its own responses."""

import itertools

import pytest

from app.clock import ManualClock
from app.keypool.keys import make_keys
from app.keypool.limits import LimitReading, MeterReading
from app.keypool.outcomes import Outcome
from app.keypool.stores.base import Lease, Settlement
from app.keypool.stores.share import Fleet, ShareStore
from tests.plugins.store_steps import MINUTE, SECOND, ask, take

KEYS = make_keys(["sk-a"])


def learned(clock: ManualClock, reading: MeterReading, *, promised_us: int = 0) -> ShareStore:
    share = ShareStore(KEYS, "round_robin", clock, Fleet(size=2), since_us=clock.now_us() + promised_us)
    share.settle(take(share), Settlement(Outcome.SUCCESS, limits=LimitReading(reading)))
    return share


@pytest.mark.parametrize("promised_us", [0, 30 * SECOND])
def test_requests_under_a_newly_named_limit_are_spaced(clock: ManualClock, promised_us: int) -> None:
    """The process may use half of 6,000 requests a minute, minus 5 %, and spaces them evenly."""
    share = learned(clock, MeterReading(6000, 5999, 10_000), promised_us=promised_us)
    times = sorted(take(share, ask(max_wait_us=MINUTE)).at_us for _ in range(20))
    gaps = [later - one for one, later in itertools.pairwise(times)]
    assert min(gaps) == pytest.approx(2 * 1.05 * SECOND / 100, abs=2)
    assert times[0] >= clock.now_us() + promised_us


def test_processes_use_their_shares_in_turn(clock: ManualClock) -> None:
    """Two processes that lose the server at different times may each send a request every 210 ms, and alternate."""
    limits = {(KEYS[0].group, "m"): (600.0, 1.0, 0.0, 0.0, 0.0, 0.0)}
    times = []
    for rank in range(2):
        share = ShareStore(KEYS, "round_robin", clock, Fleet(size=2, rank=rank, limits=limits), since_us=clock.now_us())
        times += [take(share, ask(max_wait_us=MINUTE)).at_us for _ in range(4)]
        clock.advance(0.03)
    gaps = [later - one for one, later in itertools.pairwise(sorted(times))]
    assert gaps == pytest.approx([105_000] * 7, abs=2)


def test_a_daily_limit_that_varies_keeps_reservations(clock: ManualClock) -> None:
    share = learned(clock, MeterReading(2000, 1990, 7 * MINUTE))
    first, second = (take(share, ask(max_wait_us=10 * MINUTE)) for _ in range(2))
    clock.advance((first.at_us - clock.now_us()) / SECOND)
    sent = share.confirm(first)
    assert isinstance(sent, Lease)
    share.settle(sent, Settlement(Outcome.SUCCESS, limits=LimitReading(MeterReading(2000, 1989, 8 * MINUTE))))
    clock.advance((second.at_us - clock.now_us()) / SECOND)
    assert share.confirm(second) is not None, "the second reservation must stay valid"


def test_a_request_may_be_larger_than_the_share_of_the_limit(clock: ManualClock) -> None:
    """5,000 tokens are less than the limit of 6,000 a minute, but more than half of it minus 5 %."""
    share = ShareStore(KEYS, "round_robin", clock, Fleet(size=2), since_us=clock.now_us())
    share.settle(take(share), Settlement(Outcome.SUCCESS, limits=LimitReading(tokens=MeterReading(6000, 6000, 0))))
    first, second = (take(share, ask(max_wait_us=10 * MINUTE, tokens=5_000)) for _ in range(2))
    assert second.at_us - first.at_us == pytest.approx(105 * SECOND, rel=0.01)
