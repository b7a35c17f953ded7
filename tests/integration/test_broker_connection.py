"""What a worker's connection does when its broker is lost with messages in hand."""

from __future__ import annotations

import logging

import pytest
from celery.exceptions import WorkerShutdown
from celery.worker import state
from kombu.connection import Connection
from pydantic import SecretStr

from app.settings import Settings
from tasks import make_celery
from tasks.broker import SteadyConnection
from tasks.config import kombu_url


def _holding_a_message(connection: Connection) -> Connection:
    """`connection` after it was handed a message that it has not acknowledged, and has lost its transport."""
    with connection.SimpleQueue("held") as queue:
        queue.put("message")
    channel = connection.default_channel
    channel.basic_get("held", no_ack=False)
    channel._pool, connection.transport.client = None, None
    return connection


def test_a_connection_that_lost_its_transport_can_be_closed(
    embedded_valkey_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """kombu's own raises an AttributeError there, on which Celery ends the worker."""
    url = kombu_url(embedded_valkey_url)
    with pytest.raises(AttributeError):
        _holding_a_message(Connection(url)).release()
    with caplog.at_level(logging.WARNING):
        _holding_a_message(SteadyConnection(url)).release()
    assert "could not be closed: AttributeError" in caplog.text


def test_a_worker_that_is_told_to_stop_does_not_wait_for_its_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Celery sends its heartbeat's first event without end while nobody answers; TERM has set the flag meanwhile."""
    app = make_celery(Settings(_env_file=None, redis_url=SecretStr("redis://127.0.0.1:1/0")))
    monkeypatch.setattr(state, "should_stop", 0)
    with app.connection_for_write() as connection, app.events.Dispatcher(connection) as dispatcher:
        dispatcher.enabled = True
        with pytest.raises(WorkerShutdown):
            dispatcher.send("worker-online", retry=True)


def test_a_worker_connects_that_way(embedded_valkey_url: str) -> None:
    app = make_celery(Settings(_env_file=None, redis_url=SecretStr(embedded_valkey_url)))
    with app.connection_for_read() as connection:
        assert isinstance(connection, SteadyConnection)
