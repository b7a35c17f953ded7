"""The Redis or Valkey that carries jobs, limits and the state of keys."""

from __future__ import annotations

from typing import ClassVar

from app.errors import PropertyIntelligenceError


class BrokerUnavailableError(PropertyIntelligenceError):
    code = "broker_unavailable"
    fact_names: ClassVar[tuple[str, ...]] = ("url", "reason")
    sentence = "No broker answers at {url} ({reason})."
    remedy = "Run `propintel up` in this directory, or set REDIS_URL to a Redis or Valkey that runs."
    transient = True


class RedisUnreachableError(BrokerUnavailableError):
    """The Redis or Valkey that REDIS_URL names."""

    code = "redis_unreachable"
    remedy = "Check REDIS_URL and that the server runs; without REDIS_URL `propintel up` starts one of its own."


class EmbeddedValkeyError(BrokerUnavailableError):
    """The Valkey that this service starts for itself did not come up."""

    code = "embedded_valkey"
    sentence = "The embedded Valkey at {url} did not start ({reason})."
    remedy = "Check the disk space of PROPINTEL_HOME and valkey/valkey.log there, or set REDIS_URL to another server."
