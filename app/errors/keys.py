"""Errors about OpenAI keys and the store of their state."""

from app.errors import PropertyIntelligenceError


class NoKeysError(PropertyIntelligenceError, code="no_keys", facts=""):
    """The operation needs an OpenAI key, but none is configured."""

    sentence = "No OpenAI key is configured."
    remedy = "Set OPENAI_API_KEYS (comma-separated), OPENAI_API_KEY_1..n, OPENAI_API_KEY or OPENAI_API_KEYS_FILE."


class UnknownKeyError(PropertyIntelligenceError, code="key_not_found", facts="name known"):
    """No OpenAI key has the given mask or id.

    `known` lists the masks and ids of all keys.
    """

    sentence = "There is no OpenAI key {name}."
    remedy = "Name one by its mask or id: {known}."


class AmbiguousKeyError(PropertyIntelligenceError, code="key_ambiguous", facts="name found"):
    """Several keys have masks that end, or ids that begin, with the given text."""

    sentence = "{name} is part of the names of several OpenAI keys."
    remedy = "Name one of them: {found}."


class KeyStoreUnavailableError(PropertyIntelligenceError, code="key_store_unavailable", facts="reason"):
    """An operator's action cannot be applied, because the Redis that stores the state of the OpenAI keys does not
    answer.
    """

    sentence = "The fleet's key pool cannot be changed: its Redis does not answer ({reason})."
    remedy = "Check REDIS_URL, or start `propintel up`. Then check the state with `propintel keys list`, and try again."
    transient = True


class CapacityError(PropertyIntelligenceError, code="no_capacity", facts="retry_after_seconds"):
    """No OpenAI key has capacity now. `retry_after_seconds` estimates when a key will have capacity."""

    sentence = "No OpenAI key has capacity for {retry_after_seconds:.1f} s."
    remedy = "The job waits automatically. If this persists, add keys of another project or get more quota."
    transient = True
