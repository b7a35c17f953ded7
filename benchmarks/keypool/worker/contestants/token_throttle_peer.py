"""token-throttle with its state in Redis.

It limits only a key that it is given, so this module chooses the key, and configures the limits.

A key is drawn at random, weighted by its requests per minute. The call then waits for that key's capacity. Limits are
configured per second, because buckets per minute would start full, unlike the server's, and token-throttle does not
learn from rejections.
"""

from __future__ import annotations

import random
import time
from typing import Any

import openai
import redis
from token_throttle import PerModelConfig, Quota, SyncRateLimiter, SyncRedisBackendBuilder, UsageQuotas

from benchmarks.keypool.jobs import MODEL, Job


class TokenThrottle:
    is_async = False

    def __init__(self, keys: list[dict[str, Any]], base_url: str, limiter: SyncRateLimiter) -> None:
        self._clients = [openai.OpenAI(api_key=key["key"], base_url=base_url, max_retries=0) for key in keys]
        self._weights = [key["rpm"] for key in keys]
        self._limiter = limiter
        self._chance = random.SystemRandom()

    def call(self, job: Job, seconds: float) -> None:
        until = time.monotonic() + seconds
        number = self._chance.choices(range(len(self._clients)), self._weights)[0]
        usage = {"requests": 1, "tokens": job.input_tokens + job.max_completion_tokens}
        # the server charges the reserved amount on admission, so nothing is refunded
        with self._limiter.reserve(usage, model=f"key-{number}", timeout=seconds, usage_on_error=usage) as handle:
            handle.set_actual_usage(usage)
            self._clients[number].chat.completions.create(
                model=MODEL,
                messages=[{"role": "user", "content": job.text}],
                max_completion_tokens=job.max_completion_tokens,
                timeout=max(1.0, until - time.monotonic()),
            )


def build(setup: dict[str, Any]) -> TokenThrottle:
    keys = setup["keys"]

    def config(model: str) -> PerModelConfig:
        key = keys[int(model.removeprefix("key-"))]
        quotas = [
            Quota(metric="requests", limit=key["rpm"] // 60, per_seconds=1),
            Quota(metric="tokens", limit=key["tpm"] // 60, per_seconds=1),
        ]
        return PerModelConfig(quotas=UsageQuotas(quotas), model_family=model)

    pool = redis.BlockingConnectionPool.from_url(setup["redis_url"], max_connections=setup["slots"] + 8)
    backend = SyncRedisBackendBuilder(redis.Redis(connection_pool=pool), key_prefix="bench")
    return TokenThrottle(keys, setup["base_url"], SyncRateLimiter(config, backend=backend))
