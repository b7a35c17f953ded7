"""Broker connections that try to reconnect every second, and messages whose shown arguments are redacted.

kombu waits 2, 4, 6 ... 30 seconds between attempts, so a worker could keep waiting long after the broker has returned.
"""

from typing import Any

from celery.app.amqp import AMQP
from celery.worker.state import maybe_shutdown
from kombu.connection import Connection

from app.redaction import redact_urls


class RetryingConnection(Connection):
    """A connection that tries to reconnect once a second until its worker is asked to stop.

    Messages received before the connection was lost can still be acknowledged or returned.
    """

    def ensure_connection(
        self,
        errback: Any = None,
        max_retries: int | None = None,
        interval_start: float = 1,
        interval_step: float = 0,
        interval_max: float = 1,
        **options: Any,
    ) -> Any:
        options |= {"interval_start": interval_start, "interval_step": interval_step, "interval_max": interval_max}
        return super().ensure_connection(errback, max_retries, **options)  # type: ignore[no-untyped-call]

    def _ensure_connection(self, *args: Any, **options: Any) -> Any:
        """Connect as kombu does, but call `maybe_shutdown` between attempts, so that a stopping worker ends.

        When Celery retries sending an event, it passes no callback, and SIGTERM does not end the worker (seen with 5.7
        in `Heart.start`).
        """
        options["callback"] = options.get("callback") or maybe_shutdown
        return super()._ensure_connection(*args, **options)  # type: ignore[no-untyped-call]

    def _do_close_transport(self) -> None:
        """Drop the transport, but keep the transport's reference to the connection.

        Messages of a lost connection may still be returned (when its channels close) or acknowledged (when their tasks
        end). Both need this reference. kombu clears it, and the resulting `AttributeError` ends the worker (seen with
        5.7 when a broker was killed).
        """
        self._transport = None


def redacted_repr(value: object) -> str:
    """Return the `repr` of `value`, with secrets and the logins and queries of URLs redacted."""
    return redact_urls(repr(value))


class RedactingAMQP(AMQP):
    """Celery's `AMQP`, but with `RetryingConnection` and with redacted arguments in the messages that it builds."""

    Connection = RetryingConnection

    def as_task_v2(self, task_id: str, name: str, args: Any = None, kwargs: Any = None, *rest: Any, **more: Any) -> Any:
        """Build a message as Celery does, with redacted `argsrepr` and `kwargsrepr`.

        Celery builds every message here, including retries and messages that are sent by task name. A retry does not
        keep the `argsrepr` and `kwargsrepr` of the first message.
        """
        more["argsrepr"] = redacted_repr(tuple(args or ()))
        more["kwargsrepr"] = redacted_repr(dict(kwargs or {}))
        return super().as_task_v2(task_id, name, args, kwargs, *rest, **more)
