"""The form in which Flower, `celery inspect` and the log show a received message."""

from __future__ import annotations

from typing import Any

from celery.worker.request import Request

from app.redaction import redact_urls


class RedactedRequest(Request):
    """A request of Celery that shows its arguments redacted, regardless of the sender.

    For a running task, Celery shows the sender's representation of the arguments. For a task that waits for a free
    process or for its countdown, Celery shows the arguments themselves.
    """

    _argsrepr: str
    _kwargsrepr: str

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._argsrepr = redact_urls(self._argsrepr or "")
        self._kwargsrepr = redact_urls(self._kwargsrepr or "")

    def info(self, safe: bool = False) -> dict[str, Any]:  # noqa: ARG002 (Celery passes both values)
        """Describe the request as Celery does with `safe=True`."""
        shown: dict[str, Any] = super().info(safe=True)
        return shown
