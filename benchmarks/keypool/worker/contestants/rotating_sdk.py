"""A simple rotation: one client per key, in round-robin order. If a key is rejected, the next key is tried.

The SDK's default retries apply: two retries per key, after the server's retry-after.
"""

import itertools
import time
from typing import Any

import openai

from benchmarks.keypool.jobs import MODEL, Job

_NEXT_KEY = (openai.RateLimitError, openai.AuthenticationError, openai.PermissionDeniedError)


class RotatingSdk:
    is_async = False

    def __init__(self, clients: list[openai.OpenAI]) -> None:
        self._clients = clients
        self._turn = itertools.count()

    def call(self, job: Job, seconds: float) -> None:
        until = time.monotonic() + seconds
        first = next(self._turn)
        refusal: openai.APIStatusError | None = None
        for n in range(len(self._clients)):
            left = until - time.monotonic()
            if refusal is not None and left <= 0:
                break
            client = self._clients[(first + n) % len(self._clients)]
            try:
                client.chat.completions.create(
                    model=MODEL,
                    messages=[{"role": "user", "content": job.text}],
                    max_completion_tokens=job.max_completion_tokens,
                    timeout=max(1.0, left),
                )
            except _NEXT_KEY as exc:
                refusal = exc
            else:
                return
        assert refusal is not None
        raise refusal


def build(setup: dict[str, Any]) -> RotatingSdk:
    return RotatingSdk([openai.OpenAI(api_key=k["key"], base_url=setup["base_url"]) for k in setup["keys"]])
