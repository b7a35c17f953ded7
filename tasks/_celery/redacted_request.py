"""Show received messages with redacted arguments in Flower, `celery inspect`, and the log."""

from typing import Any

from celery.worker.request import Request

from app.redaction import redact_urls


class RedactedRequest(Request):
    """A Celery request whose shown arguments are redacted, even if the sender did not redact them.

    For a running task, Celery shows the representation of the arguments in the message. For a task that waits for a
    free process or for its countdown, Celery shows the arguments themselves.
    """

    _argsrepr: str
    _kwargsrepr: str

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._argsrepr = redact_urls(self._argsrepr or "")
        self._kwargsrepr = redact_urls(self._kwargsrepr or "")

    def info(self, safe: bool = False) -> dict[str, Any]:  # noqa: ARG002 (Celery passes both values)
        """Describe the request as Celery does with `safe=True`, so that the arguments themselves are not shown."""
        shown: dict[str, Any] = super().info(safe=True)
        return shown
