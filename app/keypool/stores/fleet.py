"""The key store for a fleet: all processes that share the OpenAI keys through one Redis.

While Redis is unavailable, requests continue, and each process uses only its share of every limit. `outbox.py` sends
reports and heartbeats in the background.
"""

import logging
import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import redis

from app.keypool.breaker import Policy
from app.keypool.figures import PoolFigures, Scope
from app.keypool.keys import ApiKey
from app.keypool.outcomes import Outcome
from app.keypool.snapshots import Action, ActionResult, KeySnapshot
from app.keypool.spending import Bulk, BulkResult, Spent, Usage
from app.keypool.stores.base import SILENT_US, Change, KeyRequest, Later, Lease, NoCapacity, Settlement
from app.keypool.stores.outbox import Report, ReportOutbox
from app.keypool.stores.redis import RedisStore
from app.keypool.stores.script_store import DEFAULT_PREFIX
from app.keypool.stores.server_time import monotonic_us
from app.keypool.stores.share import Fleet, RetiredShares, ShareStore
from app.keypool.stores.tally import OfflineActivity

log = logging.getLogger(__name__)

#: Maximum number of batches whose spending a heartbeat reads.
_MOST_BATCHES = 32
#: With more than `_FEW_KEYS` keys, a heartbeat reads their circuits and limits only every `_FULL_BEAT_US`.
_FEW_KEYS, _FULL_BEAT_US = 64, 20_000_000


class FleetStore:
    """A `Store` in Redis that keeps working while Redis is unavailable.

    Each process must create its own store (after a fork) and close it. `connection` should have timeouts of about a
    second. `options` are passed to `ScriptStore`.
    """

    blocking = True

    def __init__(
        self,
        keys: Sequence[ApiKey],
        strategy: str,
        connection: redis.Redis,
        *,
        prefix: str = DEFAULT_PREFIX,
        **options: Any,
    ) -> None:
        self._keys = tuple(keys)
        self._strategy, self._options = strategy, options
        self._policy: Policy = options.get("policy") or Policy()
        self.fleet = Fleet()
        self._back_since_us = self._full_beat_at_us = 0
        self._redis = RedisStore(
            keys,
            strategy,
            connection,
            prefix=prefix,
            process=f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}",
            learned=lambda: self.fleet.learned(self._keys),
            **options,
        )
        self._lock = threading.Lock()
        self._share: ShareStore | None = None
        self._retired = RetiredShares()
        self._losses = 0
        self._promised_us = 0
        self._batches: deque[str] = deque(maxlen=_MOST_BATCHES)
        self._outbox = ReportOutbox(self, self._redis)

    # --- methods of `Store`

    @property
    def scope(self) -> Scope:
        return "fleet" if self._share is None else "process"

    def acquire(self, request: KeyRequest) -> Lease | Later | NoCapacity:
        self._outbox.start()
        if request.batch and request.batch not in self._batches:
            self._batches.append(request.batch)
        share = self._share
        if share is None:
            lease_id = self._redis.new_lease_id()
            try:
                answer = self._redis.acquire(request, lease_id)
            except redis.RedisError as exc:
                share = self.lose(exc)
                # Redis may have admitted the request before the connection broke. Undo this only after rejoining,
                # because rejoining restores the spending of the last heartbeat.
                self._outbox.keep(lambda store: store.undo(lease_id))
            else:
                if isinstance(answer, Lease) and answer.reserved:
                    self._promised_us = max(self._promised_us, answer.at_us)
                return answer
        return share.acquire(request)

    def confirm(self, lease: Lease) -> Lease | Later | None:
        share = self._share
        if ShareStore.made(lease):
            if share is not None and share.holds(lease):
                return share.confirm(lease)
            self.give_back(lease)
            return None
        if share is None:
            try:
                return self._redis.confirm(lease)
            except redis.RedisError as exc:
                share = self.lose(exc)
        # Redis reserved this time for the request, so the request can be sent, unless an operator has disabled the key.
        if share.has_disabled(lease.key_id):
            self.give_back(lease)
            return None
        self._outbox.keep(lambda store: store.confirm(lease, was_sent=True))
        return lease.sent(max(lease.at_us, self.now_us()), lease.text)

    def give_back(self, lease: Lease) -> None:
        if not ShareStore.made(lease):
            self._outbox.send(lambda store: store.give_back(lease))
        elif (share := self._holder(lease)) is not None:
            share.give_back(lease)

    def settle(self, lease: Lease, settlement: Settlement) -> Change:
        """End a lease. Report an ordinary success in the background, because it does not change a key's state."""
        if ShareStore.made(lease):
            holder = self._holder(lease)
            return Change() if holder is None else holder.settle(lease, settlement)
        share = self._share
        if share is not None:
            self._outbox.keep(self._later(lease, settlement))
            return share.settle_foreign(lease, settlement)
        if settlement.outcome is Outcome.SUCCESS and not lease.probe and not lease.last_resort:
            self._outbox.send(lambda store: store.settle(lease, settlement))
            return Change()
        try:
            return self._redis.settle(lease, settlement)
        except redis.RedisError as exc:
            self._outbox.keep(self._later(lease, settlement))
            return self.lose(exc).settle_foreign(lease, settlement)

    def end_stream(self, lease: Lease, usage: Usage | None, *, broke: bool = False) -> Change:
        """Report the end of a stream: at once if it may change the key's circuit, otherwise in the background."""
        if ShareStore.made(lease):
            # Any share may count the usage, because the counts of all shares are later added to Redis.
            any_share = self._share or self._retired.newest
            return any_share.end_stream(lease, usage, broke=broke) if any_share else Change()

        def report(store: RedisStore) -> Change:
            return store.end_stream(lease, usage, broke=broke)

        if self._share is None and (broke or lease.probe or lease.last_resort):
            try:
                return report(self._redis)
            except redis.RedisError as exc:
                self.lose(exc)
        self._outbox.send(report)
        return Change()

    def charge_bulk(self, bulk: Bulk) -> str | None:
        """Raises `redis.RedisError` while Redis is unavailable, because a bulk can wait."""
        return self._redis.charge_bulk(bulk)

    def settle_bulk(self, bulk: Bulk, result: BulkResult) -> None:
        self._redis.settle_bulk(bulk, result)

    def set_keys(self, keys: Sequence[ApiKey]) -> None:
        self._keys = tuple(keys)
        self._redis.set_keys(keys)
        share = self._share
        if share is not None:
            share.set_keys(keys)

    def act(self, key_id: str, action: Action) -> ActionResult:
        return self._redis.act(key_id, action)

    def snapshot(self) -> tuple[KeySnapshot, ...]:
        return self._read(lambda store: store.snapshot())

    def figures(self) -> PoolFigures:
        return self._read(lambda store: store.figures())

    def spent(self, batch: str = "") -> Spent:
        return self._read(lambda store: store.spent(batch))

    def losses(self) -> int:
        if self._share is None:
            try:
                return self._redis.losses()
            except redis.RedisError as exc:
                self.lose(exc)
        return self._losses

    def now_us(self) -> int:
        return self._read(lambda store: store.now_us())

    def close(self) -> None:
        self._outbox.stop()
        self._redis.close()

    # --- losing and rejoining the server

    @property
    def lost(self) -> bool:
        return self._share is not None

    def lose(self, exc: redis.RedisError) -> ShareStore:
        """Switch to this process's share of the limits, log the loss once, and return the share's store."""
        with self._lock:
            share = self._share
            if share is None:
                self._losses += 1
                # drop the text after the first apostrophe: it may be quoted input, such as a password
                reason = f"{type(exc).__name__}: {str(exc).partition(chr(39))[0][:80]}"
                log.warning(
                    "The key store in Redis is lost (%s): each process (of %d) continues with its share of the limits",
                    reason.rstrip(" .,:"),
                    self.fleet.size,
                )
                share = self._share = ShareStore(
                    self._keys,
                    self._strategy,
                    self._redis.time,
                    self.fleet,
                    since_us=self._promised_us,
                    **self._options,
                )
                self._outbox.wake()
            return share

    def rejoin(self) -> None:
        """Use Redis again, and report the activity since the loss of Redis. Raises `redis.RedisError` if this fails."""
        self._redis.forget_connections()
        self._redis.register()
        with self._lock:
            share = self._share
            if share is None:
                return
            self._retired.add(share)
            self._share, self._back_since_us = None, monotonic_us()
        self._report_retired()
        loss = partial(RedisStore.add_offline, report=os.urandom(8).hex(), activity=OfflineActivity(), losses=1)
        self._outbox.keep(loss, first=True)
        log.warning("The key store in Redis is back: all processes share the limits again")

    def beat(self) -> None:
        self._report_retired()
        brief = len(self._keys) > _FEW_KEYS and monotonic_us() < self._full_beat_at_us + _FULL_BEAT_US
        reported = Fleet.read(self._redis.beat(tuple(self._batches), brief=brief), self.fleet)
        self._full_beat_at_us = self._full_beat_at_us if brief else monotonic_us()
        if monotonic_us() - self._back_since_us < SILENT_US and reported.size < self.fleet.size:
            # soon after Redis returns, it does not count processes that have not sent a heartbeat yet
            reported = replace(reported, size=self.fleet.size, rank=self.fleet.rank)
        self.fleet = reported

    def leave(self) -> None:
        """Send the remaining reports, and tell Redis that this process ends. If Redis is lost, rejoin first."""
        if self._share is not None:
            self.rejoin()
        self._report_retired()
        self._outbox.send_kept()
        self._redis.leave()

    def _read[T](self, query: Callable[[RedisStore | ShareStore], T]) -> T:
        share = self._share
        if share is None:
            try:
                return query(self._redis)
            except redis.RedisError as exc:
                share = self.lose(exc)
        return query(share)

    def _later(self, lease: Lease, settlement: Settlement) -> Report:
        since = monotonic_us()
        return lambda store: store.settle(lease, settlement.later(monotonic_us() - since, self._policy.open_us))

    def _holder(self, lease: Lease) -> ShareStore | None:
        share = self._share
        return share if share is not None and share.holds(lease) else self._retired.holder(lease)

    def _report_retired(self) -> None:
        for activity in self._retired.reports():
            report = partial(RedisStore.add_offline, report=os.urandom(8).hex(), activity=activity)
            self._outbox.keep(report, first=True)
