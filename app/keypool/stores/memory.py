"""The store of one process: the same scripts, run inside it."""

from __future__ import annotations

import random
from collections.abc import Sequence

from app.clock import Clock
from app.keypool.breaker import Policy
from app.keypool.figures import Scope
from app.keypool.keys import ApiKey
from app.keypool.spending import NO_BUDGET, Budget
from app.keypool.stores.local_server import LocalServer
from app.keypool.stores.script_store import ScriptStore


class MemoryStore(ScriptStore):
    """`Store` for a process without Redis; arguments as `ScriptStore` has them."""

    scope: Scope = "process"
    blocking = False

    def __init__(
        self,
        keys: Sequence[ApiKey],
        strategy: str,
        clock: Clock,
        *,
        policy: Policy | None = None,
        rng: random.Random | None = None,
        budget: Budget = NO_BUDGET,
        processes: int = 1,
    ) -> None:
        self._local = LocalServer()
        super().__init__(
            keys,
            strategy,
            self._local,
            clock=clock,
            policy=policy,
            rng=rng,
            budget=budget,
            prefix="pool",
            processes=processes,
        )
