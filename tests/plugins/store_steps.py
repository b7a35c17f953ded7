"""Steps that the key store's tests share."""

from app.clock import ManualClock
from app.keypool.keys import ApiKey, make_keys
from app.keypool.limits import LimitReading, MeterReading
from app.keypool.outcomes import Outcome
from app.keypool.snapshots import KeySnapshot
from app.keypool.stores.base import KeyRequest, Lease, NoCapacity, Settlement, Store

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 3600 * SECOND
DAY = 24 * HOUR
A, B = KEYS = make_keys(["sk-a", "sk-b"])


def ask(
    max_wait_us: int = 0, tokens: float = 10, model: str = "m", barred: frozenset[str] = frozenset(), **more: object
) -> KeyRequest:
    return KeyRequest(model, tokens, max_wait_us, barred, **more)  # type: ignore[arg-type]


ONLY_A, ONLY_B = ask(barred=frozenset({B.key_id})), ask(barred=frozenset({A.key_id}))


def take(store: Store, request: KeyRequest | None = None) -> Lease:
    lease = store.acquire(request or ask())
    assert isinstance(lease, Lease), lease
    return lease


def refused(store: Store, request: KeyRequest | None = None) -> NoCapacity:
    refusal = store.acquire(request or ask())
    assert isinstance(refusal, NoCapacity), refusal
    return refusal


def answer(
    store: Store, outcome: Outcome = Outcome.SUCCESS, request: KeyRequest | None = None, **facts: object
) -> Lease:
    """Lease a key for one request and settle the lease with `outcome`."""
    lease = take(store, request)
    store.settle(lease, Settlement(outcome, **facts))  # type: ignore[arg-type]
    return lease


def of(store: Store, key: ApiKey) -> KeySnapshot:
    return next(s for s in store.snapshot() if s.key_id == key.key_id)


def reading(per_minute: float, remaining: float) -> MeterReading:
    """Return a reading of a bucket that holds one minute's worth, of which `remaining` is free."""
    return MeterReading(per_minute, remaining, round((per_minute - remaining) * MINUTE / per_minute))


#: The reading of an empty bucket for 600 requests a minute. It is full again after a second, with ten requests.
EMPTY = LimitReading(requests=MeterReading(600, 0, SECOND))


def limits(per_minute: float, remaining: float) -> LimitReading:
    return LimitReading(requests=reading(per_minute, remaining))


def wait_until(clock: ManualClock, at_us: int) -> None:
    clock.advance((at_us - clock.now_us()) / SECOND)


def burst(store: Store, request: KeyRequest | None = None, most: int = 10_000) -> list[Lease]:
    leases: list[Lease] = []
    while len(leases) < most and isinstance(lease := store.acquire(request or ask()), Lease):
        leases.append(lease)
    return leases
