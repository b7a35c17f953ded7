"""Connections to the broker that reconnect within a second, and messages that show their arguments redacted.

kombu waits 2, 4, 6 ... 30 seconds between attempts, so a worker could keep waiting long after the broker has returned.
An attempt on a broker that is unavailable costs almost nothing, and a fleet has few workers.
"""

from __future__ import annotations

from typing import Any

from celery.app.amqp import AMQP
from celery.worker.state import maybe_shutdown
from kombu.connection import Connection

from app.redaction import redact_urls


class RetryingConnection(Connection):
    """A connection that retries once a second until its worker is asked to stop.

    After a lost connection, its messages can still be acknowledged and returned.
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
        """Connect as kombu does, with other default intervals."""
        options |= {"interval_start": interval_start, "interval_step": interval_step, "interval_max": interval_max}
        return super().ensure_connection(errback, max_retries, **options)  # type: ignore[no-untyped-call]

    def _ensure_connection(self, *args: Any, **options: Any) -> Any:
        """Connect as kombu does, and call `maybe_shutdown` between attempts, which raises in a stopping worker.

        Celery omits that call where it retries an event, and then no TERM ends the worker (seen with 5.7 in
        `Heart.start`).
        """
        options["callback"] = options.get("callback") or maybe_shutdown
        return super()._ensure_connection(*args, **options)  # type: ignore[no-untyped-call]

    def _do_close_transport(self) -> None:
        """Drop the transport without clearing its reference to the connection.

        Messages of a lost connection are returned when its channels are closed, and acknowledged when their tasks end,
        which may be later. kombu clears the reference that both need. The resulting `AttributeError` ends the worker
        (seen with 5.7 when a broker was killed).
        """
        self._transport = None


def redacted_repr(value: object) -> str:
    """Return the `repr` of `value` for Flower and the logs, without keys, and without login and query of URLs."""
    return redact_urls(repr(value))


class RedactingAMQP(AMQP):
    """Celery's `amqp` with `RetryingConnection`s. The messages that it builds show their arguments redacted."""

    Connection = RetryingConnection

    def as_task_v2(self, task_id: str, name: str, args: Any = None, kwargs: Any = None, *rest: Any, **more: Any) -> Any:
        """Build a message as Celery does, with redacted `argsrepr` and `kwargsrepr`.

        Every message is built here: of a task, of a task's name alone, and of a retry, which loses the representations
        that the first call set.
        """
        more["argsrepr"] = redacted_repr(tuple(args or ()))
        more["kwargsrepr"] = redacted_repr(dict(kwargs or {}))
        return super().as_task_v2(task_id, name, args, kwargs, *rest, **more)
