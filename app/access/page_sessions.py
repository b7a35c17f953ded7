"""Sessions of the web pages. They are stored in Redis and shared by all web processes.

A browser's cookie contains a random session id. Redis stores only the SHA-256 of the id, together with the caller, so a
leaked Redis dump cannot be used to sign in. The token used to sign in is not stored. The code of a sign-in link is also
stored as a SHA-256, and works once.

Stored values are signed (HMAC-SHA256) with a key derived from JWT_SECRET or the secret of PROPINTEL_HOME. Redis does
not have this key, so write access to Redis is not enough to sign in, to change a role, or to extend a session.
"""

import hashlib
import hmac
import json
import logging
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import redis

from app.access.tokens import Caller
from app.clock import Clock
from app.errors import ConfigurationError
from app.errors.broker import BrokerUnavailableError
from app.home import read_home_secret
from app.redaction import origin_of
from app.redis.embedded_valkey import broker_url, client_with_timeout
from app.settings import Settings

log = logging.getLogger(__name__)

#: The longest duration of a session. Revoking the caller's role does not end the session.
LONGEST = timedelta(hours=12)
LINK_LIFETIME = timedelta(minutes=15)
#: The URL path of sign-in links. Logs redact the query parameter `code`, which is secret.
LINK_PATH = "/sign-in/link"
_PREFIX = "propintel:page-session:"
_LINK_PREFIX = "propintel:sign-in-link:"
_TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class PageSession:
    """`csrf` is the token that every form must send back."""

    caller: Caller
    csrf: str


class PageSessions:
    """Stores the page sessions of all browsers in Redis. Thread-safe.

    Methods raise `BrokerUnavailableError` if Redis fails or does not answer within two seconds. They raise
    `ConfigurationError` if they must sign or verify a value and no secret is configured.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._client: redis.Redis | None = None

    def open(self, caller: Caller) -> tuple[str, int]:
        """Open a session for `caller`. Return the secret session id and the session's lifetime in seconds.

        The session ends when the caller's token expires, but at the latest after `LONGEST`.
        """
        left = LONGEST if caller.expires_at is None else min(LONGEST, caller.expires_at - self._clock.now())
        seconds = max(1, int(left.total_seconds()))
        session_id = secrets.token_urlsafe(32)
        self._store(_name(session_id), [*_fields(caller), secrets.token_urlsafe(32)], seconds)
        return session_id, seconds

    def find(self, session_id: str) -> PageSession | None:
        """Return the session, or None if it does not exist, has ended, or is wrongly signed."""
        name = _name(session_id)
        fields = self._verified(name, self._asked(lambda client: client.get(name)))
        if fields is None:
            return None
        issuer, subject, role, csrf = fields
        return PageSession(Caller(issuer, subject, role), csrf)

    def make_link(self, caller: Caller) -> str:
        """Return the path and query of a link that signs `caller` in once, within `LINK_LIFETIME`."""
        code = secrets.token_urlsafe(32)
        self._store(_name(code, _LINK_PREFIX), _fields(caller), int(LINK_LIFETIME.total_seconds()))
        return f"{LINK_PATH}?code={code}"

    def use_link(self, code: str) -> Caller | None:
        """Invalidate a sign-in link and return its caller, or None if the code is used, expired, or unknown."""
        name = _name(code, _LINK_PREFIX)
        fields = self._verified(name, self._asked(lambda client: client.getdel(name)))
        if fields is None:
            return None
        issuer, subject, role = fields
        return Caller(issuer, subject, role)

    def end(self, session_id: str) -> None:
        self._asked(lambda client: client.delete(_name(session_id)))

    def require_key(self) -> bytes:
        """Return the key that signs values in Redis. Raises `ConfigurationError` if no secret is configured."""
        configured = self._settings.web.jwt_secret
        secret = configured.get_secret_value() if configured else read_home_secret(self._settings.state.propintel_home)
        if secret is None:
            problem = "is not set, but page sessions are signed with it, also with JWT_JWKS_URL"
            remedy = "Set it for every web process to the same output of `openssl rand -hex 32`"
            raise ConfigurationError("JWT_SECRET", problem, remedy)
        return hmac.digest(secret.encode(), b"propintel page sessions", "sha256")

    def _store(self, name: str, fields: list[str], seconds: int) -> None:
        text = json.dumps([int(self._clock.now().timestamp()) + seconds, *fields])
        stored = f"{self._signature(name, text)} {text}"
        self._asked(lambda client: client.set(name, stored, ex=seconds))

    def _verified(self, name: str, stored: Any) -> list[str] | None:
        signature, _, text = (stored or b"").decode("utf-8", "replace").partition(" ")
        if not hmac.compare_digest(signature.encode(), self._signature(name, text).encode()):
            if stored is not None:
                log.warning("A session in Redis is not signed with this server's secret and is ignored")
            return None
        until, *fields = json.loads(text)
        return fields if self._clock.now().timestamp() < until else None

    def _signature(self, name: str, text: str) -> str:
        return hmac.digest(self.require_key(), f"{name} {text}".encode(), "sha256").hex()

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _asked[T](self, ask: Callable[[redis.Redis], T]) -> T:
        try:
            with self._lock:
                if self._client is None:
                    self._client = client_with_timeout(self._settings, _TIMEOUT_SECONDS)
                client = self._client
            return ask(client)
        except (redis.RedisError, OSError, ValueError) as exc:
            with suppress(redis.RedisError, OSError):
                self.close()  # reconnect, because the embedded Valkey may have another address after a restart
            raise BrokerUnavailableError(origin_of(broker_url(self._settings)), type(exc).__name__) from exc


def _fields(caller: Caller) -> list[str]:
    return [caller.issuer, caller.subject, caller.role]


def _name(secret: str, prefix: str = _PREFIX) -> str:
    return prefix + hashlib.sha256(secret.encode()).hexdigest()
