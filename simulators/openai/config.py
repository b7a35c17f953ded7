"""What the simulator is told: one entry per key, and options of the server. Read from JSON, changed while it runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

BEHAVIOURS = ("ok", "dead", "forbidden", "region", "no_quota", "flaky", "slow", "hang")
ANSWERS = (
    "normal",
    "rubbish",
    "refusal",
    "truncated",
    "hallucination",
    "mismatch",
    "wrong_types",
    "obedient",
    "empty",
    "filtered",
    "fenced",
)
_CHOICES = {
    "behaviour": BEHAVIOURS,
    "answers": ANSWERS,
    "enforcement": ("minute", "second"),
    "token_charge": ("sum", "max"),
    "headers": ("full", "no_ms", "no_retry", "no_reset", "none"),
    "headers_of": ("minute", "enforced"),
    "batch_ends": ("completed", "expired"),
    "limits": ("both", "max_tokens", "max_completion_tokens"),
    "formats": ("all", "json_object", "text"),
    "flex": ("ok", "unavailable", "unsupported", "hang"),
}


class ConfigError(ValueError):
    """The configuration names something that does not exist; the message says what does."""


class _FromJson:
    """Builds a frozen dataclass from a JSON object and refuses what it does not know."""

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        _check(cls, given)
        try:
            return cls(**given)
        except TypeError as exc:
            raise ConfigError(f"{cls.__name__}: {exc}") from None

    def changed(self, given: Mapping[str, Any]) -> Self:
        """A copy with the values of `given`."""
        _check(type(self), given)
        return replace(self, **given)  # type: ignore[type-var]


def _check(cls: type, given: Mapping[str, Any]) -> None:
    known = [f.name for f in fields(cls)]
    for name, value in given.items():
        if name not in known:
            raise ConfigError(f"{cls.__name__} has no {name!r}; it has {', '.join(known)}")
        allowed = _CHOICES.get(name)
        if allowed and value is not None and value not in allowed:
            raise ConfigError(f"{name} is {value!r}; it can be {', '.join(allowed)}")


@dataclass(frozen=True)
class KeyConfig(_FromJson):
    """One key. `rpm` and `tpm` are requests and tokens a minute, per model; keys of one `group` share them.

    `seconds` is how long a slow key waits, `failure_rate` how often (0 to 1) a flaky one fails, `code` another error
    code than the usual one of the behaviour, `models` the models that the key may use (None: all).
    `answers` overrides the server's. After `used_up_after` admitted requests another program of the same project has
    used up the minute's requests, once.
    """

    key: str = field(repr=False)
    rpm: float = 500
    tpm: float = 200_000
    behaviour: str = "ok"
    answers: str | None = None
    group: str | None = None
    organization: str = "org-simulator"
    project: str = "proj_simulator"
    failure_rate: float = 0.3
    seconds: float = 2.0
    code: str | None = None
    models: list[str] | None = None
    used_up_after: int | None = None

    @property
    def id(self) -> str:
        """Names the key without showing it: the first 12 hex digits of its SHA-256."""
        return key_id(self.key)


def key_id(key: str) -> str:
    """The public name of a key in `/control`."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class ServerConfig(_FromJson):
    """Options for all keys.

    `enforcement`: "minute" has buckets as large as the limit; "second" enforces a sixtieth of it per second. The
    headers' remaining and reset then speak of the bucket that `headers_of` names: the "minute" or the one "enforced";
    their limit is always the minute's. `failed_requests_count`: a rejected or failed request uses up room as well.
    `token_charge`: estimate and max tokens in "sum", or the larger ("max"); `token_factor` scales the estimate. With
    `token_factor_high` the factor depends on the text and lies evenly between the two, the same text's always the same.
    `headers`: "full", "no_ms" (no retry-after-ms), "no_retry" (no retry-after at all), "no_reset" (only how
    large a limit is and what remains), "none" (nothing).
    `start_level` is how full buckets are at first (0 to 1); `models` lists the models that exist (None: any).
    `flex`: what becomes of requests for that service tier: "ok", "unavailable" (429 `resource_unavailable`),
    "unsupported" (400) or "hang"; `project_tier` is the tier of requests that name none, or "auto".
    `echoes_key`: error messages quote the key that was sent, as careless gateways do.
    `break_rate` is how often (0 to 1) the connection breaks off in the middle of an answer or a stream.
    Latency is log-normal around `latency_ms`. A prompt's prefix is cached for `cache_seconds` after it was last sent; 0
    caches nothing.
    `limits` is which name of an answer's bound the server takes, `formats` which response formats beside text. What it
    does not know is refused (400), or with `ignores_unknown` ignored. A schema that the instruction holds is followed
    like one of the format. `reasoning_tokens` are spent before each answer.
    Without `batches` there are no files and batches, as at a gateway. One is over `batch_seconds` after it was made, as
    `batch_ends` says; one that was cancelled after `batch_cancel_seconds`. Of one that expired or was cancelled a share
    of `batch_answered` (0 to 1) is answered. Each of its lines gets `batch_line_status`. `batch_max_tokens` limits what
    a project may have enqueued.
    """

    latency_ms: float = 0.0
    latency_spread: float = 0.25
    enforcement: str = "minute"
    failed_requests_count: bool = True
    token_charge: str = "sum"
    token_factor: float = 1.0
    token_factor_high: float | None = None
    headers: str = "full"
    headers_of: str = "minute"
    answers: str = "normal"
    start_level: float = 1.0
    models: list[str] | None = None
    flex: str = "ok"
    project_tier: str = "default"
    echoes_key: bool = False
    break_rate: float = 0.0
    limits: str = "both"
    formats: str = "all"
    ignores_unknown: bool = False
    reasoning_tokens: int = 0
    cache_seconds: float = 300.0
    batches: bool = True
    batch_seconds: float = 0.5
    batch_cancel_seconds: float = 0.2
    batch_ends: str = "completed"
    batch_answered: float = 0.0
    batch_line_status: int = 200
    batch_max_tokens: float | None = None
    seed: int = 1


@dataclass(frozen=True)
class Config:
    """The whole file: `{"server": {...}, "keys": [{"key": ..., ...}], "searches": [...]}`; a plain list is taken for
    the keys. What `searches` holds is in `web_search.py`.
    """

    keys: tuple[KeyConfig, ...]
    server: ServerConfig = ServerConfig()
    searches: tuple[Any, ...] = ()

    @classmethod
    def from_json(cls, given: Any) -> Config:
        """Raises `ConfigError`."""
        if isinstance(given, list):
            given = {"keys": given}
        if not isinstance(given, dict) or not isinstance(given.get("keys"), list):
            raise ConfigError('the configuration is {"server": {...}, "keys": [{"key": "sk-..."}, ...]}')
        unknown = set(given) - {"keys", "server", "searches"}
        if unknown:
            raise ConfigError(f"unknown part {', '.join(sorted(unknown))}; there are keys, server and searches")
        keys = tuple(KeyConfig.from_json(entry) for entry in given["keys"])
        if len({k.key for k in keys}) != len(keys):
            raise ConfigError("a key is configured twice")
        searches = given.get("searches", [])
        if not isinstance(searches, list):
            raise ConfigError("searches is a list of answers")
        return cls(keys, ServerConfig.from_json(given.get("server", {})), tuple(searches))

    @classmethod
    def read(cls, text: str) -> Config:
        """From JSON text. Raises `ConfigError`."""
        try:
            return cls.from_json(json.loads(text))
        except json.JSONDecodeError as exc:
            raise ConfigError(f"not JSON: {exc}") from None
