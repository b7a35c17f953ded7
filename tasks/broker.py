"""How Celery connects to its broker: at once when it is back.

kombu waits 2, 4, 6 ... 30 seconds between its tries, so that a worker would sleep through the return of a broker that
was away for a minute. A try on a broker that is away costs next to nothing, and a fleet has few workers.
"""

from __future__ import annotations

from typing import Any

from celery.app.amqp import AMQP
from kombu.connection import Connection


class SteadyConnection(Connection):
    """A connection that is tried once a second, unless the caller wants it otherwise."""

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


class SteadyAMQP(AMQP):
    """Celery's `amqp` with these connections, for whoever consumes and whoever sends."""

    Connection = SteadyConnection
