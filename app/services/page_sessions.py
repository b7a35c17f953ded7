"""Who is signed in at the pages: a session for each browser, in the Redis in use, for all web processes together.

The browser holds a random id in a cookie, Redis its SHA-256 with who it is: a dump of Redis signs nobody in, signing
out ends the session everywhere, and the token that was shown at sign-in is kept nowhere. The code of a sign-in link is
kept the same way, and Redis removes it when it is used.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import redis

from app.clock import Clock
from app.errors.broker import BrokerUnavailableError
from app.redaction import origin_of
from app.services.access import Caller
from app.services.embedded_valkey import broker_url, hasty_client
from app.settings import Settings

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
    """Thread-safe. Every method raises `BrokerUnavailableError` when Redis does not answer within two seconds."""

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
        kept = [caller.issuer, caller.subject, caller.role, secrets.token_urlsafe(32)]
        self._asked(lambda client: client.set(_name(session_id), json.dumps(kept), ex=seconds))
        return session_id, seconds

    def find(self, session_id: str) -> PageSession | None:
        """The session, or None if there is none (any more)."""
        kept = self._asked(lambda client: client.get(_name(session_id)))
        if kept is None:
            return None
        issuer, subject, role, csrf = json.loads(kept)
        return PageSession(Caller(issuer, subject, role), csrf)

    def make_link(self, caller: Caller) -> str:
        """Return the path of a link that signs `caller` in, once, within `LINK_LIFETIME`."""
        code = secrets.token_urlsafe(32)
        kept = json.dumps([caller.issuer, caller.subject, caller.role])
        self._asked(lambda client: client.set(_name(code, _LINK_PREFIX), kept, ex=LINK_LIFETIME))
        return f"{LINK_PATH}?code={code}"

    def use_link(self, code: str) -> Caller | None:
        """Return whom the code signs in, None if it was used, has expired or never was. It cannot be used again."""
        kept = self._asked(lambda client: client.getdel(_name(code, _LINK_PREFIX)))
        return Caller(*json.loads(kept)) if kept is not None else None

    def end(self, session_id: str) -> None:
        """Sign out. Ending twice is fine."""
        self._asked(lambda client: client.delete(_name(session_id)))

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


def _name(secret: str, prefix: str = _PREFIX) -> str:
    return prefix + hashlib.sha256(secret.encode()).hexdigest()
