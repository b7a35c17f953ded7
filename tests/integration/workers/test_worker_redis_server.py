"""A fleet works on an external Redis, over TCP with the password in REDIS_URL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis


@pytest.mark.worker
@pytest.mark.redis_server
def test_jobs_run_through_a_redis_server_with_a_password(
    make_fleet: Callable[..., Any], redis_server: str, property_site: str, openai_simulator: Callable[..., Any]
) -> None:
    server = openai_simulator()
    fleet = make_fleet(REDIS_URL=redis_server, OPENAI_API_KEYS=",".join(server.keys), OPENAI_BASE_URL=server.base_url)
    fleet.start_worker()
    ids = fleet.send(*(f"{property_site}/homes/{n}" for n in range(1, 6)))
    fleet.wait_for_state(ids, "done")
    password = redis_server.split("@", maxsplit=1)[0].rpartition(":")[2]
    assert password not in fleet.log("worker")
    with redis.Redis.from_url(redis_server) as client:
        stored = b"".join(client.dump(name) or b"" for name in client.scan_iter())
    assert stored
    assert not any(key.encode() in stored for key in server.keys), "an API key reached Redis"
