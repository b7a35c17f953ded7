"""Ask model providers and print the memory that each answer needs: `python -m tests.security.memory_of_a_pool URL...`.

Print one JSON row for each URL: ["answered" or the name of the error, peak memory minus idle memory, in MB].
"""

import json
import sys

import openai

from app.keypool.keys import make_keys
from app.services.openai_client_manager import OpenAIClientManager
from tests.security.memory_of_a_fetcher import forget_peak, peak_mb


def main(urls: list[str]) -> None:
    for url in urls:
        with OpenAIClientManager(make_keys(["sk-" + "a" * 30]), base_url=url, max_wait_seconds=0) as manager:
            client = manager.get_client()
            assert client is not None
            forget_peak()
            idle_mb = peak_mb()
            try:
                client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
                outcome = "answered"
            except openai.APIError as exc:
                outcome = type(exc).__name__
            sys.stdout.write(json.dumps([outcome, peak_mb() - idle_mb]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
