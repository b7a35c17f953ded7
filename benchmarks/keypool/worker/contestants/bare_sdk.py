"""The SDK alone with one unlimited key, which shows the cost of a request without any pool."""

from typing import Any

import openai

from benchmarks.keypool.jobs import MODEL, Job


class OneClient:
    """A plain client: the SDK's own, or the pooled client of `ours`."""

    is_async = False

    def __init__(self, client: openai.OpenAI, *, streams: bool) -> None:
        self._client = client
        self._streams = streams

    def call(self, job: Job, seconds: float) -> None:
        answer: Any = self._client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": job.text}],
            max_completion_tokens=job.max_completion_tokens,
            timeout=seconds,
            stream=self._streams,
        )
        if self._streams:
            for _ in answer:
                pass


def build(setup: dict[str, Any]) -> OneClient:
    client = openai.OpenAI(api_key=setup["keys"][0]["key"], base_url=setup["base_url"], max_retries=0)
    return OneClient(client, streams=setup["streams"])
