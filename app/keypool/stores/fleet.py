"""The fleet's store as a process uses it: Redis while it is there, this process's share of every limit while it is not.

No request fails because Redis does. The loss is said once in the log and counted; a courier thread tries to come back
twice a second, tells the others that this process lives, and delivers settlements that nobody waits for.
"""

from __future__ import annotations

import logging
import os
import queue
import random
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

import redis

from app.keypool.breaker import Policy
from app.keypool.keys import ApiKey
from app.keypool.outcomes import Outcome
from app.keypool.stores.base import (
    NO_BUDGET,
    Ask,
    Budget,
    Change,
    KeySnapshot,
    Later,
    Lease,
    NoRoom,
    Settlement,
    Spent,
    Usage,
)
from app.keypool.stores.redis import DEFAULT_PREFIX, RedisStore, monotonic_us
from app.keypool.stores.share import Fleet, ServerClock, ShareStore

log = logging.getLogger(__name__)

_BEAT_SECONDS = 2.0
#: A process that has been silent this long does not count when the limits are shared.
_SILENT_AFTER_US = 10_000_000
_RETRY_SECONDS = 0.5
#: Settlements that wait for the store's return; older ones are dropped, their leases end by themselves.
_MOST_UNDELIVERED = 10_000
_CLOSE_SECONDS = 3.0
#: Batches whose spending this process keeps an eye on.
_MOST_BATCHES = 32

Delivery = Callable[[RedisStore], object]


class FleetStore:
    """`Store` that survives its server. One for each process, never carried over a fork; `close` it.

    `connection` must fail within about a second when the server does not answer (see `connect_store`).
    """

    blocking = True

    def __init__(
        self,
        keys: Sequence[ApiKey],
        strategy: str,
        connection: redis.Redis,
        *,
        policy: Policy | None = None,
        rng: random.Random | None = None,
        budget: Budget = NO_BUDGET,
        prefix: str = DEFAULT_PREFIX,
    ) -> None:
        self._keys = tuple(keys)
        self._strategy, self._policy, self._rng, self._budget = strategy, policy, rng, budget
        self._fleet = Fleet()
        self._redis = RedisStore(
            keys,
            strategy,
            connection,
            policy=policy,
            rng=rng,
            budget=budget,
            prefix=prefix,
            learned=lambda: self._fleet.learned(self._keys),
        )
        self._process = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
        self._lock = threading.Lock()
        self._share: ShareStore | None = None
        self._losses = 0
        self._promised_us = 0
        self._batches: deque[str] = deque(maxlen=_MOST_BATCHES)
        self._parcels: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._undelivered: deque[Delivery] = deque(maxlen=_MOST_UNDELIVERED)
        self._closing = threading.Event()
        self._courier: threading.Thread | None = None

    # --- the contract

    @property
    def scope(self) -> Literal["fleet", "process"]:
        return "fleet" if self._share is None else "process"

    def acquire(self, ask: Ask) -> Lease | Later | NoRoom:
        self._start_courier()
        if ask.batch and ask.batch not in self._batches:
            self._batches.append(ask.batch)
        if self._share is None:
            try:
                answer = self._redis.acquire(ask)
            except redis.RedisError as exc:
                return self._lose(exc).acquire(ask)
            if isinstance(answer, Lease) and answer.reserved:
                self._promised_us = max(self._promised_us, answer.at_us)
            return answer
        return self._alone().acquire(ask)

    def confirm(self, lease: Lease) -> Lease | Later | None:
        if ShareStore.made(lease):
            share = self._share
            return None if share is None else share.confirm(lease)
        if self._share is None:
            try:
                return self._redis.confirm(lease)
            except redis.RedisError as exc:
                self._lose(exc)
        # the place was promised by all for all: it holds, whatever is away now
        return lease.sent(max(lease.at_us, self.now_us()), lease.charges)

    def give_back(self, lease: Lease) -> None:
        if not ShareStore.made(lease):
            self._deliver(lambda store: store.give_back(lease))
        elif self._share is not None:
            self._share.give_back(lease)

    def settle(self, lease: Lease, settlement: Settlement) -> Change:
        """As the contract has it; an ordinary success is delivered in the background, since it decides nothing."""
        share = self._share
        if ShareStore.made(lease):
            return Change() if share is None else share.settle(lease, settlement)
        if share is not None:
            self._undelivered.append(lambda store: store.settle(lease, settlement))
            return share.settle_foreign(lease, settlement)
        if settlement.outcome is Outcome.SUCCESS and not lease.probe and not lease.last_resort:
            self._parcels.put(lambda store: store.settle(lease, settlement))
            return Change()
        try:
            return self._redis.settle(lease, settlement)
        except redis.RedisError as exc:
            self._undelivered.append(lambda store: store.settle(lease, settlement))
            return self._lose(exc).settle_foreign(lease, settlement)

    def spend(self, lease: Lease, usage: Usage) -> None:
        if not ShareStore.made(lease):
            self._parcels.put(lambda store: store.spend(lease, usage))
        elif self._share is not None:
            self._share.spend(lease, usage)

    def set_keys(self, keys: Sequence[ApiKey]) -> None:
        self._keys = tuple(keys)
        self._redis.set_keys(keys)
        if self._share is not None:
            self._share.set_keys(keys)

    def snapshot(self) -> tuple[KeySnapshot, ...]:
        if self._share is None:
            try:
                return self._redis.snapshot()
            except redis.RedisError as exc:
                self._lose(exc)
        return self._alone().snapshot()

    def spent(self, batch: str = "") -> Spent:
        if self._share is None:
            try:
                return self._redis.spent(batch)
            except redis.RedisError as exc:
                self._lose(exc)
        return self._alone().spent(batch)

    def losses(self) -> int:
        if self._share is None:
            try:
                return self._redis.losses()
            except redis.RedisError as exc:
                self._lose(exc)
        return self._losses

    def now_us(self) -> int:
        try:
            return self._redis.now_us()
        except redis.RedisError as exc:
            self._lose(exc)
            return self._redis.local_now_us()

    def close(self) -> None:
        self._closing.set()
        self._parcels.put(None)
        if self._courier is not None and self._courier is not threading.current_thread():
            self._courier.join(_CLOSE_SECONDS)
        self._redis.close()

    # --- the loss

    @property
    def lost(self) -> bool:
        """True while this process goes on alone."""
        return self._share is not None

    @property
    def fleet(self) -> Fleet:
        """What was last heard of the others, at most some seconds ago."""
        return self._fleet

    def _alone(self) -> ShareStore:
        share = self._share
        return share if share is not None else self._lose(None)

    def _lose(self, exc: redis.RedisError | None) -> ShareStore:
        """Go on alone. The first thread that notices says so."""
        with self._lock:
            if self._share is None:
                self._losses += 1
                log.warning(
                    "The key store in Redis is lost (%s): each of %d processes goes on with its share of the limits",
                    f"{type(exc).__name__}: {exc}"[:200],
                    self._fleet.size,
                )
                self._share = ShareStore(
                    self._keys,
                    self._strategy,
                    ServerClock(self._redis.local_now_us),
                    self._fleet,
                    since_us=self._promised_us,
                    policy=self._policy,
                    rng=self._rng,
                    budget=self._budget,
                )
            return self._share

    def _rejoin(self) -> None:
        """Say hello with what is known, add what was used alone, deliver what had to wait. Raises if too early."""
        self._redis.register()
        with self._lock:
            share, self._share = self._share, None
        if share is not None:
            self._redis.count_loss()
            self._redis.add_spent(share.used_alone())
            log.warning("The key store in Redis is back: all processes share the limits again")
        while self._undelivered:
            self._undelivered[0](self._redis)
            self._undelivered.popleft()

    # --- the courier

    def _deliver(self, parcel: Delivery) -> None:
        self._start_courier()
        self._parcels.put(parcel)

    def _start_courier(self) -> None:
        if self._courier is None:
            with self._lock:
                if self._courier is None and not self._closing.is_set():
                    self._courier = threading.Thread(target=self._carry, name="key-store-courier", daemon=True)
                    self._courier.start()

    def _carry(self) -> None:
        next_beat_us = monotonic_us()
        while True:
            wait = _RETRY_SECONDS if self._share is not None else max(0.0, (next_beat_us - monotonic_us()) / 1e6)
            try:
                parcel = self._parcels.get(timeout=wait)
            except queue.Empty:
                parcel = _NOTHING
            try:
                if parcel is None:
                    return self._say_goodbye()
                self._hand_over(parcel)
                if self._share is not None:
                    self._rejoin()
                if monotonic_us() >= next_beat_us:
                    next_beat_us = monotonic_us() + round(_BEAT_SECONDS * 1e6)
                    self._beat()
            except redis.RedisError as exc:
                self._lose(exc)
            except Exception:  # the thread must live as long as the process
                log.exception("The key store's courier stumbled")

    def _hand_over(self, parcel: Delivery) -> None:
        if parcel is _NOTHING:
            return
        if self._share is not None:
            self._undelivered.append(parcel)
            return
        try:
            parcel(self._redis)
        except redis.RedisError:
            self._undelivered.append(parcel)
            raise

    def _beat(self) -> None:
        self._fleet = Fleet.read(self._redis.beat(self._process, _SILENT_AFTER_US, tuple(self._batches)))

    def _say_goodbye(self) -> None:
        if self._share is None:
            self._redis.leave(self._process)


def _NOTHING(_store: RedisStore) -> None:  # noqa: N802 (a sentinel that is a delivery)
    """No parcel: the courier woke up because it was time."""
