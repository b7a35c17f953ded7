"""Which service tier the next model call asks for: OPENAI_SERVICE_TIER, but not flex while there is no flex to be had.

Flex is half price and may be refused for want of capacity (429 `resource_unavailable`, not billed) or be slow. That is
no fault of a key, and another key would hear the same, so the call goes out again on the standard tier, and calls after
it go there at once for a while: nobody's job waits for a discount.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

import openai

from app.clock import Clock
from app.keypool.outcomes import CAPACITY_CODES
from app.property.reading.model.llm import ServiceTier

log = logging.getLogger(__name__)

#: how long flex is left alone after the first refusal; each further one doubles it
_FIRST_REST = timedelta(seconds=30)
_LONGEST_REST = timedelta(minutes=10)


def lacks_capacity(exc: openai.OpenAIError) -> bool:
    """Does `exc` say that the tier is full, or was it too slow?"""
    if isinstance(exc, openai.RateLimitError):
        return bool({exc.code, exc.type} & CAPACITY_CODES)
    return isinstance(exc, openai.APITimeoutError)


class TierChoice:
    """The tier of this process' calls. Thread-safe."""

    def __init__(self, wanted: ServiceTier | None, clock: Clock) -> None:
        self.wanted = wanted
        self._clock = clock
        self._lock = threading.Lock()
        self._rest = _FIRST_REST
        self._rests_until: datetime | None = None

    def next(self) -> ServiceTier | None:
        """What to ask for now; None: send none, the project's own setting holds."""
        with self._lock:
            resting = self._rests_until is not None and self._clock.now() < self._rests_until
        return "default" if resting else self.wanted

    def refused(self) -> None:
        """Flex was not to be had. Of several calls that were under way together only the first lengthens the rest."""
        with self._lock:
            now = self._clock.now()
            if self._rests_until is not None and now < self._rests_until:
                return
            rest, self._rest = self._rest, min(2 * self._rest, _LONGEST_REST)
            self._rests_until = now + rest
        log.warning(
            "OpenAI has no capacity for service tier flex: calls go to the standard tier, at its price, for %d s",
            rest.total_seconds(),
        )

    def served(self, tier: ServiceTier | None) -> None:
        """A call on `tier` was answered: after one on flex the next refusal is the first again."""
        if tier == "flex":
            with self._lock:
                self._rest, self._rests_until = _FIRST_REST, None
