"""OpenAI keys: none, none of that name, none with room."""

from __future__ import annotations

from typing import ClassVar

from app.errors import PropertyIntelligenceError


class NoKeysError(PropertyIntelligenceError):
    """The operation needs an OpenAI key and there is none."""

    code = "no_keys"
    fact_names: ClassVar[tuple[str, ...]] = ()
    sentence = "No OpenAI key is configured."
    remedy = "Set OPENAI_API_KEYS (comma-separated), OPENAI_API_KEY_1..n, OPENAI_API_KEY or OPENAI_API_KEYS_FILE."


class UnknownKeyError(PropertyIntelligenceError):
    """No OpenAI key has that mask or id. `known` lists masks with their ids."""

    code = "key_not_found"
    fact_names: ClassVar[tuple[str, ...]] = ("name", "known")
    sentence = "There is no OpenAI key {name}."
    remedy = "Name one by its mask or id: {known}."


class AmbiguousKeyError(PropertyIntelligenceError):
    """Several ids begin so."""

    code = "key_ambiguous"
    fact_names: ClassVar[tuple[str, ...]] = ("name", "found")
    sentence = "The ids of several OpenAI keys begin with {name}."
    remedy = "Name one of them: {found}."


class KeyStoreUnavailableError(PropertyIntelligenceError):
    """The Redis that the fleet shares its keys through cannot be told."""

    code = "key_store_unavailable"
    fact_names: ClassVar[tuple[str, ...]] = ("reason",)
    sentence = "The fleet's key pool cannot be told: its Redis gives no answer ({reason})."
    remedy = "Check REDIS_URL, or start `propintel up`; then see `propintel keys` for what holds, and try again."
    transient = True


class CapacityError(PropertyIntelligenceError):
    """No key has room now. `retry_after_seconds` is the pool's own estimate."""

    code = "no_capacity"
    fact_names: ClassVar[tuple[str, ...]] = ("retry_after_seconds",)
    sentence = "No OpenAI key has room for {retry_after_seconds:.1f} s."
    remedy = "The job waits by itself; add keys of another project or ask for more quota if this lasts."
    transient = True
