"""A message as the worker that has received it tells of it: to Flower, to `celery inspect`, in its log."""

from __future__ import annotations

from typing import Any

from celery.worker.request import Request

from app.redaction import redact_urls


class RedactedRequest(Request):
    """Celery's, whose arguments are shown redacted, whoever sent the message.

    Celery tells of a task under way by the sender's representation of its arguments; but of one that waits in a worker,
    for a free process or for the countdown of its retry, by the arguments themselves.
    """

    _argsrepr: str
    _kwargsrepr: str

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._argsrepr = redact_urls(self._argsrepr or "")
        self._kwargsrepr = redact_urls(self._kwargsrepr or "")

    def info(self, safe: bool = False) -> dict[str, Any]:  # noqa: ARG002 (Celery asks for both)
        """As Celery's when it is to be safe."""
        shown: dict[str, Any] = super().info(safe=True)
        return shown
