"""The contract by Lua scripts: one admits, one settles, each atomically, by one clock.

The scripts in `lua/` hold all rules. Where they run is a server's business: Redis (`redis.py`), or this process
(`memory.py`). No secret ever gets there: a key is its `key_id` and mask.
"""

from __future__ import annotations

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
from app.keypool.snapshots import Acted, Action, KeySnapshot
from app.keypool.spending import NO_BUDGET, Budget, Bulk, BulkResult, Spent, Usage
from app.keypool.stores.base import Change, KeyRequest, Later, Lease, NoRoom, Settlement, day_of
from app.keypool.stores.replies import read_lease, read_snapshot, read_state, whole
from app.keypool.stores.scripts import SEEDS, load_scripts
from app.keypool.stores.server_time import Now, ServerTime, monotonic_us
from app.keypool.stores.tally import read_figures

#: Where `ledger.lua` keeps calls, tokens, microusd and cached tokens: the fields of `Spent` in their order.
SPENT_FIELDS = "ctuh"
#: Of every name on a server.
DEFAULT_PREFIX = "{propintel}:pool"


class Server(Protocol):
    """As much of a Redis client as scripts need."""

    def evalsha(self, sha: str, count: int, *parts: str | float) -> Any: ...
    def eval(self, text: str, count: int, *parts: str | float) -> Any: ...
    def hmget(self, name: str, fields: list[str]) -> Any: ...
    def hget(self, name: str, field: str) -> Any: ...
    def close(self) -> None: ...


class ScriptStore:
    """`Store` over a server; thread-safe as far as `server` is. One for each process, never carried over a fork.

    `clock` None lets the server's time rule. `process` names this process in heartbeats, "" if it sends none. `learned`
    gives what this process knows of limits and keys, for a server that has lost its data (see `register.lua`).
    `processes` is by how many what is left of each budget is divided. Raises `ConfigurationError` for an unknown
    strategy.
    """

    scope: Scope = "fleet"
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
        #: the server's clock as this process remembers it; never asks
        self.time = ServerTime(clock)
        self._rng = rng or random.Random()
        self._learned = learned or (lambda: {"learned": [], "verified": [], "spent": [], "disabled": []})
        self._process = process
        self._leases = os.urandom(6).hex()
        self._numbers = itertools.count(1)
        self.set_keys(keys)

    def set_keys(self, keys: Sequence[ApiKey]) -> None:
        """As the contract has it; the server learns of it with the next request."""
        text = json.dumps([(key.key_id, key.group, key.mask) for key in keys], separators=(",", ":"))
        digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        self._registration = (digest, text, {key.key_id: key.mask for key in keys})
        self._groups = {key.key_id: key.group for key in keys}
        self._unregistered = True

    def register(self) -> None:
        """Register the keys of this process, and what it knows of them."""
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

    def acquire(self, request: KeyRequest, lease_id: str = "") -> Lease | Later | NoRoom:
        """As the contract has it, under this id if one is given."""
        digest, _, mine = self._registration
        if not mine:
            return NoRoom(0, "barred")
        lease_id = lease_id or self.new_lease_id()
        wait, seed = (request.max_wait_us, int(request.waited)), self._rng.randrange(SEEDS)
        names = (request.batch, lease_id, self._process, *sorted(request.barred))
        reply = self._ask("acquire", digest, request.model, request.tokens, *wait, seed, request.microusd, *names)
        match reply[0]:
            case "lease":
                return read_lease(reply, request, lease_id)
            case "later":
                return Later(whole(reply[2]))
            case _:
                return NoRoom(whole(reply[2]), reply[3], reply[4])

    def confirm(self, lease: Lease, *, was_sent: bool = False) -> Lease | Later | None:
        """As the contract has it. `was_sent`: whatever has become of the key, the request is out and counts, once."""
        digest, _, mine = self._registration
        if not mine and not was_sent:
            self.give_back(lease)
            return None
        reply = self._ask("confirm", digest, int(was_sent), lease.text, lease.at_us)
        if reply[0] == "gone":
            return None
        if reply[0] == "later":
            return Later(whole(reply[2]))
        return lease.sent(whole(reply[1]), reply[2])

    def give_back(self, lease: Lease) -> None:
        self._run("give_back", lease.text, lease.at_us)

    def settle(self, lease: Lease, settlement: Settlement, *, foreign: bool = False) -> Change:
        """As the contract has it. `foreign`: another server gave the lease; only what it says of its key is taken."""
        given = {**_known(settlement), "wait_class": wait_class(settlement.waited_us), "foreign": foreign}
        return self._change("settle", lease, given)

    def end_stream(self, lease: Lease, usage: Usage | None, *, broke: bool = False) -> Change:
        return self._change("end_stream", lease, {"broke": broke, **({"usage": asdict(usage)} if usage else {})})

    def _change(self, name: str, lease: Lease, given: dict[str, Any]) -> Change:
        reply = self._run(name, lease.text, lease.at_us, json.dumps(given))
        return Change(**json.loads(reply[1]))

    def charge_bulk(self, bulk: Bulk) -> str | None:
        given = json.dumps(spent_rows(bulk.charges))
        reply = self._run("charge_bulk", bulk.bulk_id, bulk.key_id, given)
        return reply[1] or None

    def settle_bulk(self, bulk: Bulk, result: BulkResult) -> None:
        total, (given, made) = result.total, (result.input_tokens, result.output_tokens)
        told = {
            "charges": spent_rows(bulk.charges),
            "used": spent_rows(result.used),
            "outcomes": [(outcome.value, count) for outcome, count in result.outcomes.items()],
            "tokens": [("i", given), ("o", made), ("u", total.microusd), ("h", total.cached_tokens)],
        }
        self._run("settle_bulk", bulk.bulk_id, bulk.key_id, bulk.model, json.dumps(told))

    def act(self, key_id: str, action: Action) -> Acted:
        digest, _, mine = self._registration
        reply = self._ask("act", digest if mine else "", key_id, action)
        state = read_state(reply[3:], whole(reply[0]), configured=key_id in mine, disabled=reply[2] == "1")
        return Acted(reply[1], state)

    def snapshot(self) -> tuple[KeySnapshot, ...]:
        _, _, mine = self._registration
        pairs = (part for pair in self._groups.items() for part in pair)
        reply = self._run("snapshot", *pairs)
        now = whole(reply[0])
        return tuple(read_snapshot(figures, now, mine.get(figures[0])) for figures in reply[1:])

    def figures(self) -> PoolFigures:
        groups = self._groups  # which a reload replaces, maybe before the answer is here
        now, found = self._run("figures", *(part for pair in groups.items() for part in pair))
        return read_figures(self.scope, groups, json.loads(found), whole(now))

    def spent(self, batch: str = "") -> Spent:
        name = f"{self._prefix}:t:{batch}" if batch else f"{self._prefix}:d:{day_of(self.server_now_us())}"
        return Spent(*(int(figure or 0) for figure in self._server.hmget(name, [*SPENT_FIELDS])))

    def losses(self) -> int:
        found = self._server.hget(f"{self._prefix}:p", "losses")
        return int(found or 0)

    def now_us(self) -> int:
        if not self.time.known:
            self.server_now_us()
        return self.time.now_us()

    def server_now_us(self) -> int:
        """The server's time, asked for."""
        return self.time.now_us()

    def close(self) -> None:
        self._server.close()

    def _ask(self, name: str, *arguments: str | float) -> Any:
        """Run a script that needs this process's keys to be known: after a change of them, or of the server."""
        if self._unregistered:
            self.register()
        reply = self._run(name, *arguments)
        if reply[0] == "register":
            self.register()
            reply = self._run(name, *arguments)
            if reply[0] == "register":
                raise redis.RedisError("the server forgets this pool's keys as soon as they are registered")
        return reply

    def _run(self, name: str, *arguments: str | float) -> Any:
        script, parts, asked_at = self._scripts[name], (self._prefix, self.time.given(), *arguments), monotonic_us()
        try:
            reply = _text(self._server.evalsha(script.sha, 1, *parts))
        except NoScriptError:
            reply = _text(self._server.eval(script.text, 1, *parts))
        if isinstance(reply, list):
            self.time.saw(whole(reply[0] if reply[0][:1].isdigit() else reply[1]), asked_at)
        return reply


def _known(settlement: Settlement) -> dict[str, Any]:
    """Its fields, without what is None."""
    return asdict(settlement, dict_factory=lambda pairs: {name: value for name, value in pairs if value is not None})


def spent_rows(spent: Mapping[str, Spent]) -> list[tuple[str | int, ...]]:
    """As scripts take it (`ledger.lua`): {name, calls, tokens, microusd, cached tokens} of each budget or batch."""
    return [(name, *astuple(of)) for name, of in spent.items()]


def _text(reply: Any) -> Any:
    if isinstance(reply, bytes):
        return reply.decode()
    if isinstance(reply, list):
        return [_text(part) for part in reply]
    return reply
