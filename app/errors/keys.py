"""Errors of OpenAI keys and their store."""

from __future__ import annotations

from typing import ClassVar

from app.errors import PropertyIntelligenceError


class NoKeysError(PropertyIntelligenceError):
    """The operation needs an OpenAI key, but none is configured."""

    code = "no_keys"
    fact_names: ClassVar[tuple[str, ...]] = ()
    sentence = "No OpenAI key is configured."
    remedy = "Set OPENAI_API_KEYS (comma-separated), OPENAI_API_KEY_1..n, OPENAI_API_KEY or OPENAI_API_KEYS_FILE."


class UnknownKeyError(PropertyIntelligenceError):
    """No OpenAI key has that mask or id.

    `known` lists masks with their ids.
    """

    code = "key_not_found"
    fact_names: ClassVar[tuple[str, ...]] = ("name", "known")
    sentence = "There is no OpenAI key {name}."
    remedy = "Name one by its mask or id: {known}."


class AmbiguousKeyError(PropertyIntelligenceError):
    """Several keys have an id with this prefix."""

    code = "key_ambiguous"
    fact_names: ClassVar[tuple[str, ...]] = ("name", "found")
    sentence = "The ids of several OpenAI keys start with {name}."
    remedy = "Name one of them: {found}."


class KeyStoreUnavailableError(PropertyIntelligenceError):
    """The Redis of the fleet's key pool does not answer, so an action cannot be applied."""

    code = "key_store_unavailable"
    fact_names: ClassVar[tuple[str, ...]] = ("reason",)
    sentence = "The fleet's key pool cannot be changed: its Redis does not answer ({reason})."
    remedy = "Check REDIS_URL, or start `propintel up`. Then check the state with `propintel keys list`, and try again."
    transient = True


class CapacityError(PropertyIntelligenceError):
    """No key has capacity now.

    `retry_after_seconds` is the pool's estimate.
    """

    code = "no_capacity"
    fact_names: ClassVar[tuple[str, ...]] = ("retry_after_seconds",)
    sentence = "No OpenAI key has capacity for {retry_after_seconds:.1f} s."
    remedy = "The job waits automatically. If this persists, add keys of another project or get more quota."
    transient = True
