"""A worker's connection handles the loss of its broker while messages are unacknowledged."""

import pytest
from celery.exceptions import WorkerShutdown
from celery.worker import state
from kombu.connection import Connection
from kombu.message import Message
from pydantic import SecretStr

from app.settings import Settings
from tasks import make_celery
from tasks._celery.config import kombu_url
from tasks._celery.connection import RetryingConnection


def _message_of_a_lost_connection(connection: Connection, queue_name: str) -> Message:
    """Return an unacknowledged message whose connection has lost its transport, while its channel is still open."""
    with connection.SimpleQueue(queue_name) as queue:
        queue.put("message")
    channel = connection.default_channel
    message = channel.message_to_python(channel.basic_get(queue_name, no_ack=False))
    channel._disconnect_pools()
    connection._do_close_transport()
    return message


def test_closing_a_lost_connection_returns_its_messages(embedded_valkey_url: str) -> None:
    """With kombu's own `Connection`, closing it would raise an `AttributeError`, which would end the worker."""
    connection = RetryingConnection(kombu_url(embedded_valkey_url))
    _message_of_a_lost_connection(connection, "held")
    connection.release()
    assert _waits(embedded_valkey_url, "held")


def test_a_message_of_a_lost_connection_can_be_acknowledged(embedded_valkey_url: str) -> None:
    """A task that ends after the loss acknowledges its message. With kombu's own `Connection`, this would fail."""
    connection = RetryingConnection(kombu_url(embedded_valkey_url))
    _message_of_a_lost_connection(connection, "done").ack()
    connection.release()
    assert not _waits(embedded_valkey_url, "done")


def _waits(url: str, queue_name: str) -> bool:
    with Connection(kombu_url(url)) as connection, connection.SimpleQueue(queue_name) as queue:
        try:
            queue.get_nowait().ack()
        except queue.Empty:
            return False
    return True


def test_a_stopped_worker_does_not_wait_for_its_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the broker is unreachable, Celery would try to send `worker-online` forever, even after SIGTERM."""
    app = make_celery(Settings.of(redis_url=SecretStr("redis://127.0.0.1:1/0")))
    monkeypatch.setattr(state, "should_stop", 0)
    with app.connection_for_write() as connection, app.events.Dispatcher(connection) as dispatcher:
        dispatcher.enabled = True
        with pytest.raises(WorkerShutdown):
            dispatcher.send("worker-online", retry=True)


def test_a_worker_uses_the_retrying_connection(embedded_valkey_url: str) -> None:
    app = make_celery(Settings.of(redis_url=SecretStr(embedded_valkey_url)))
    with app.connection_for_read() as connection:
        assert isinstance(connection, RetryingConnection)
