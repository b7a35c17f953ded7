"""Admit requests: authentication, the keys' simulated behaviors, rate limits, and counters.

Runs on one event loop, so it needs no locks.
"""

import math
import random
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.openai import protocol
from simulators.openai.buckets import Meter
from simulators.openai.config import Config, ConfigError, KeyConfig, ServerConfig, key_id

#: The counters that `/control/stats` always includes, even at zero.
COUNTERS = (
    "requests", "admitted", "ok", "rate_limited", "too_large", "no_quota", "unauthorized", "forbidden",
    "no_capacity", "server_errors", "bad_requests", "abandoned", "broken_off", "web_searches", "cached_tokens",
)  # fmt: skip
#: Maximum length of `KeyState.refused_at`.
_REFUSALS_KEPT = 5000


@dataclass
class KeyState:
    config: KeyConfig
    counts: Counter[str] = field(default_factory=Counter)
    tokens: float = 0.0
    in_flight: int = 0
    used_up: bool = False
    #: Times of requests rejected because the key is dead or has no quota, in seconds of the monotonic clock.
    refused_at: list[float] = field(default_factory=list)

    def begin(self) -> None:
        self.counts["requests"] += 1
        self.in_flight += 1

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.config.id,
            "suffix": self.config.key[-4:],
            "behavior": self.config.behavior,
            "rpm": self.config.rpm,
            "tpm": self.config.tpm,
            **{name: self.counts[name] for name in COUNTERS},
            "tokens": round(self.tokens),
            "in_flight": self.in_flight,
        }


@dataclass(frozen=True)
class Admission:
    meter: Meter
    tokens: float


class Gate:
    """The server's keys and their rate limits. All times are seconds of one monotonic clock."""

    def __init__(self, config: Config) -> None:
        self.server: ServerConfig = config.server
        self.chance = random.Random(config.server.seed)
        self.keys: dict[str, KeyState] = {k.key: KeyState(k) for k in config.keys}
        self.unknown_keys: Counter[str] = Counter()
        self._meters: dict[tuple[str, str], Meter] = {}

    def authenticate(self, authorization: str | None) -> KeyState:
        """Return the state of the key that an Authorization header contains. Raises `ApiError` 401."""
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            self.unknown_keys["requests"] += 1
            raise protocol.no_key()
        state = self.keys.get(key.strip())
        if state is None:
            self.unknown_keys["requests"] += 1
            raise protocol.invalid_key(key.strip(), None)
        return state

    def admit(
        self, state: KeyState, model: str, estimate: float, max_tokens: float, now: float, *, text: str = ""
    ) -> Admission:
        """Charge a request to the key's rate limit. Raises the `ApiError` that OpenAI would return."""
        key = state.config
        if key.behavior in ("dead", "no_quota") and len(state.refused_at) < _REFUSALS_KEPT:
            state.refused_at.append(now)
        self._permit(key, model)
        meter = self._meter(key, model, now)
        tokens = self._charge(estimate, max_tokens, text)
        if tokens > meter.limits["tokens"]:
            raise protocol.too_large(model, key.organization, meter.limits["tokens"], tokens)
        if state.counts["admitted"] == key.used_up_after and not state.used_up:
            state.used_up = True
            meter.use_up(now)
        refusal = meter.admit(tokens, now)
        if refusal is not None:
            asked = 1.0 if refusal.what == "requests" else tokens
            error = protocol.rate_limited(model, key.organization, meter, refusal, asked)
            if self.server.failed_requests_count:
                meter.count_rejected(now)
            error.headers = {**self.limit_headers(meter, now), **self._shown_retry(error.headers)}
            raise error
        state.counts["admitted"] += 1
        state.tokens += tokens
        return Admission(meter, tokens)

    def fail_by_chance(self, state: KeyState, admission: Admission, now: float) -> None:
        if state.config.behavior == "flaky" and self.chance.random() < state.config.failure_rate:
            if not self.server.failed_requests_count:
                admission.meter.refund(admission.tokens, now)
            raise protocol.server_error()

    def breaks_off(self) -> bool:
        return self.server.break_rate > 0 and self.chance.random() < self.server.break_rate

    def latency(self, state: KeyState) -> float:
        if state.config.behavior == "slow":
            return state.config.seconds
        if self.server.latency_ms <= 0:
            return 0.0
        return self.server.latency_ms / 1000 * math.exp(self.chance.gauss(0.0, self.server.latency_spread))

    def limit_headers(self, meter: Meter, now: float) -> dict[str, str]:
        if self.server.headers == "none":
            return {}
        headers = protocol.limit_headers(meter, now)
        if self.server.headers == "no_reset":
            return {name: value for name, value in headers.items() if "reset" not in name}
        return headers

    def request_id(self) -> str:
        return f"req_{self.chance.getrandbits(128):032x}"

    def stats(self, now: float) -> dict[str, Any]:
        keys = [state.as_json() | {"levels": self._levels(state.config, now)} for state in self.keys.values()]
        totals = {name: sum(k[name] for k in keys) for name in (*COUNTERS, "tokens")}
        return {"keys": keys, "unknown_keys": {"requests": self.unknown_keys["requests"]}, "totals": totals}

    def change_key(self, given: Mapping[str, Any], now: float) -> KeyState:
        """Change the key named by `key` or `id`, or add the new `key`. Raises `ConfigError`."""
        wanted = key_id(given["key"]) if isinstance(given.get("key"), str) else given.get("id")
        found = next((s for s in self.keys.values() if s.config.id == wanted), None)
        changes = {name: value for name, value in given.items() if name not in ("key", "id")}
        if found is None:
            if "key" not in given:
                raise ConfigError(f"there is no key {wanted!r}; give the whole key to add one")
            found = KeyState(KeyConfig.from_json({"key": given["key"], **changes}))
            self.keys[found.config.key] = found
            return found
        found.config = found.config.changed(changes)
        if {"rpm", "tpm"} & set(changes):
            self._forget_meters(found.config, now)
        return found

    def change_server(self, given: Mapping[str, Any]) -> None:
        """Change options. A change of `enforcement` or `headers_of` resets the rate limits. Raises `ConfigError`."""
        before = self.server
        self.server = before.changed(given)
        if (self.server.enforcement, self.server.headers_of) != (before.enforcement, before.headers_of):
            self._meters.clear()

    def reset_counts(self) -> None:
        for state in self.keys.values():
            state.counts.clear()
            state.tokens = 0.0
            state.refused_at.clear()
        self.unknown_keys.clear()

    def _levels(self, key: KeyConfig, now: float) -> dict[str, dict[str, float]]:
        return {model: meter.levels(now) for (owner, model), meter in self._meters.items() if owner == key.key}

    def _permit(self, key: KeyConfig, model: str) -> None:
        if key.behavior == "dead":
            raise protocol.invalid_key(key.key, key.code)
        if key.behavior == "no_quota":
            raise protocol.no_quota(key.code)
        if key.behavior == "region":
            raise protocol.region_forbidden(key.code)
        if self.server.models is not None and model not in self.server.models:
            raise protocol.unknown_model(model)
        if key.behavior == "forbidden" or (key.models is not None and model not in key.models):
            raise protocol.model_forbidden(key.project, model, key.code)

    def _charge(self, estimate: float, max_tokens: float, text: str) -> float:
        server = self.server
        factor = server.token_factor
        if server.token_factor_high is not None:
            # CRC-32 is evenly distributed and, unlike hash(), the same in every process.
            factor += (server.token_factor_high - factor) * zlib.crc32(text.encode()) / 0xFFFF_FFFF
        return estimate * factor + max_tokens

    def _meter(self, key: KeyConfig, model: str, now: float) -> Meter:
        place = (key.key, model)
        if place not in self._meters:
            self._meters[place] = Meter(
                key.rpm,
                key.tpm,
                enforcement=self.server.enforcement,
                headers_of=self.server.headers_of,
                start_level=self.server.start_level,
                now=now,
            )
        return self._meters[place]

    def _forget_meters(self, key: KeyConfig, now: float) -> None:
        """Apply a key's new limits at once, and charge its recent requests to them."""
        for (owner, model), old in list(self._meters.items()):
            if owner == key.key:
                del self._meters[owner, model]
                self._meter(key, model, now).carry_over(old, now)

    def _shown_retry(self, headers: dict[str, str]) -> dict[str, str]:
        hidden = {"full": (), "no_reset": ("retry-after-ms",), "none": ("retry-after", "retry-after-ms")}
        return {name: value for name, value in headers.items() if name not in hidden[self.server.headers]}
