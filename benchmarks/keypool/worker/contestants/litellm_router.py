"""LiteLLM's Router with Redis and one deployment per key.

`option` is the routing strategy.

The asynchronous API is used, as LiteLLM's documentation recommends, because it needs half the CPU of the synchronous
API. https://docs.litellm.ai/docs/routing (2026-11).
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from benchmarks.keypool.jobs import MODEL, Job

#: Without this variable, importing LiteLLM downloads a price list.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm


class LiteLlmRouter:
    is_async = True

    def __init__(self, router: Any) -> None:
        self._router = router

    async def acall(self, job: Job, seconds: float) -> None:
        await self._router.acompletion(
            model=MODEL,
            messages=[{"role": "user", "content": job.text}],
            max_completion_tokens=job.max_completion_tokens,
            timeout=seconds,
        )


def build(setup: dict[str, Any]) -> LiteLlmRouter:
    litellm.suppress_debug_info = True
    redis = urlsplit(setup["redis_url"])
    deployments = [
        {
            "model_name": MODEL,
            "litellm_params": {"model": f"openai/{MODEL}", "api_key": key["key"], "api_base": setup["base_url"]},
        }
        for key in setup["keys"]
    ]
    return LiteLlmRouter(
        litellm.Router(
            model_list=deployments, routing_strategy=setup["option"], redis_host=redis.hostname, redis_port=redis.port
        )
    )
