"""Who is signed in at the pages: a session for each browser, in the Redis in use, for all web processes together.

The browser holds a random id in a cookie, Redis its SHA-256 with who it is: a dump of Redis signs nobody in, signing
out ends the session everywhere, and the token that was shown at sign-in is kept nowhere. The code of a sign-in link is
kept the same way, and Redis removes it when it is used.

What Redis keeps is signed (HMAC-SHA256) with a key that Redis does not have, made of JWT_SECRET or the secret of the
home. So write access to Redis alone is not enough to sign anybody in, to change a role, or to extend a session.
"""

from __future__ import annotations

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
from app.redis.embedded_valkey import broker_url, hasty_client
from app.settings import Settings

log = logging.getLogger(__name__)

#: A working day: who lost a role keeps it no longer than this, or than his token.
LONGEST = timedelta(hours=12)
#: How long a sign-in link works.
LINK_LIFETIME = timedelta(minutes=15)
#: Where the pages take the code of a link. As the parameter `code` it is redacted in every log.
LINK_PATH = "/sign-in/link"
_PREFIX = "propintel:page-session:"
_LINK_PREFIX = "propintel:sign-in-link:"
_PATIENCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class PageSession:
    """`csrf` is what every form of this session sends back."""

    caller: Caller
    csrf: str


class PageSessions:
    """Thread-safe. Every method raises `BrokerUnavailableError` when Redis does not answer within two seconds, and
    `ConfigurationError` where there is no secret to sign with."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._client: redis.Redis | None = None

    def open(self, caller: Caller) -> tuple[str, int]:
        """Sign `caller` in; -> the secret id of the new session, and for how many seconds it holds: until the token
        expires, at most `LONGEST`."""
        left = LONGEST if caller.expires_at is None else min(LONGEST, caller.expires_at - self._clock.now())
        seconds = max(1, int(left.total_seconds()))
        session_id = secrets.token_urlsafe(32)
        self._keep(_name(session_id), [*_said(caller), secrets.token_urlsafe(32)], seconds)
        return session_id, seconds

    def find(self, session_id: str) -> PageSession | None:
        """The session, or None if there is none (any more)."""
        name = _name(session_id)
        kept = self._kept(name, self._asked(lambda client: client.get(name)))
        if kept is None:
            return None
        issuer, subject, role, csrf = kept
        return PageSession(Caller(issuer, subject, role), csrf)

    def make_link(self, caller: Caller) -> str:
        """Return the path of a link that signs `caller` in, once, within `LINK_LIFETIME`."""
        code = secrets.token_urlsafe(32)
        self._keep(_name(code, _LINK_PREFIX), _said(caller), int(LINK_LIFETIME.total_seconds()))
        return f"{LINK_PATH}?code={code}"

    def use_link(self, code: str) -> Caller | None:
        """Return whom the code signs in, None if it was used, has expired or never was. It cannot be used again."""
        name = _name(code, _LINK_PREFIX)
        kept = self._kept(name, self._asked(lambda client: client.getdel(name)))
        if kept is None:
            return None
        issuer, subject, role = kept
        return Caller(issuer, subject, role)

    def end(self, session_id: str) -> None:
        """Sign out. Ending twice is fine."""
        self._asked(lambda client: client.delete(_name(session_id)))

    def require_key(self) -> bytes:
        """Return the key that signs. Raises `ConfigurationError` if there is no secret to make it of."""
        configured = self._settings.web.jwt_secret
        secret = configured.get_secret_value() if configured else read_home_secret(self._settings.state.propintel_home)
        if secret is None:
            problem = "is not set, and sessions of the pages are signed with it, also beside JWT_JWKS_URL"
            remedy = "Set it for every web process to the same output of `openssl rand -hex 32`"
            raise ConfigurationError("JWT_SECRET", problem, remedy)
        return hmac.digest(secret.encode(), b"propintel page sessions", "sha256")

    def _keep(self, name: str, said: list[str], seconds: int) -> None:
        text = json.dumps([int(self._clock.now().timestamp()) + seconds, *said])
        stored = f"{self._signature(name, text)} {text}"
        self._asked(lambda client: client.set(name, stored, ex=seconds))

    def _kept(self, name: str, stored: Any) -> list[str] | None:
        """What `_keep` was given, None if `stored` is not it or is over."""
        signature, _, text = (stored or b"").decode("utf-8", "replace").partition(" ")
        if not hmac.compare_digest(signature.encode(), self._signature(name, text).encode()):
            if stored is not None:
                log.warning("A session in Redis is not signed with this server's secret: nobody is signed in by it")
            return None
        until, *said = json.loads(text)
        return said if self._clock.now().timestamp() < until else None

    def _signature(self, name: str, text: str) -> str:
        return hmac.digest(self.require_key(), f"{name} {text}".encode(), "sha256").hex()

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _asked[T](self, ask: Callable[[redis.Redis], T]) -> T:
        try:
            with self._lock:
                if self._client is None:
                    self._client = hasty_client(self._settings, _PATIENCE_SECONDS)
                client = self._client
            return ask(client)
        except (redis.RedisError, OSError, ValueError) as exc:
            with suppress(redis.RedisError, OSError):
                self.close()  # the embedded Valkey may come back at another address
            raise BrokerUnavailableError(origin_of(broker_url(self._settings)), type(exc).__name__) from exc


def _said(caller: Caller) -> list[str]:
    return [caller.issuer, caller.subject, caller.role]


def _name(secret: str, prefix: str = _PREFIX) -> str:
    return prefix + hashlib.sha256(secret.encode()).hexdigest()
