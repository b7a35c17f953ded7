"""Errors of Redis or Valkey, which stores task messages, rate limits, and the state of the OpenAI keys."""

from app.errors import PropertyIntelligenceError


class BrokerUnavailableError(PropertyIntelligenceError, code="broker_unavailable", facts="url reason"):
    sentence = "No broker answers at {url} ({reason})."
    remedy = "Run `propintel up` in this directory, or set REDIS_URL to a running Redis or Valkey."
    transient = True


class RedisUnreachableError(BrokerUnavailableError, code="redis_unreachable"):
    """The Redis or Valkey of REDIS_URL does not answer."""

    remedy = "Check REDIS_URL and that the server runs. Without REDIS_URL, `propintel up` starts its own server."


class BrokerFullError(BrokerUnavailableError, code="broker_full"):
    """Redis or Valkey answers, but refuses writes, because its disk is full."""

    sentence = "The disk of the broker {url} is full, so it takes no jobs ({reason})."
    remedy = "Free disk space there. The broker then continues by itself, and queued jobs are kept."


class EmbeddedValkeyError(BrokerUnavailableError, code="embedded_valkey"):
    """The embedded Valkey did not start."""

    sentence = "The embedded Valkey at {url} did not start ({reason})."
    remedy = "Check the disk space of PROPINTEL_HOME and valkey/valkey.log there, or set REDIS_URL to another server."
