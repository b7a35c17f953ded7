"""The simulated OpenAI applies limits, caches prompts, and counts paid questions.

The tests that use the simulator cover the rest.
"""

import json
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from simulators.openai.bodies import prompt_sha256

KEY, OTHER = "sk-simulator-aaaaaaaaaaaaaaaaaaaaaaaa0001", "sk-simulator-bbbbbbbbbbbbbbbbbbbbbbbb0002"
WIDE = {"rpm": 60_000, "tpm": 100_000_000}
Start = Callable[..., Any]


def ask(client: openai.OpenAI, text: str = "Built in 1998", **options: Any) -> Any:
    return client.chat.completions.create(
        model="gpt-4.1-mini", messages=[{"role": "user", "content": text}], **options
    )  # fmt: skip


def strict(fields: dict[str, Any]) -> dict[str, Any]:
    properties = {name: {"type": [kind, "null"]} for name, kind in fields.items()}
    properties |= {f"{name}_quote": {"type": ["string", "null"]} for name in fields}
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "json_schema", "json_schema": {"name": "property", "strict": True, "schema": schema}}


def test_the_request_limit_is_429_with_a_waiting_time_and_recovers(openai_simulator: Start) -> None:
    simulator = openai_simulator([{"key": KEY, "rpm": 120, "tpm": 10_000_000}], start_level=0.0085)
    client = simulator.client()
    ask(client)

    def ask_until_refused() -> None:
        for _ in range(100):  # on a busy machine, the limit may have recovered before the second request
            ask(client)

    with pytest.raises(openai.RateLimitError) as caught:
        ask_until_refused()
    error = caught.value
    assert (error.code, error.type) == ("rate_limit_exceeded", "requests")
    wait = int(error.response.headers["retry-after-ms"])
    assert 0 < wait <= 500
    assert error.response.headers["retry-after"] == "1"
    assert error.response.headers["x-ratelimit-remaining-requests"] == "0"
    assert "requests per min (RPM): Limit 120" in str(error)
    simulator.set_server(failed_requests_count=False)
    time.sleep(wait / 1000 + 0.5)
    ask(client)


def test_tokens_are_charged_by_estimate_and_max_tokens(openai_simulator: Start) -> None:
    simulator = openai_simulator([{"key": KEY, "rpm": 60_000, "tpm": 1000}])
    client = simulator.client()
    first = client.chat.completions.with_raw_response.create(
        model="gpt-4.1-mini", messages=[{"role": "user", "content": "x" * 400}], max_completion_tokens=500
    )
    assert first.headers["x-ratelimit-remaining-tokens"] == "400"
    assert first.headers["x-ratelimit-limit-tokens"] == "1000"
    with pytest.raises(openai.RateLimitError) as caught:
        ask(client, max_completion_tokens=500)
    assert caught.value.type == "tokens"
    assert simulator.stats_of(KEY)["tokens"] == 600


def test_a_schema_that_is_not_strict_is_a_bad_request(openai_simulator: Start) -> None:
    form = strict({"YearBuilt": "integer"})
    del form["json_schema"]["schema"]["additionalProperties"]
    with pytest.raises(openai.BadRequestError, match="additionalProperties") as caught:
        ask(openai_simulator([{"key": KEY, **WIDE}]).client(), response_format=form)
    assert caught.value.param == "response_format"


def test_each_question_is_counted_as_often_as_it_was_paid_for(openai_simulator: Start) -> None:
    """Only answered questions are billed. The JSON's spacing and member order do not matter."""
    simulator = openai_simulator([{"key": KEY, **WIDE}, {"key": OTHER, "behavior": "dead"}])
    client = simulator.client()
    for _ in range(2):
        ask(client, "Built in 1998")
    ask(client, "Built in 1999")
    client.responses.create(model="gpt-4.1", input="Built in 1998")
    with pytest.raises(openai.AuthenticationError):
        ask(simulator.client(OTHER), "Built in 1999")
    messages = {year: [{"content": f"Built in {year}", "role": "user"}] for year in (1998, 1999)}
    counts = simulator.prompts()
    assert counts.pop(prompt_sha256(messages[1998])) == 2
    assert counts.pop(prompt_sha256(messages[1999])) == 1
    assert list(counts.values()) == [1], "the same text at another endpoint is another request"
    simulator.reset()
    assert simulator.prompts() == {}


def test_the_program_prints_its_address_and_ends_cleanly_with_a_hanging_request(
    start_program: Start, tmp_path: Path
) -> None:
    config = tmp_path / "keys.json"
    config.write_text(json.dumps({"keys": [{"key": KEY, "behavior": "hang"}]}))
    program = start_program("simulators.openai", "--config", config)
    assert program.address.endswith("/v1")
    client = openai.OpenAI(api_key=KEY, base_url=program.address, max_retries=0, timeout=300)
    seen: list[BaseException] = []

    def hang() -> None:
        try:
            ask(client)
        except openai.OpenAIError as exc:
            seen.append(exc)

    thread = threading.Thread(target=hang)
    thread.start()
    stats = openai.OpenAI(api_key=KEY, base_url=program.address.removesuffix("/v1"), max_retries=0)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        counted: Any = stats.get("/control/stats", cast_to=object)
        if counted["keys"][0]["in_flight"] == 1:
            break
        time.sleep(0.02)
    started = time.monotonic()
    assert program.stop(signal.SIGTERM) == (0, "")
    assert time.monotonic() - started < 60
    thread.join(120)
    assert len(seen) == 1


# --- the prompt cache

LONG = "The roof was renewed in 1998. " * 200  # 6,000 characters count as 1,500 tokens


def cached(client: openai.OpenAI, text: str, **options: Any) -> int:
    found = ask(client, text, **options).usage
    assert found.prompt_tokens_details is not None
    assert found.prompt_tokens == -(-len(text) // 4)
    return int(found.prompt_tokens_details.cached_tokens)


def test_a_recent_prefix_is_cached_in_steps_of_128_tokens_from_1024(openai_simulator: Start) -> None:
    simulator = openai_simulator()
    client = simulator.client()
    assert [cached(client, LONG) for _ in range(2)] == [0, 1408]
    assert cached(client, LONG[: 4 * 1200] + "and so on") == 1152
    assert cached(client, LONG[: 4 * 1023]) == 0, "too short"
    assert cached(client, f"Another. {LONG}") == 0, "only what the prompt begins with counts"
    assert simulator.stats()["totals"]["cached_tokens"] == 1408 + 1152
