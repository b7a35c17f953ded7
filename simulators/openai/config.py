"""The simulator's configuration of keys and of the server. It is read from JSON, and can change at run time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

BEHAVIORS = ("ok", "dead", "forbidden", "region", "no_quota", "flaky", "slow", "hang")
_ANSWERS = (
    "normal", "rubbish", "refusal", "truncated", "hallucination", "mismatch", "wrong_types", "obedient", "empty",
    "filtered", "fenced",
)  # fmt: skip
_CHOICES = {
    "behavior": BEHAVIORS,
    "answers": _ANSWERS,
    "enforcement": ("minute", "second"),
    "headers": ("full", "no_reset", "none"),
    "headers_of": ("minute", "enforced"),
    "batch_ends": ("completed", "expired"),
    "limits": ("both", "max_tokens", "max_completion_tokens"),
    "formats": ("all", "json_object", "text"),
    "flex": ("ok", "unavailable", "unsupported", "hang"),
}


class ConfigError(ValueError):
    """The configuration has an unknown name or value, as the message explains."""


class _FromJson:
    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Self:
        _check(cls, given)
        try:
            return cls(**given)
        except TypeError as exc:
            raise ConfigError(f"{cls.__name__}: {exc}") from None

    def changed(self, given: Mapping[str, Any]) -> Self:
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
    """The configuration of a key.

    `rpm` and `tpm` are requests and tokens per minute and model. `seconds` is the delay of a slow key, and
    `failure_rate` the share of a flaky key's requests (0 to 1) that fail. `code` replaces the usual error code of the
    behavior. `models` are the models that the key may use (None: all). `answers` overrides the server's `answers`.
    After `used_up_after` admitted requests, the request limit is used up once, as if another program shared the key.
    """

    key: str = field(repr=False)
    rpm: float = 500
    tpm: float = 200_000
    behavior: str = "ok"
    answers: str | None = None
    organization: str = "org-simulator"
    project: str = "proj_simulator"
    failure_rate: float = 0.3
    seconds: float = 2.0
    code: str | None = None
    models: list[str] | None = None
    used_up_after: int | None = None

    @property
    def id(self) -> str:
        """The public id of the key: the first 12 hex digits of its SHA-256."""
        return key_id(self.key)


def key_id(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class ServerConfig(_FromJson):
    """Options for all keys.

    - `enforcement`: "minute" has buckets as large as the limit; "second" enforces a sixtieth of it per second.
    - `headers_of`: the buckets whose remaining and reset the headers report, "minute" or "enforced". The headers always
      report the limit per minute.
    - `failed_requests_count`: rejected and failed requests also use up capacity.
    - `token_factor` scales the token estimate. With `token_factor_high`, each text has its own factor up to that.
    - `headers`: "full", "no_reset" (only limits and remaining), or "none".
    - `start_level`: how full buckets are at the start (0 to 1).
    - `models`: the models that exist (None: any).
    - `flex`: the result of flex requests: "ok", "unavailable" (429 `resource_unavailable`), "unsupported" (400), or
      "hang".
    - `project_tier`: the service tier of requests with the tier "auto" or none.
    - `echoes_key`: error messages quote the key that was sent, as careless gateways do.
    - `break_rate`: the share of answers, streams, and files (0 to 1) whose connection breaks midway.
    - `latency_ms`: the median of the log-normal latency; `latency_spread` is its sigma.
    - `cache_seconds`: how long a prompt prefix stays cached after its last use (0: never).
    - `limits`: the accepted name of the parameter that limits the answer's length. `formats`: the accepted response
      formats. Others are rejected (400), or ignored with `ignores_unknown`. A schema in the instruction is used if the
      format has none.
    - `reasoning_tokens`: how many tokens are spent on reasoning before each answer.
    - `batches`: False removes the routes for files and batches, which many gateways lack.
    - `batch_seconds`: the age at which a batch ends, with the status `batch_ends`. A canceled batch ends after
      `batch_cancel_seconds`. `batch_answered` is the answered share (0 to 1) of an expired or canceled batch. Each
      answer has the status `batch_line_status`. `batch_max_tokens` limits a project's enqueued tokens.
    """

    latency_ms: float = 0.0
    latency_spread: float = 0.25
    enforcement: str = "minute"
    failed_requests_count: bool = True
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
    """The whole configuration: `{"server": {...}, "keys": [{"key": ..., ...}], "searches": [...]}`.

    A JSON list is short for `{"keys": [...]}`. `web_search.py` describes `searches`.
    """

    keys: tuple[KeyConfig, ...]
    server: ServerConfig = ServerConfig()
    searches: tuple[Any, ...] = ()

    @classmethod
    def from_json(cls, given: Any) -> Config:
        """Build the configuration from JSON data. Raises `ConfigError`."""
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
        """Build the configuration from JSON text. Raises `ConfigError`."""
        try:
            return cls.from_json(json.loads(text))
        except json.JSONDecodeError as exc:
            raise ConfigError(f"not JSON: {exc}") from None
