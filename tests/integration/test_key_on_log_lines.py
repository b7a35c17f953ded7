"""Log lines name a request's key (as a mask) only while the request has a key."""

import logging
from typing import Any

import pytest
from structlog.contextvars import get_contextvars

from app.keypool.keys import mask
from tests.plugins.pooled_sdk import Pooled, pooled, value_of
from tests.plugins.simulator_fixtures import KEYS

_MESSAGES = [{"role": "user", "content": "hi"}]


class _Contexts(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append((record.getMessage(), getattr(record, "key", None) or get_contextvars().get("key")))


@pytest.fixture
def there(openai_simulator: Any, face: str) -> Pooled:
    simulator = openai_simulator(
        [{"key": KEYS[0], "behavior": "dead"}, {"key": KEYS[1], "rpm": 1000, "tpm": 1_000_000}]
    )
    return pooled(simulator.base_url, simulator.keys, face)


def test_the_lines_of_a_request_name_its_key_and_later_lines_do_not(there: Pooled) -> None:
    """`face` selects how requests run: in a thread, on an event loop, or with the store in a separate thread."""
    pool_log, contexts = logging.getLogger("app.keypool.pool"), _Contexts()
    pool_log.addHandler(contexts)
    level, pool_log.level = pool_log.level, logging.INFO
    after: list[Any] = []

    async def scenario(client: Any) -> None:
        await value_of(client.chat.completions.create(model="gpt-4.1-mini", messages=_MESSAGES))
        after.append(get_contextvars().get("key"))

    try:
        there.run(scenario)
    finally:
        pool_log.removeHandler(contexts)
        pool_log.level = level
    dead, well = mask(KEYS[0]), mask(KEYS[1])
    assert [key for _, key in contexts.seen] == [dead, dead, well]
    assert "was refused (401)" in contexts.seen[1][0]
    assert after == [None]
