"""Our pool as an application uses it: settings from the environment, one client, nothing configured about limits."""

from __future__ import annotations

import os
from typing import Any

from benchmarks.keypool.jobs import MODEL, Job


class Ours:
    """The pooled client of this process; it moves on to other keys and waits by itself."""

    is_async = False

    def __init__(self, client: Any) -> None:
        self._client = client

    def call(self, job: Job, seconds: float) -> None:
        self._client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": job.text}],
            max_completion_tokens=job.max_completion_tokens,
            timeout=seconds,
        )


def build(setup: dict[str, Any]) -> Ours:
    os.environ.update(
        OPENAI_API_KEYS=",".join(key["key"] for key in setup["keys"]),
        OPENAI_BASE_URL=setup["base_url"],
        OPENAI_MAX_WAIT_SECONDS=str(setup["max_wait_seconds"]),
        OPENAI_KEY_ROTATION_STRATEGY=setup["strategy"],
        REDIS_URL=setup["redis_url"],
        PROPINTEL_HOME=setup["home"],
        PROPINTEL_ENV_FILE="",
    )
    from app.services.openai_client_manager import get_openai_client  # noqa: PLC0415 (reads the environment set above)

    client = get_openai_client()
    assert client is not None
    return Ours(client)
