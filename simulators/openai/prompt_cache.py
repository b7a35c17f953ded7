"""Simulate OpenAI's prompt cache.

A prefix of at least 1,024 tokens (in steps of 128) is cached for `cache_seconds` for requests with the same
organization, project, model, and schema (guide "Prompt caching", 2026-11). Batches of models before GPT-5 are not
cached (cookbook "Prompt Caching 201").
"""

import hashlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace

from simulators.openai.bodies import CHARACTERS_A_TOKEN, ModelRequest

_LEAST_TOKENS, _STEP_TOKENS = 1_024, 128
#: Maximum number of remembered prefixes. The least recently used prefix is dropped first.
_MOST = 100_000
_CACHED_IN_BATCHES = re.compile(r"gpt-(?:[5-9]|\d\d)")


class PromptCache:
    def __init__(self) -> None:
        self._seen: dict[bytes, float] = {}

    def look_up(
        self, asked: ModelRequest, project: tuple[str, str], seconds: float, now: float, *, in_batch: bool = False
    ) -> ModelRequest:
        """Return `asked` with `cached_tokens` set, and cache its prefixes. `project` is (organization, project)."""
        if seconds <= 0 or (in_batch and not _CACHED_IN_BATCHES.match(asked.model)):
            return asked
        cached = 0
        for tokens, prefix in _prefixes(asked, project):
            if now - self._seen.pop(prefix, -math.inf) < seconds:
                cached = tokens
            self._seen[prefix] = now
        while len(self._seen) > _MOST:
            del self._seen[next(iter(self._seen))]
        return replace(asked, cached_tokens=cached)

    def clear(self) -> None:
        self._seen.clear()


def _prefixes(asked: ModelRequest, project: tuple[str, str]) -> Iterator[tuple[int, bytes]]:
    """Yield each cacheable prefix, shortest first, as its length in tokens and its digest."""
    digest = hashlib.sha256(json.dumps([*project, asked.model, asked.schema], sort_keys=True).encode())
    done = 0
    for tokens in range(_LEAST_TOKENS, len(asked.whole) // CHARACTERS_A_TOKEN + 1, _STEP_TOKENS):
        digest.update(asked.whole[done : tokens * CHARACTERS_A_TOKEN].encode(errors="replace"))
        done = tokens * CHARACTERS_A_TOKEN
        yield tokens, digest.copy().digest()
