"""The signing keys of an identity provider: what is held of them, and when it is asked for them.

A provider that hangs or fails holds up nobody whose key is known, and strangers cannot make it answer more often than
the pauses here allow. PyJWT's client fetches and reads the set. Its cache is not used: it holds a lock while it
fetches, waits as long for every failure anew, and drops a set that has become old before it has the next one.
"""

from __future__ import annotations

import http.client
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import jwt

from app.clock import Clock
from app.deadline import Bounded
from app.errors import NoAnswerError
from app.errors.requests import IdentityProviderError, InvalidTokenError
from app.redaction import shown_url

log = logging.getLogger(__name__)

#: the longest that anybody waits for the provider
FETCH_SECONDS = 5.0
#: an older set is fetched anew, while it serves on
FRESH = timedelta(minutes=5)
#: so old it only becomes where nobody came: whoever comes then waits for the new one, lest a withdrawn key still opens
IDLE = timedelta(minutes=10)
#: for so long it serves while the provider does not answer
KEPT = timedelta(days=1)
#: between two questions: for a key that the set lacks, and after a failure
PAUSE = timedelta(seconds=30)
PAUSE_AFTER_FAILURE = timedelta(seconds=5)
#: requests wait in threads that all callers share: so many at most wait for a key that may be none
_WAITING = 8


@dataclass(frozen=True, slots=True)
class _Held:
    """A set as it was fetched, its keys by their `kid`."""

    keys: Mapping[str, jwt.PyJWK]
    at: datetime


class SigningKeys:
    """The key set at `url`. Thread-safe; the provider is asked once at a time, and no lock is held meanwhile."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url, self._clock = url, clock
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=FETCH_SECONDS)
        self._ask = Bounded(self._fetch, "the identity provider", FETCH_SECONDS)
        self._waiting = threading.BoundedSemaphore(_WAITING)
        self._lock = threading.Lock()  # for what follows
        self._held: _Held | None = None
        self._answered_at: datetime | None = None
        self._failure: IdentityProviderError | None = None

    def key(self, kid: str) -> jwt.PyJWK:
        """The key of this name, with its algorithm. Waits `FETCH_SECONDS` at most, for a held one only after `IDLE`.

        Raises `InvalidTokenError` if the provider has none of this name, `IdentityProviderError` if that cannot be told
        now.
        """
        known = self._known(kid, FRESH)
        if known is not None:
            return known
        asked = self._begin()
        usable = self._known(kid, KEPT if self._failure is not None else IDLE)
        if usable is not None:
            return usable
        if asked is not None:
            self._wait(asked, kid)
        return self._judged(kid)

    def _known(self, kid: str, age: timedelta) -> jwt.PyJWK | None:
        """The key, if it is held and was fetched less than `age` ago."""
        held = self._held
        if held is None or not timedelta(0) <= self._clock.now() - held.at < age:
            return None
        return held.keys.get(kid)

    def _judged(self, kid: str) -> jwt.PyJWK:
        """What there is to say after the provider was asked, or while it must not be."""
        with self._lock:
            failure = self._failure
        known = self._known(kid, KEPT)
        if known is not None:
            return known
        if failure is not None:
            raise IdentityProviderError(*failure.args) from failure
        raise InvalidTokenError("it names a key that is none of the identity provider's")

    def _begin(self) -> Callable[[], None] | None:
        """Have the set fetched, unless that was done just now; what is returned waits for it."""
        with self._lock:
            pause = PAUSE if self._failure is None else PAUSE_AFTER_FAILURE
            if self._answered_at is not None and timedelta(0) <= self._clock.now() - self._answered_at < pause:
                return None
            return self._ask.begin()  # joins the one under way: that one notes its end before it is over

    def _wait(self, asked: Callable[[], None], kid: str) -> None:
        # without a set nobody can be served, and an idle door is asked for known keys: then all may wait, once
        held = self._held
        unknown = held is not None and kid not in held.keys
        if unknown and not self._waiting.acquire(blocking=False):
            raise IdentityProviderError(shown_url(self._url), "others are waiting for it already")
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
        except Exception as exc:  # noqa: BLE001 (whatever PyJWT makes of JSON that is no key set)
            self._note_failure("its answer is not a JSON Web Key Set", exc)
        else:
            self._note({key.key_id: key for key in reversed(found) if key.key_id})  # of two with one name the first

    def _note(self, keys: Mapping[str, jwt.PyJWK]) -> None:
        with self._lock:
            failed, self._failure = self._failure is not None, None
            self._answered_at = self._clock.now()
            self._held = _Held(keys, self._answered_at)
        if failed:
            log.info("The identity provider's signing keys are there again")

    def _note_failure(self, reason: str, exc: Exception) -> None:
        failure = IdentityProviderError(shown_url(self._url), reason)
        failure.__cause__ = exc
        with self._lock:
            first, self._failure = self._failure is None, failure
            self._answered_at = self._clock.now()
            held = self._held
        if first and held is not None:
            log.warning("%s Those of %s stay in use.", failure, held.at.isoformat(timespec="seconds"))
