"""`propintel keys list` shows the pool's keys in a table, including draining keys."""

import io
from typing import Any

from rich.console import Console

from app.clock import ManualClock
from app.keypool.call import Call
from app.keypool.keys import make_keys
from app.keypool.outcomes import Outcome
from app.keypool.pool import KeyPool, Send
from app.keypool.stores.base import Settlement
from app.keypool.stores.memory import MemoryStore
from cli.keys import _table

KEYS = make_keys(["sk-proj-aaaaaaaaaaaaaaaaaaaa1111", "sk-proj-bbbbbbbbbbbbbbbbbbbb2222"])


def _pool(clock: ManualClock) -> KeyPool:
    return KeyPool(KEYS, MemoryStore(KEYS, "round_robin", clock), "round_robin")


def _ask(pool: KeyPool) -> str:
    """Make one successful request; return the mask of the key used."""
    call = Call("m", 1, 1_000_000, 0)
    step = pool.step(call)
    assert isinstance(step, Send)
    pool.settle(call, step.lease, Settlement(Outcome.SUCCESS))
    return step.key.mask


def _shown(stats: dict[str, Any]) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=200).print(_table(stats))
    return [" ".join(line.split()) for line in out.getvalue().splitlines()]


def test_a_removed_key_is_shown_as_draining_with_its_last_use() -> None:
    """An operator revokes a removed key once it is no longer used."""
    clock = ManualClock()
    pool = _pool(clock)
    assert not any("draining" in line for line in _shown(pool.stats()))
    used = {_ask(pool), _ask(pool)}
    assert used == {key.mask for key in KEYS}
    pool.replace_keys(KEYS[1:])
    clock.advance(60)
    assert {_ask(pool) for _ in range(4)} == {KEYS[1].mask}
    stats = pool.stats()
    assert stats["keys"][KEYS[0].mask]["state"] == "draining"
    title, *lines = _shown(stats)
    assert ", 1 draining, round_robin" in title
    (draining,) = [line for line in lines if KEYS[0].mask in line]
    assert " draining 1 1 0 " in draining
    assert draining.endswith("2026-01-01 00:00")
    (other,) = [line for line in lines if KEYS[1].mask in line]
    assert " healthy 5 5 0 " in other
    assert other.endswith("2026-01-01 00:01")
