"""The key store of a process while Redis is unavailable, limited to the process's share of each limit."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from app.keypool.keys import ApiKey
from app.keypool.limits import LimitReading, MeterReading
from app.keypool.spending import Spent
from app.keypool.stores.base import Change, Lease, Settlement
from app.keypool.stores.memory import MemoryStore
from app.keypool.stores.script_store import SPENT_FIELDS, spent_rows
from app.keypool.stores.server_time import Now
from app.keypool.stores.tally import OfflineActivity

_LOCAL = "share-"
_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Fleet:
    """The state of all processes (the fleet) at this process's last heartbeat.

    `rank` is the process's position among `size` live processes. `bad` maps each unhealthy key to its circuit as in
    `keys.lua` (out of quota counts as dead), or to -1 if the key has never answered. `limits` maps (group, model) to
    six numbers: the limit per minute and the bucket capacity, first for requests and then for tokens (0 if unknown),
    the end of the latest cooldown, and when a guessed request limit was last lowered (0 if not guessed). `spent` maps a
    budget's name (`d:<day>`, `d:<day>:<key>`, `t:<batch>`) to its usage. `disabled` contains the keys that an operator
    has disabled.
    """

    rank: int = 0
    size: int = 1
    bad: Mapping[str, int] = field(default_factory=dict)
    limits: Mapping[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)
    spent: Mapping[str, Spent] = field(default_factory=dict)
    disabled: frozenset[str] = frozenset()

    @classmethod
    def read(cls, reported: Mapping[str, Any], before: Fleet) -> Fleet:
        """Parse a reply of `beat.lua`. A brief reply lacks values, which are taken from `before`."""
        spent = {name: Spent(*used) for name, *used in reported["spent"] or ()}
        known = replace(
            before,
            rank=reported["rank"],
            size=max(1, reported["size"]),
            spent={**before.spent, **spent},
            disabled=frozenset(reported["disabled"] or ()),
        )
        if "bad" not in reported:
            return known
        return replace(
            known,
            bad=dict(reported["bad"] or ()),
            limits={(entry[0], entry[1]): tuple(entry[2:]) for entry in reported["limits"] or ()},
            spent=spent,
        )

    def learned(self, keys: Sequence[ApiKey]) -> dict[str, Any]:
        """Return the data that `register.lua` restores on a server that has lost its data."""
        groups = {key.group for key in keys}
        return {
            "verified": self.verified(keys),
            # omit guessed limits, because the server guesses them again
            "learned": [
                [*place, 0 if cut_us else rpm, *others[:3]]
                for place, (rpm, *others, cut_us) in self.limits.items()
                if place[0] in groups
            ],
            "spent": spent_rows(self.spent),
            "disabled": sorted(self.disabled),
        }

    def verified(self, keys: Sequence[ApiKey]) -> list[str]:
        """Return the ids of the keys that have answered and were healthy at the last heartbeat."""
        return [key.key_id for key in keys if self.limits and key.key_id not in self.bad]


class ShareStore(MemoryStore):
    """A memory store for the time while Redis is lost, with this process's share of each limit.

    The share begins at `since_us`, after the reservations that this process has in Redis.
    """

    def __init__(
        self, keys: Sequence[ApiKey], strategy: str, clock: Now, fleet: Fleet, *, since_us: int, **options: Any
    ) -> None:
        super().__init__(keys, strategy, clock, processes=fleet.size, **options)
        self._fleet = fleet
        self._since_us = max(since_us, self.now_us())
        self._reported = OfflineActivity()
        self._learned = lambda: {"learned": [], "spent": [], "verified": fleet.verified(keys), "disabled": []}
        self.register()
        self._seed(
            [
                [*place, _full(rpm), _full(tpm), cooldown_until, cut_us]
                for place, (rpm, _, tpm, _, cooldown_until, cut_us) in fleet.limits.items()
            ],
            bad=[[key_id, circuit] for key_id, circuit in fleet.bad.items() if circuit > 0],
            disabled=sorted(fleet.disabled),
            spent=spent_rows(fleet.spent),
        )

    def new_lease_id(self) -> str:
        return f"{_LOCAL}{next(_NUMBERS)}"

    @staticmethod
    def made(lease: Lease) -> bool:
        return lease.lease_id.startswith(_LOCAL)

    def holds(self, lease: Lease) -> bool:
        """Return whether this store issued the lease and the lease has not ended."""
        return self.made(lease) and self._server.has_member(f"{self._prefix}:f:{lease.key_id}", lease.lease_id)

    @property
    def idle(self) -> bool:
        return not any(key.in_flight for key in self.snapshot())

    def settle(self, lease: Lease, settlement: Settlement, *, foreign: bool = False) -> Change:
        """End a lease. Ignore the remaining amounts in rate limit headers, because all processes share them."""
        change = super().settle(lease, replace(settlement, limits=LimitReading()), foreign=foreign)
        readings = [reading and asdict(reading) for reading in (settlement.limits.requests, settlement.limits.tokens)]
        if any(readings):
            self._seed([[self._groups.get(lease.key_id, lease.key_id), lease.model, *readings, 0, 0]])
        return change

    def settle_foreign(self, lease: Lease, settlement: Settlement) -> Change:
        """End a lease that Redis issued before it was lost. Apply the outcome to the key and its limits, but count no
        usage. Do nothing if the key is not configured.
        """
        if lease.key_id not in self._groups:
            return Change()
        return self.settle(lease, settlement, foreign=True)

    def has_disabled(self, key_id: str) -> bool:
        return self._server.hget(f"{self._prefix}:off", key_id) == "1"

    def report(self) -> OfflineActivity:
        """Return the activity since the last report. The caller must add it to the counts in Redis."""
        spent, counts, used_us = {}, {}, {}
        for name, of in self._server.hashes().items():
            kind, _, rest = (short := name.removeprefix(f"{self._prefix}:")).partition(":")
            if kind in {"d", "t"}:
                spent[short] = _figures(of, SPENT_FIELDS) - _figures(of, [f"k{f}" for f in SPENT_FIELDS])
            elif kind == "k":
                counts[short] = {field: int(of[field]) for field in ("rq", "ok", "ng", "rl") if field in of}
                if "lu" in of:
                    used_us[rest] = round(float(of["lu"]))
            elif kind == "c":
                counts[short] = {field: int(count) for field, count in of.items()}
            elif kind == "w":
                # assume that all processes are saturated at the same time, so each reports only its part of that time
                parts = {field: self._fleet.size if field.startswith("s:") else 1 for field in of}
                counts[short] = {field: int(count) // parts[field] for field, count in of.items()}
        before, self._reported = self._reported, OfflineActivity(spent, counts, used_us)
        return self._reported.since(before)

    def _seed(self, limits: Sequence[Sequence[Any]], **known: Any) -> None:
        share = {"rank": self._fleet.rank, "size": self._fleet.size, "since": self._since_us}
        self._run("share", json.dumps({**share, "limits": limits, "bad": [], "disabled": [], "spent": [], **known}))


class RetiredShares:
    """Keeps the share stores of earlier Redis outages: the newest one, and older ones while they have open leases.
    Thread-safe.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shares: tuple[ShareStore, ...] = ()

    @property
    def newest(self) -> ShareStore | None:
        return self._shares[-1] if self._shares else None

    def add(self, share: ShareStore) -> None:
        with self._lock:
            self._shares = (*self._shares, share)

    def holder(self, lease: Lease) -> ShareStore | None:
        return next((share for share in self._shares if share.holds(lease)), None)

    def reports(self) -> list[OfflineActivity]:
        """Return each share's activity since its last report, and drop idle shares except the newest."""
        shares = self._shares
        idle = [share for share in shares if share.idle]
        reports = [activity for share in shares if (activity := share.report()) != OfflineActivity()]
        # keep the newest share, because it counts the usage of streams that end later
        with self._lock:
            self._shares = tuple(s for s in self._shares if s not in idle or s is self._shares[-1])
        return reports


def _full(per_minute: float) -> dict[str, Any] | None:
    return asdict(MeterReading(per_minute, per_minute, 0)) if per_minute > 0 else None


def _figures(of: Mapping[str, str], fields: Sequence[str]) -> Spent:
    return Spent(*(int(of.get(field, "0")) for field in fields))
