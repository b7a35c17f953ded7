"""Fetch and cache the keys that an identity provider signs tokens with.

If the provider hangs or fails, tokens whose key is cached are still verified, for up to `MAX_AGE`. Tokens that name
unknown keys cannot cause more fetches than `PAUSE` and `PAUSE_AFTER_FAILURE` allow. PyJWT's cache is not used: it holds
a lock during a fetch, and drops the old key set before it has a new one.
"""

import http.client
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from app.clock import Clock
from app.deadline import TimeLimited
from app.errors import NoAnswerError
from app.errors.requests import IdentityProviderError, InvalidTokenError
from app.redaction import shown_url

log = logging.getLogger(__name__)

#: The longest time that a request waits for the provider.
FETCH_SECONDS = 5.0
#: A key set older than this is fetched again. Until the new set arrives, the old one is used.
FRESH = timedelta(minutes=5)
#: If the cached key set is older than this, requests wait for a new one, because the provider may have withdrawn a key.
IDLE = timedelta(minutes=10)
#: The longest time that a key set is used while the provider does not answer.
MAX_AGE = timedelta(days=1)
#: The minimum time between a successful fetch and the next fetch.
PAUSE = timedelta(seconds=30)
PAUSE_AFTER_FAILURE = timedelta(seconds=5)
#: Maximum number of requests that wait for an unknown key at the same time. More waiting requests could use up the web
#: server's threads.
_MAX_WAITING = 8


@dataclass(frozen=True, slots=True)
class _KeySet:
    keys: Mapping[str, jwt.PyJWK]
    at: datetime


class SigningKeys:
    """Caches the JSON Web Key Set at `url`. Thread-safe. At most one fetch runs at a time."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url, self._clock = url, clock
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=FETCH_SECONDS)
        self._ask = TimeLimited(self._fetch, "the identity provider", FETCH_SECONDS)
        self._waiting = threading.BoundedSemaphore(_MAX_WAITING)
        self._lock = threading.Lock()
        self._held: _KeySet | None = None
        self._answered_at: datetime | None = None
        self._failure: IdentityProviderError | None = None

    def key(self, kid: str) -> jwt.PyJWK:
        """Return the key with this `kid`.

        If the key is not cached, or the cached key set is older than `IDLE`, this may wait `FETCH_SECONDS` for a fetch.
        Raises `InvalidTokenError` if the provider has no such key, and `IdentityProviderError` if the key set cannot be
        fetched or too many requests already wait for it.
        """
        known = self._known(kid, FRESH)
        if known is not None:
            return known
        asked = self._begin()
        usable = self._known(kid, MAX_AGE if self._failure is not None else IDLE)
        if usable is not None:
            return usable
        if asked is not None:
            self._wait(asked, kid)
        return self._result(kid)

    def _known(self, kid: str, age: timedelta) -> jwt.PyJWK | None:
        held = self._held
        if held is None or not timedelta(0) <= self._clock.now() - held.at < age:
            return None
        return held.keys.get(kid)

    def _result(self, kid: str) -> jwt.PyJWK:
        with self._lock:
            failure = self._failure
        known = self._known(kid, MAX_AGE)
        if known is not None:
            return known
        if failure is not None:
            raise IdentityProviderError(*failure.args) from failure
        raise InvalidTokenError("it names a key that the identity provider does not have")

    def _begin(self) -> Callable[[], None] | None:
        with self._lock:
            pause = PAUSE if self._failure is None else PAUSE_AFTER_FAILURE
            if self._answered_at is not None and timedelta(0) <= self._clock.now() - self._answered_at < pause:
                return None
            return self._ask.begin()  # joins a fetch that is already running

    def _wait(self, asked: Callable[[], None], kid: str) -> None:
        # Limit the requests that wait for keys missing from the cached set. Other requests may all wait.
        held = self._held
        unknown = held is not None and kid not in held.keys
        if unknown and not self._waiting.acquire(blocking=False):
            raise IdentityProviderError(shown_url(self._url), "other requests are already waiting for it")
        try:
            asked()
        except NoAnswerError as exc:
            self._note_failure("it does not answer", exc)
        finally:
            if unknown:
                self._waiting.release()

    def _fetch(self) -> None:
        try:
            found = self._client.get_signing_keys()
        except (jwt.PyJWKClientConnectionError, OSError, http.client.HTTPException) as exc:
            self._note_failure("it does not answer", exc)
        except Exception as exc:  # noqa: BLE001 (PyJWT may raise anything for other JSON)
            self._note_failure("its answer is not a JSON Web Key Set", exc)
        else:
            # the first of several keys with the same `kid` is used
            self._note({key.key_id: key for key in reversed(found) if key.key_id})

    def _note(self, keys: Mapping[str, jwt.PyJWK]) -> None:
        with self._lock:
            failed, self._failure = self._failure is not None, None
            self._answered_at = self._clock.now()
            self._held = _KeySet(keys, self._answered_at)
        if failed:
            log.info("The identity provider answers again")

    def _note_failure(self, reason: str, exc: Exception) -> None:
        failure = IdentityProviderError(shown_url(self._url), reason)
        failure.__cause__ = exc
        with self._lock:
            first, self._failure = self._failure is None, failure
            self._answered_at = self._clock.now()
            held = self._held
        if first and held is not None:
            log.warning("%s The keys of %s stay in use.", failure, held.at.isoformat(timespec="seconds"))
