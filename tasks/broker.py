"""How Celery connects to its broker: at once when it is back, and without losing what the lost connection leaves
behind; and what its messages show of their arguments.

kombu waits 2, 4, 6 ... 30 seconds between its tries, so that a worker would sleep through the return of a broker that
was away for a minute. A try on a broker that is away costs next to nothing, and a fleet has few workers.
"""

from __future__ import annotations

from typing import Any

from celery.app.amqp import AMQP
from celery.worker.state import maybe_shutdown
from kombu.connection import Connection

from app.redaction import redact_urls


class SteadyConnection(Connection):
    """A connection that is tried once a second, unless the caller wants it otherwise, until its worker is told to stop;
    messages that it has brought can always end.
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
        """As kombu's, with other defaults."""
        options |= {"interval_start": interval_start, "interval_step": interval_step, "interval_max": interval_max}
        return super().ensure_connection(errback, max_retries, **options)  # type: ignore[no-untyped-call]

    def _ensure_connection(self, *args: Any, **options: Any) -> Any:
        """As kombu's, but heard by `maybe_shutdown`: it raises in a worker that was told to stop.

        Celery forgets that where it sends an event again and again to a broker that is away, and then no TERM ends the
        worker (seen with 5.7: `Heart.start`).
        """
        options["callback"] = options.get("callback") or maybe_shutdown
        return super()._ensure_connection(*args, **options)  # type: ignore[no-untyped-call]

    def _do_close_transport(self) -> None:
        """Let go of the transport, which still knows the way to the broker.

        Messages of a lost connection are given back when its channels are closed, and acknowledged when their tasks
        end, which may be later. kombu's own transport forgets the way, so that both may fail with an `AttributeError`
        (seen with 5.7 when a broker was killed), on which Celery ends the worker.
        """
        self._transport = None


def shown(value: object) -> str:
    """`value` as Flower and the logs may see it: no key, and of a URL neither password nor query."""
    return redact_urls(repr(value))


class SteadyAMQP(AMQP):
    """Celery's `amqp` with these connections, for whoever consumes and whoever sends; what is sent shows its arguments
    redacted.
    """

    Connection = SteadyConnection

    def as_task_v2(self, task_id: str, name: str, args: Any = None, kwargs: Any = None, *rest: Any, **more: Any) -> Any:
        """As Celery's; `argsrepr` and `kwargsrepr` are ours.

        Here every message is made: of a task, of its name alone, and of a retry, where those of a call are lost.
        """
        more["argsrepr"] = shown(tuple(args or ()))
        more["kwargsrepr"] = shown(dict(kwargs or {}))
        return super().as_task_v2(task_id, name, args, kwargs, *rest, **more)
