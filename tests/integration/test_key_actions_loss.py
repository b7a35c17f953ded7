"""Key actions stay in force while Redis is unavailable, and after it has lost its data."""

from collections.abc import Callable

import pytest
import redis

from app.keypool.snapshots import ActionResult
from app.keypool.stores.base import KeyRequest, Lease
from app.keypool.stores.fleet import FleetStore
from tests.plugins.lossy_server import KEYS, Server, answered, know
from tests.plugins.waiting import wait_until

pytestmark = pytest.mark.redis_server
A, B = (key.key_id for key in KEYS)


def _all_know(*stores: FleetStore) -> None:
    wait_until(lambda: all(store.fleet.disabled == {A} for store in stores), 60)


def test_a_disabled_key_stays_unused_while_the_server_is_down_and_after_it_has_lost_its_data(
    lossy_server: Server, open_fleet_store: Callable[..., FleetStore]
) -> None:
    """A process that did not disable the key avoids it too. New actions fail while the server is down."""
    first, second = stores = open_fleet_store(), open_fleet_store()
    know(first)
    answered(second)
    assert first.act(A, "disable") == ActionResult("done", "disabled")
    _all_know(*stores)
    lossy_server.kill()
    for store in stores:
        assert {answered(store).key_id for _ in range(10)} == {B}
        assert {seen.key_id: seen.state for seen in store.snapshot()} == {A: "disabled", B: "closed"}
    with pytest.raises(redis.RedisError):
        first.act(B, "disable")
    assert answered(first).key_id == B
    lossy_server.start()
    wait_until(lambda: not (first.lost or second.lost), 60)
    newcomer = open_fleet_store()
    assert {answered(newcomer).key_id for _ in range(10)} == {B}
    assert newcomer.act(A, "enable") == ActionResult("done", "closed")
    assert A in {answered(newcomer).key_id for _ in range(10)}


def test_a_reservation_of_a_disabled_key_is_not_used_while_the_server_is_down(
    lossy_server: Server, open_fleet_store: Callable[..., FleetStore]
) -> None:
    store = open_fleet_store()
    know(store, rpm=600)
    only_a = frozenset({B})
    while isinstance(lease := store.acquire(KeyRequest("m", 10, 30_000_000, only_a)), Lease) and not lease.reserved:
        pass
    assert isinstance(lease, Lease)
    store.act(A, "disable")
    _all_know(store)
    lossy_server.kill()
    assert store.confirm(lease) is None
