"""The project's pool as an application uses it: settings from the environment, one client, no configured limits."""

import os
from typing import Any

from benchmarks.keypool.worker.contestants.bare_sdk import OneClient


def build(setup: dict[str, Any]) -> OneClient:
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
    return OneClient(client, streams=setup["streams"])
