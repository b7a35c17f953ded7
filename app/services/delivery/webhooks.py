"""Send webhooks: POST events as JSON, signed as Standard Webhooks specifies if a secret is set.

URLs may come from untrusted clients. Therefore, each request passes the SSRF guard, connects only to the IP address
that the guard checked, and is limited in time and size. Redirects are not followed.
"""

import html
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook

from app.clock import Clock
from app.errors import ConfigurationError
from app.errors.fetching import BlockedAddressError, FetchError
from app.errors.targets import InvalidTargetError
from app.errors.webhooks import InvalidCallbackError, WebhookError, WebhookRefusedError
from app.printable import json_text
from app.property.fetch.client.exchange import Exchange
from app.property.fetch.guard.check import Guard, check_url
from app.property.fetch.guard.resolver import Resolver, SystemResolver
from app.property.fetch.limits import Limits
from app.redaction import origin_of
from app.settings import Settings

#: Time limit of one attempt, from name resolution to the response's status line.
TIMEOUT_SECONDS = 10.0
_GONE = 410


@dataclass(frozen=True, slots=True)
class Event:
    """An event to send. `id` is the same in all attempts to send the event.

    Slack and similar receivers show `text`, which may contain text from pages.
    """

    id: str
    type: str
    occurred_at: datetime
    data: Mapping[str, Any]
    text: str | None = None

    def body(self) -> str:
        """Return the body as JSON text: `type`, `timestamp`, and `data` as in Standard Webhooks, and `text`.

        In `text`, the characters `&`, `<`, and `>` are escaped as Slack requires. Text from pages can therefore neither
        notify people (`<!channel>`) nor disguise a link (`<url|words>`).
        """
        content = {"type": self.type, "timestamp": self.occurred_at.isoformat(), "data": self.data}
        if self.text is not None:
            content = {"text": html.escape(self.text, quote=False), **content}
        return json_text(content, separators=(",", ":"))


def check_callback_url(url: str) -> str:
    """Return `url` in canonical form. Raises `InvalidCallbackError` for an unusable URL. Does not resolve the host."""
    try:
        return check_url(url)
    except InvalidTargetError as exc:
        raise InvalidCallbackError(exc.facts["target"], exc.facts["problem"]) from exc
    except BlockedAddressError as exc:
        raise InvalidCallbackError(origin_of(url.strip()), f"it leads to {exc.facts['reason']}") from exc


def operators_url(variable: str, url: SecretStr | None) -> str | None:
    """Return `url`, the value of the setting `variable`, in canonical form. Return None if `url` is None.

    Raises `ConfigurationError` for an unusable URL.
    """
    if url is None:
        return None
    try:
        return check_callback_url(url.get_secret_value())
    except InvalidCallbackError as exc:
        problem = f"no webhook can be sent there: {exc.facts['problem']}"
        raise ConfigurationError(variable, problem, exc.remedy.rstrip(".")) from None


class WebhookSender:
    """Sends events. Signs them if WEBHOOK_SECRET is set. `timeout_seconds` limits a whole attempt. Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        limits = Limits(
            total_seconds=timeout_seconds,
            connect_seconds=timeout_seconds / 2,
            read_seconds=timeout_seconds,
            wire_bytes=65_536,
        )
        secret = settings.jobs.webhook_secret
        self._guard = Guard(resolver or SystemResolver(clock), settings.fetch.allowed_private_networks)
        self._exchange = Exchange(limits, clock, settings.fetch.user_agent, ssl_context)
        self._clock = clock
        self._signer = Webhook(secret.get_secret_value()) if secret is not None else None
        self._timeout_seconds = timeout_seconds

    def send(self, url: str, event: Event) -> None:
        """Make one attempt to send `event`. Return normally only after a 2xx response.

        Raises `WebhookRefusedError` if another attempt would be useless: for an invalid URL, a blocked address, or a
        receiver that responds with 410. Raises `WebhookError` for other failures.
        """
        deadline_us = self._clock.now_us() + round(self._timeout_seconds * 1_000_000)
        try:
            destination = self._guard.check(url, timeout_seconds=self._timeout_seconds / 2)
            status = self._exchange.post(destination, event.body().encode(), self._headers(event), deadline_us)
        except (BlockedAddressError, InvalidTargetError) as exc:
            raise WebhookRefusedError(_reason(exc, url)) from exc
        except FetchError as exc:
            raise WebhookError(_reason(exc, url)) from exc
        if status == _GONE:
            raise WebhookRefusedError(f"{origin_of(url)} answered HTTP 410, so it accepts no more messages")
        if not 200 <= status < 300:
            followed = ", and redirects are not followed" if 300 <= status < 400 else ""
            raise WebhookError(f"{origin_of(url)} answered HTTP {status}{followed}")

    def _headers(self, event: Event) -> dict[str, str]:
        now = self._clock.now()
        headers = {
            "Content-Type": "application/json",
            "Accept": "*/*",
            "webhook-id": event.id,
            "webhook-timestamp": str(int(now.timestamp())),
        }
        if self._signer is not None:
            headers["webhook-signature"] = self._signer.sign(event.id, now, event.body())
        return headers

    def close(self) -> None:
        self._exchange.close()


def _reason(exc: FetchError | InvalidTargetError, url: str) -> str:
    """Return the message of `exc` with only the URL's origin, and without the remedy, which is about pages."""
    facts = {**exc.facts, "url": origin_of(url), "target": origin_of(url)}
    return exc.sentence.format(**facts).rstrip(".")
