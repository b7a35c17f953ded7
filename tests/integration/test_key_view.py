"""A view of the keys does not register as a process of the fleet, and works again after a loss of Redis."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from app.keypool.keys import load_keys
from app.keypool.outcomes import Outcome
from app.keypool.stores.base import KeyRequest, Lease, Settlement
from app.keypool.stores.redis import RedisStore
from app.redis.embedded_valkey import EmbeddedValkey, broker_url, connect
from app.services.keys.store import connect_store
from app.services.keys.view import KeyView
from app.settings import Settings


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path) as running:
        yield running


def _use(settings: Settings) -> None:
    keys = load_keys(settings).keys
    store = RedisStore(keys, "round_robin", connect_store(broker_url(settings)))
    for _ in keys:
        lease = store.acquire(KeyRequest("m", 10.0, 60_000_000))
        assert isinstance(lease, Lease)
        store.settle(lease, Settlement(Outcome.SUCCESS))
    store.close()


def test_a_view_shows_the_fleets_counts_without_joining_it_and_survives_the_loss_of_its_redis(
    tmp_path: Path, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The view reconnects by itself, but a manager that lost Redis stays offline until its next request."""
    monkeypatch.setattr("app.services.keys.view.KEPT_SECONDS", 0.0)
    monkeypatch.setattr("app.services.keys.view._GRACE_SECONDS", 0.0)
    secrets = "sk-proj-aaaaaaaaaaaaaaaaaaaa1111,sk-proj-bbbbbbbbbbbbbbbbbbbb2222"
    given = Settings.of(propintel_home=tmp_path, openai_api_keys=secrets)
    view = KeyView(given)
    _use(given)
    stats = view.stats()
    assert stats["scope"] == "fleet"
    assert [figures["requests"] for figures in stats["keys"].values()] == [1, 1]
    with connect(given) as connection:
        assert connection.exists("{propintel}:pool:procs") == 0
    assert sum(call.outcomes[Outcome.SUCCESS] for call in view.report().figures.calls) == 2
    valkey.stop()
    away = view.stats()
    assert (away["scope"], away["total_keys"], list(away["keys"])) == ("process", 2, [key.mask for key in view.keys])
    with pytest.raises(redis.RedisError):
        view.report()
    valkey.start()
    back = view.stats()
    assert (back["scope"], sum(figures["requests"] for figures in back["keys"].values())) == ("fleet", 2)
    view.close()
