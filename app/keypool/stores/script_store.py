"""A key store whose operations are Lua scripts. Each script runs atomically, and all scripts use one clock.

The scripts in `lua/` contain all admission rules. They run in Redis (`redis.py`) or in this process (`memory.py`). They
get an OpenAI key's id, group, and mask, never its secret.
"""

import hashlib
import itertools
import json
import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, astuple
from typing import Any, Protocol

import redis
from redis.exceptions import NoScriptError

from app.keypool.breaker import Policy
from app.keypool.figures import PoolFigures, Scope, wait_class
from app.keypool.keys import ApiKey
from app.keypool.snapshots import Action, ActionResult, KeySnapshot
from app.keypool.spending import NO_BUDGET, Budget, Bulk, BulkResult, Spent, Usage
from app.keypool.stores.base import Change, KeyRequest, Later, Lease, NoCapacity, Settlement, day_of
from app.keypool.stores.scripts import SEEDS, load_scripts
from app.keypool.stores.server_time import Now, ServerTime, monotonic_us
from app.keypool.stores.tally import read_figures

#: The field names in `ledger.lua` for calls, tokens, microusd, and cached tokens, in the order of `Spent`.
SPENT_FIELDS = "ctuh"
#: The default prefix of the names of all Redis values that the pool writes.
DEFAULT_PREFIX = "{propintel}:pool"


class Server(Protocol):
    """The methods of a Redis client that the scripts need."""

    def evalsha(self, sha: str, count: int, *parts: str | float) -> Any: ...
    def eval(self, text: str, count: int, *parts: str | float) -> Any: ...
    def hmget(self, name: str, fields: list[str]) -> Any: ...
    def hget(self, name: str, field: str) -> Any: ...
    def close(self) -> None: ...


class ScriptStore:
    """A `Store` that runs Lua scripts on `server`. Methods are atomic, and thread-safe if `server` is. Methods raise
    `redis.RedisError` if the server is unavailable.

    After a fork, each process must create its own store. If `clock` is None, the scripts use the server's time.
    `process` is this process's name in heartbeats, or "" if it sends none. `learned` returns what this process knows
    about limits and keys, so that `register.lua` can restore data that the server has lost. This process may use
    1/`processes` of what remains of each budget. Raises `ConfigurationError` for an unknown strategy.
    """

    scope: Scope = "fleet"
    #: Whether calls may wait for the network. If so, async callers must call the store in another thread.
    blocking = True

    def __init__(
        self,
        keys: Sequence[ApiKey],
        strategy: str,
        server: Server,
        *,
        clock: Now | None = None,
        policy: Policy | None = None,
        rng: random.Random | None = None,
        budget: Budget = NO_BUDGET,
        prefix: str = DEFAULT_PREFIX,
        process: str = "",
        learned: Callable[[], dict[str, Any]] | None = None,
        processes: int = 1,
    ) -> None:
        self._server = server
        self._prefix = prefix
        self._scripts = load_scripts(strategy, policy or Policy(), budget, processes)
        self.time = ServerTime(clock)
        self._rng = rng or random.Random()
        self._learned = learned or (lambda: {"learned": [], "verified": [], "spent": [], "disabled": []})
        self._process = process
        self._leases = os.urandom(6).hex()
        self._numbers = itertools.count(1)
        self.set_keys(keys)

    def set_keys(self, keys: Sequence[ApiKey]) -> None:
        """Use only these keys for new leases. The next request registers them on the server.

        A key that is removed and later added again keeps its state.
        """
        text = json.dumps([(key.key_id, key.group, key.mask) for key in keys], separators=(",", ":"))
        digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        self._registration = (digest, text, {key.key_id: key.mask for key in keys})
        self._groups = {key.key_id: key.group for key in keys}
        self._unregistered = True

    def register(self) -> None:
        """Send this process's keys to the server, with the data that `learned` returns."""
        self._unregistered = False
        digest, text, _ = self._registration
        known = self._learned()
        given = f'{{"keys":{text},{json.dumps(known)[1:]}'
        try:
            self._run("register", digest, given)
        except redis.RedisError:
            self._unregistered = True
            raise

    def new_lease_id(self) -> str:
        return f"{self._leases}-{next(self._numbers)}"

    def acquire(self, request: KeyRequest, lease_id: str = "") -> Lease | Later | NoCapacity:
        """Admit a request, reserve a time for it, tell the caller to ask again later, or reject it.

        If `lease_id` is "", the lease gets a new id.
        """
        digest, _, mine = self._registration
        if not mine:
            return NoCapacity(0, "barred")
        lease_id = lease_id or self.new_lease_id()
        wait, seed = (request.max_wait_us, int(request.waited)), self._rng.randrange(SEEDS)
        names = (request.batch, lease_id, self._process, *sorted(request.barred))
        reply = self._run_known("acquire", digest, request.model, request.tokens, *wait, seed, request.microusd, *names)
        match reply[0]:
            case "lease":
                reserved, last_resort, probe = (flag == "1" for flag in reply[4:7])
                at_us = _whole(reply[3])
                return Lease(lease_id, reply[2], request.model, at_us, reserved, reply[7], last_resort, probe)
            case "later":
                return Later(_whole(reply[2]))
            case _:
                return NoCapacity(_whole(reply[2]), reply[3], reply[4])

    def confirm(self, lease: Lease, *, was_sent: bool = False) -> Lease | Later | None:
        """Confirm a reservation whose time has come, or return how much longer to wait.

        Return None if the reservation was released, for example because the key is unusable now or a budget is used up.
        The caller should then call `acquire` with `KeyRequest.waited`. If `was_sent`, count the request even if the key
        is now unusable.
        """
        digest, _, mine = self._registration
        if not mine and not was_sent:
            self.give_back(lease)
            return None
        reply = self._run_known("confirm", digest, int(was_sent), lease.text, lease.at_us)
        if reply[0] == "gone":
            return None
        if reply[0] == "later":
            return Later(_whole(reply[2]))
        return lease.sent(_whole(reply[1]), reply[2])

    def give_back(self, lease: Lease) -> None:
        self._run("give_back", lease.text, lease.at_us)

    def settle(self, lease: Lease, settlement: Settlement, *, foreign: bool = False) -> Change:
        """End a lease. Repeating the call changes nothing.

        If `foreign`, another store issued the lease and counts its usage. Only the key and its limits change here.
        """
        given = {**_known(settlement), "wait_class": wait_class(settlement.waited_us), "foreign": foreign}
        return self._change("settle", lease, given)

    def end_stream(self, lease: Lease, usage: Usage | None, *, broke: bool = False) -> Change:
        """Report the end of a stream whose lease was settled as a success when its headers arrived.

        `usage` is None if unknown. A stream that `broke` counts as a failure of the key. Repeating the call within
        `LEASE_US` changes nothing.
        """
        return self._change("end_stream", lease, {"broke": broke, **({"usage": asdict(usage)} if usage else {})})

    def _change(self, name: str, lease: Lease, given: dict[str, Any]) -> Change:
        reply = self._run(name, lease.text, lease.at_us, json.dumps(given))
        return Change(**json.loads(reply[1]))

    def charge_bulk(self, bulk: Bulk) -> str | None:
        """Charge the budgets for all requests of a bulk. Repeating the call changes nothing.

        If a budget does not suffice, charge nothing and return its `NoCapacity.detail`.
        """
        given = json.dumps(spent_rows(bulk.charges))
        reply = self._run("charge_bulk", bulk.bulk_id, bulk.key_id, given)
        return reply[1] or None

    def settle_bulk(self, bulk: Bulk, result: BulkResult) -> None:
        """Replace the charge of a bulk with its usage, on the day of the charge, and count the outcomes of its
        requests. Repeating the call changes nothing.

        If the bulk was never charged, or its charge has expired, the usage is added to the current day.
        """
        total, (given, made) = result.total, (result.input_tokens, result.output_tokens)
        results = {
            "charges": spent_rows(bulk.charges),
            "used": spent_rows(result.used),
            "outcomes": [(outcome.value, count) for outcome, count in result.outcomes.items()],
            "tokens": [("i", given), ("o", made), ("u", total.microusd), ("h", total.cached_tokens)],
        }
        self._run("settle_bulk", bulk.bulk_id, bulk.key_id, bulk.model, json.dumps(results))

    def act(self, key_id: str, action: Action) -> ActionResult:
        """Apply an operator's action to one key, in all processes. The key need not be configured.

        A disabled key gets no new lease until it is enabled, even if no other key is usable. Its circuit does not
        change, its running requests finish, and its reservations cannot be confirmed. The action "probe" lets a key
        that is open, dead, or out of quota take one request now. If that request fails, the interval between probes
        does not grow.
        """
        digest, _, mine = self._registration
        reply = self._run_known("act", digest if mine else "", key_id, action)
        return ActionResult(reply[1], reply[2] if key_id in mine else "draining")

    def snapshot(self) -> tuple[KeySnapshot, ...]:
        """Return the configured keys in their order, then the draining keys, read at one moment."""
        _, _, mine = self._registration
        pairs = (part for pair in self._groups.items() for part in pair)
        _, found = self._run("snapshot", *pairs)
        return tuple(_snapshot(figures, mine) for figures in json.loads(found))

    def figures(self) -> PoolFigures:
        groups = self._groups  # a reload may replace the keys before the reply arrives
        now, found = self._run("figures", *(part for pair in groups.items() for part in pair))
        return read_figures(self.scope, groups, json.loads(found), _whole(now))

    def spent(self, batch: str = "") -> Spent:
        """Return the usage of all keys on this UTC day, or the total usage of `batch` if it is not ""."""
        name = f"{self._prefix}:t:{batch}" if batch else f"{self._prefix}:d:{day_of(self.server_now_us())}"
        return Spent(*(int(figure or 0) for figure in self._server.hmget(name, [*SPENT_FIELDS])))

    def losses(self) -> int:
        """Return how many times a process lost Redis and continued with its own share of the limits."""
        found = self._server.hget(f"{self._prefix}:p", "losses")
        return int(found or 0)

    def now_us(self) -> int:
        """Return the time of the store's clock, which all lease times use."""
        if not self.time.known:
            self.server_now_us()
        return self.time.now_us()

    def server_now_us(self) -> int:
        return self.time.now_us()

    def close(self) -> None:
        self._server.close()

    def _run_known(self, name: str, *arguments: str | float) -> Any:
        if self._unregistered:
            self.register()
        reply = self._run(name, *arguments)
        if reply[0] == "register":
            self.register()
            reply = self._run(name, *arguments)
            if reply[0] == "register":
                raise redis.RedisError("the server lost this pool's keys right after they were registered")
        return reply

    def _run(self, name: str, *arguments: str | float) -> Any:
        script, parts, asked_at = self._scripts[name], (self._prefix, self.time.given(), *arguments), monotonic_us()
        try:
            reply = _text(self._server.evalsha(script.sha, 1, *parts))
        except NoScriptError:
            reply = _text(self._server.eval(script.text, 1, *parts))
        if isinstance(reply, list):
            self.time.synchronize(_whole(reply[0] if reply[0][:1].isdigit() else reply[1]), asked_at)
        return reply


def _whole(text: str) -> int:
    return int(float(text))


def _snapshot(figures: dict[str, Any], masks: Mapping[str, str]) -> KeySnapshot:
    mask, used, spent = (figures.pop(name, None) for name in ("mask", "last_used_us", "spent_today"))
    return KeySnapshot(
        **figures,
        mask=masks.get(figures["key_id"], mask),
        last_used_us=_whole(used) if used else None,
        spent_today=Spent(*map(int, spent)),
    )


def _known(settlement: Settlement) -> dict[str, Any]:
    return asdict(settlement, dict_factory=lambda pairs: {name: value for name, value in pairs if value is not None})


def spent_rows(spent: Mapping[str, Spent]) -> list[tuple[str | int, ...]]:
    """Return rows for `ledger.lua`: the name of a budget or batch, then calls, tokens, microusd, and cached tokens."""
    return [(name, *astuple(of)) for name, of in spent.items()]


def _text(reply: Any) -> Any:
    if isinstance(reply, bytes):
        return reply.decode()
    if isinstance(reply, list):
        return [_text(part) for part in reply]
    return reply
