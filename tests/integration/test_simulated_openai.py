"""The simulator works with the real SDK, and each of its errors has OpenAI's class and code."""

import http.client
import json
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
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


@pytest.mark.parametrize(
    ("behavior", "error", "answer"),
    [
        ("dead", openai.AuthenticationError, (401, "invalid_api_key", "invalid_request_error")),
        ("forbidden", openai.PermissionDeniedError, (403, "model_not_found", "invalid_request_error")),
        ("region", openai.PermissionDeniedError, (403, "unsupported_country_region_territory", "request_forbidden")),
        ("no_quota", openai.RateLimitError, (429, "insufficient_quota", "insufficient_quota")),
    ],
)
def test_a_behavior_gives_openais_error(
    openai_simulator: Start, behavior: str, error: type[openai.APIStatusError], answer: tuple[int, str, str]
) -> None:
    simulator = openai_simulator([{"key": KEY, "behavior": behavior}])
    with pytest.raises(error) as caught:
        ask(simulator.client())
    assert (caught.value.status_code, caught.value.code, caught.value.type) == answer
    assert caught.value.request_id is not None
    assert "retry-after" not in caught.value.response.headers


def test_an_unknown_key_and_no_key_are_401(openai_simulator: Start) -> None:
    simulator = openai_simulator([{"key": KEY}])
    with pytest.raises(openai.AuthenticationError) as caught:
        ask(simulator.client("sk-simulator-cccccccccccccccccccccccc0003"))
    assert caught.value.code == "invalid_api_key"
    with pytest.raises(openai.AuthenticationError, match="didn't provide an API key"):
        ask(simulator.client(default_headers={"Authorization": ""}))
    assert simulator.stats()["unknown_keys"]["requests"] == 2


def test_the_request_limit_is_429_with_a_waiting_time_and_recovers(openai_simulator: Start) -> None:
    simulator = openai_simulator([{"key": KEY, "rpm": 120, "tpm": 10_000_000}], start_level=0.0085)
    client = simulator.client()
    ask(client)
    with pytest.raises(openai.RateLimitError) as caught:
        ask(client)
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


def test_a_text_dependent_factor_is_stable_and_in_range(openai_simulator: Start) -> None:
    """A prompt of 1,000 estimated tokens is charged as 600 to 1,800; the completion is charged exactly."""
    simulator = openai_simulator([{"key": KEY, **WIDE}], token_factor=0.6, token_factor_high=1.8)
    client = simulator.client()

    def charged(text: str) -> int:
        before = simulator.stats_of(KEY)["tokens"]
        ask(client, text.ljust(4000, "."), max_completion_tokens=100)
        return int(simulator.stats_of(KEY)["tokens"] - before)

    found = [charged(f"text {n}") for n in range(40)]
    assert all(699 <= tokens <= 1901 for tokens in found)
    assert min(found) < 900
    assert max(found) > 1600
    assert abs(charged("text 7") - found[7]) <= 1


def test_the_stats_show_admissions_levels_and_refusal_times(openai_simulator: Start) -> None:
    """A request counts as admitted before it is answered; refusals of a key are recorded with their times."""
    slow = {"key": KEY, "rpm": 60, "tpm": 6000, "behavior": "slow", "seconds": 1.0}
    simulator = openai_simulator([slow, {"key": OTHER, "behavior": "dead"}])
    thread = threading.Thread(target=ask, args=(simulator.client(),), kwargs={"max_completion_tokens": 100})
    thread.start()
    deadline = time.monotonic() + 5
    while simulator.stats_of(KEY)["admitted"] == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    stats = simulator.stats()
    assert (stats["keys"][0]["admitted"], stats["keys"][0]["ok"]) == (1, 0)
    assert 59 <= stats["keys"][0]["levels"]["gpt-4.1-mini"]["requests"] < 60
    thread.join(10)
    with pytest.raises(openai.AuthenticationError):
        ask(simulator.client(OTHER))
    control = openai.OpenAI(api_key=KEY, base_url=simulator.address, max_retries=0)
    refusals: Any = control.get("/control/refusals", cast_to=object)
    moments = refusals[simulator.stats_of(OTHER)["id"]]
    assert len(moments) == 1
    assert stats["at"] <= moments[0] <= simulator.stats()["at"]


def test_answers_on_one_connection_do_not_wait_for_a_delayed_acknowledgment(openai_simulator: Start) -> None:
    """Nagle's algorithm would delay the second packet of an answer by 40 ms, until an ACK."""
    simulator = openai_simulator([{"key": KEY, **WIDE}])
    line = http.client.HTTPConnection(simulator.address.removeprefix("http://"), timeout=300)
    body = json.dumps({"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "hello"}]})
    taken = []
    for _ in range(20):
        started = time.monotonic()
        line.request("POST", "/v1/chat/completions", body, {"authorization": f"Bearer {KEY}"})
        assert line.getresponse().read()
        taken.append(time.monotonic() - started)
    line.close()
    assert sorted(taken)[10] < 0.03


def test_a_request_larger_than_the_limit_is_refused(openai_simulator: Start) -> None:
    simulator = openai_simulator([{"key": KEY, "rpm": 60_000, "tpm": 100}])
    with pytest.raises(openai.RateLimitError, match="Request too large"):
        ask(simulator.client(), max_completion_tokens=500)


def test_limits_are_per_model(openai_simulator: Start) -> None:
    simulator = openai_simulator([{"key": KEY, "rpm": 1, "tpm": 10_000_000}])
    client = simulator.client()
    for model in ("gpt-4.1-mini", "gpt-4.1"):
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "x"}])
    with pytest.raises(openai.RateLimitError):
        ask(client)


def test_a_429_without_headers_names_neither_limits_nor_a_waiting_time(openai_simulator: Start) -> None:
    client = openai_simulator([{"key": KEY, "rpm": 1, "tpm": 10_000_000}], headers="none").client()
    ask(client)
    with pytest.raises(openai.RateLimitError) as caught:
        ask(client)
    hidden = {"retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "x-ratelimit-limit-tokens"}
    assert not hidden & set(caught.value.response.headers)


def test_a_good_answer_carries_openais_headers(openai_simulator: Start) -> None:
    simulator = openai_simulator([{"key": KEY, **WIDE, "organization": "org-a", "project": "proj_a"}])
    raw = simulator.client().chat.completions.with_raw_response.create(
        model="gpt-4", messages=[{"role": "user", "content": "hello"}]
    )
    assert raw.headers["openai-organization"] == "org-a"
    assert raw.headers["openai-project"] == "proj_a"
    assert raw.headers["x-request-id"].startswith("req_")
    assert int(raw.headers["openai-processing-ms"]) >= 1
    assert raw.headers["openai-version"] == "2020-10-01"
    assert raw.headers["x-ratelimit-limit-requests"] == "60000"


def test_a_flaky_key_fails_at_its_rate_and_reproducibly(openai_simulator: Start) -> None:
    def outcomes() -> list[bool]:
        simulator = openai_simulator([{"key": KEY, **WIDE, "behavior": "flaky", "failure_rate": 0.5}], seed=7)
        client, seen = simulator.client(), []
        for _ in range(20):
            try:
                ask(client)
                seen.append(True)
            except openai.InternalServerError:
                seen.append(False)
        return seen

    with pytest.raises(openai.InternalServerError) as caught:
        ask(openai_simulator([{"key": KEY, **WIDE, "behavior": "flaky", "failure_rate": 1}]).client())
    assert (caught.value.status_code, caught.value.type) == (500, "server_error")
    first = outcomes()
    assert first == outcomes()
    assert 4 <= sum(first) <= 16


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "stream"])
def test_an_answer_breaks_off_at_the_configured_rate(openai_simulator: Start, *, streams: bool) -> None:
    simulator, broken = openai_simulator([{"key": KEY, **WIDE}], break_rate=0.5), 0
    for n in range(40):
        try:
            answer = ask(simulator.client(), f"Built in {n}", stream=streams)
            if streams:
                list(answer)
        except (openai.APIConnectionError, httpx2.RemoteProtocolError):
            broken += 1
    assert 10 < broken < 30
    assert simulator.stats_of(KEY)["broken_off"] == broken


def test_a_slow_key_answers_late_and_a_hanging_one_never(openai_simulator: Start) -> None:
    simulator = openai_simulator([{"key": KEY, **WIDE, "behavior": "slow", "seconds": 0.6}])
    started = time.monotonic()
    ask(simulator.client())
    assert 0.6 <= time.monotonic() - started < 3
    simulator.set_key(KEY, behavior="hang")
    with pytest.raises(openai.APITimeoutError):
        ask(simulator.client(timeout=0.3))
    deadline = time.monotonic() + 5
    while simulator.stats_of(KEY)["abandoned"] == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert simulator.stats_of(KEY)["abandoned"] == 1
    assert simulator.stats_of(KEY)["in_flight"] == 0


def test_the_stats_count_by_outcome_and_show_no_key(openai_simulator: Start) -> None:
    simulator = openai_simulator([{"key": KEY, "rpm": 2, "tpm": 10_000_000}, {"key": OTHER, "behavior": "no_quota"}])
    for _ in range(2):
        ask(simulator.client())
    for key in (KEY, OTHER):
        with pytest.raises(openai.RateLimitError):
            ask(simulator.client(key))
    mine, other = simulator.stats_of(KEY), simulator.stats_of(OTHER)
    assert (mine["requests"], mine["ok"], mine["rate_limited"]) == (3, 2, 1)
    assert (other["requests"], other["ok"], other["no_quota"]) == (1, 0, 1)
    assert simulator.stats()["totals"]["requests"] == 4
    assert KEY not in json.dumps(simulator.stats())
    simulator.reset()
    assert simulator.stats()["totals"]["requests"] == 0


def test_a_strict_answer_fits_the_schema_and_quotes_the_text(openai_simulator: Start) -> None:
    form = strict({"YearBuilt": "integer", "ListPrice": "number", "Roof": "string", "Unheard": "string"})
    text = "Built in 1998. Asking price $450,000."
    answer = ask(openai_simulator([{"key": KEY, **WIDE}]).client(), text, response_format=form)
    data = json.loads(answer.choices[0].message.content)
    jsonschema.validate(data, form["json_schema"]["schema"])
    assert (data["YearBuilt"], data["ListPrice"], data["Roof"], data["Unheard"]) == (1998, 450_000, None, None)
    assert data["YearBuilt_quote"] in text
    assert data["Roof_quote"] is None


def test_a_schema_that_is_not_strict_is_a_bad_request(openai_simulator: Start) -> None:
    form = strict({"YearBuilt": "integer"})
    del form["json_schema"]["schema"]["additionalProperties"]
    with pytest.raises(openai.BadRequestError, match="additionalProperties") as caught:
        ask(openai_simulator([{"key": KEY, **WIDE}]).client(), response_format=form)
    assert caught.value.param == "response_format"


def test_an_answer_stops_at_max_tokens(openai_simulator: Start) -> None:
    answer = ask(openai_simulator([{"key": KEY, **WIDE}]).client(), "Built in 1998, 3 beds", max_completion_tokens=2)
    assert answer.choices[0].finish_reason == "length"
    assert len(answer.choices[0].message.content) == 8


def test_streams_responses_embeddings_and_models_work_through_the_sdk(openai_simulator: Start) -> None:
    client = openai_simulator([{"key": KEY, **WIDE}]).client()
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    content = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert content == ask(client).choices[0].message.content
    assert chunks[-1].usage.completion_tokens > 0
    assert client.responses.create(model="gpt-4.1", input="Built in 1998").output_text == content
    kinds = [event.type for event in client.responses.create(model="gpt-4.1", input="Built in 1998", stream=True)]
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    one, two = client.embeddings.create(model="e", input=["a", "a"], dimensions=8).data
    assert one.embedding == two.embedding
    assert len(one.embedding) == 8
    assert "gpt-4.1-mini" in [m.id for m in client.models.list()]


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


def test_an_unknown_route_and_an_unknown_model_are_404(openai_simulator: Start) -> None:
    simulator = openai_simulator([{"key": KEY, **WIDE}], models=["gpt-4.1"])
    with pytest.raises(openai.NotFoundError) as caught:
        ask(simulator.client())
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        simulator.client().fine_tuning.jobs.list()


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
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        counted: Any = stats.get("/control/stats", cast_to=object)
        if counted["keys"][0]["in_flight"] == 1:
            break
        time.sleep(0.02)
    started = time.monotonic()
    assert program.stop(signal.SIGTERM) == (0, "")
    assert time.monotonic() - started < 5
    thread.join(10)
    assert len(seen) == 1


@pytest.mark.parametrize("text", ["{not json", '{"keys": [{"key": "a", "rmp": 3}]}'])
def test_the_program_exits_2_for_a_bad_configuration_and_names_the_file(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from simulators.openai.__main__ import main

    config = tmp_path / "keys.json"
    config.write_text(text)
    assert main(["--config", str(config)]) == 2
    assert str(config) in capsys.readouterr().err


# --- the prompt cache

LONG = "The roof was renewed in 1998. " * 200  # 6,000 characters: 1,500 tokens


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


def test_the_cache_is_separate_per_project_model_and_schema(openai_simulator: Start) -> None:
    keys = [{"key": KEY, **WIDE}, {"key": OTHER, "project": "proj_other", **WIDE}]
    simulator = openai_simulator(keys)
    mine, theirs = simulator.client(), simulator.client(OTHER)
    roof, year = strict({"Roof": "string"}), strict({"YearBuilt": "integer"})
    assert cached(mine, LONG, response_format=roof) == 0
    assert cached(theirs, LONG, response_format=roof) == 0
    assert cached(mine, LONG, response_format=year) == 0
    assert cached(mine, LONG, response_format=roof) == 1408
    other = mine.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": LONG}])
    assert other.usage is not None
    assert other.usage.prompt_tokens_details is not None
    assert other.usage.prompt_tokens_details.cached_tokens == 0


def test_responses_and_streams_report_cached_tokens(openai_simulator: Start) -> None:
    client = openai_simulator().client()
    for seen in (0, 1408):
        made = client.responses.create(model="gpt-4.1-mini", instructions=LONG[:600], input=LONG[600:])
        assert made.usage is not None
        assert made.usage.input_tokens_details.cached_tokens == seen
    (*_, last) = ask(client, LONG, stream=True, stream_options={"include_usage": True})
    assert last.usage.prompt_tokens_details.cached_tokens == 1408


def test_a_disabled_or_expired_cache_is_empty(openai_simulator: Start) -> None:
    simulator = openai_simulator(cache_seconds=0)
    client = simulator.client()
    assert [cached(client, LONG) for _ in range(2)] == [0, 0]
    simulator.set_server(cache_seconds=300)
    assert [cached(client, LONG) for _ in range(2)] == [0, 1408]
    simulator.reset()
    assert cached(client, LONG) == 0
