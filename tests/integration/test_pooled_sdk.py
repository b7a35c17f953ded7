"""Every method of the real SDK returns the same on the pool as without it, and its usage is counted."""

import time
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai.lib.streaming.responses._events import ResponseCompletedEvent
from pydantic import BaseModel

from app.keypool.outcomes import Outcome
from app.keypool.pricing import make_pricing
from app.keypool.spending import Budget, Cap, Usage
from tests.plugins.pooled_sdk import (
    MESSAGES,
    MODEL,
    PROMPT_TOKENS,
    TEXT,
    WIDE,
    Pooled,
    entered,
    items_of,
    pooled,
    value_of,
)

# --- methods that return one answer


def test_a_chat_call_is_settled_once_with_its_usage(there: Pooled) -> None:
    async def scenario(client: Any) -> Any:
        return await value_of(client.chat.completions.create(model=MODEL, messages=MESSAGES, max_completion_tokens=50))

    reply = there.run(scenario)
    assert reply.choices[0].message.content
    (settled,) = there.store.settled
    used = reply.usage
    expected = make_pricing()(MODEL, used.prompt_tokens, used.completion_tokens)
    assert settled.outcome is Outcome.SUCCESS
    assert settled.usage == Usage(used.total_tokens, expected, used.completion_tokens)
    assert there.store.spent().tokens == used.total_tokens
    assert there.store.spent().microusd == expected > 0


def test_the_settlement_has_the_admission_time_and_the_limits(openai_simulator: Callable[..., Any], face: str) -> None:
    """The simulator works for two seconds after admission, which must not count as waiting for admission."""
    simulator = openai_simulator(latency_ms=2000, latency_spread=0.0)
    there = pooled(simulator.base_url, simulator.keys, face)

    async def scenario(client: Any) -> None:
        await value_of(client.chat.completions.create(model=MODEL, messages=MESSAGES))

    began = time.monotonic()
    there.run(scenario)
    took_us = (time.monotonic() - began) * 1e6
    (settled,) = there.store.settled
    assert 0 < settled.admitted_after_us <= took_us - 1_500_000
    assert settled.limits.requests is not None
    assert settled.limits.requests.limit == WIDE["rpm"]


def test_responses_embeddings_and_lists_go_through_the_pool(there: Pooled) -> None:
    async def scenario(client: Any) -> Any:
        response = await value_of(client.responses.create(model=MODEL, input=TEXT, max_output_tokens=50))
        vectors = await value_of(client.embeddings.create(model="text-embedding-3-small", input=[TEXT, "x"]))
        models = await items_of(client.models.list())
        return response, vectors, models

    response, vectors, models = there.run(scenario)
    assert response.output_text
    assert len(vectors.data) == 2
    assert MODEL in [m.id for m in models]
    usages = [s.usage.tokens if s.usage else None for s in there.store.settled]
    assert usages == [response.usage.total_tokens, vectors.usage.prompt_tokens, None]
    assert there.store.spent().calls == 2, "a list of models must not count as a model call"


def test_raw_and_streamed_json_answers_can_be_read_as_without_a_pool(there: Pooled) -> None:
    """The transport has already read the body, but the SDK must still be able to read or stream it."""

    async def scenario(client: Any) -> Any:
        raw = await value_of(client.chat.completions.with_raw_response.create(model=MODEL, messages=MESSAGES))
        first = (await value_of(raw.parse())), raw.elapsed, raw.headers["x-request-id"], raw.http_response
        found = []
        for read in ("json", "text", "read", "parse"):
            asked = client.chat.completions.with_streaming_response.create(model=MODEL, messages=MESSAGES)
            async with entered(asked) as response:
                found.append(await value_of(getattr(response, read)()))
        asked = client.chat.completions.with_streaming_response.create(model=MODEL, messages=MESSAGES)
        async with entered(asked) as response:
            lines = await items_of(response.iter_lines())
        return first, found, lines

    (parsed, elapsed, request_id, http_response), (data, text, body, again), lines = there.run(scenario)
    assert parsed.usage.total_tokens == data["usage"]["total_tokens"] == again.usage.total_tokens
    assert (elapsed.total_seconds() > 0, bool(request_id)) == (True, True)
    assert http_response.num_bytes_downloaded == len(http_response.content)
    assert text.encode()[:20] == body[:20] == "".join(lines).encode()[:20]
    assert [s.usage is not None for s in there.store.settled] == [True] * 6


class Home(BaseModel):
    YearBuilt: int | None
    YearBuilt_quote: str | None


def test_the_parse_helpers_return_models(there: Pooled) -> None:
    async def scenario(client: Any) -> Any:
        chat = await value_of(client.chat.completions.parse(model=MODEL, messages=MESSAGES, response_format=Home))
        response = await value_of(client.responses.parse(model=MODEL, input=TEXT, text_format=Home))
        return chat.choices[0].message.parsed, response.output_parsed

    chat, response = there.run(scenario)
    assert isinstance(chat, Home)
    assert chat.YearBuilt == response.YearBuilt == 1998


TIERED = "gpt-5-mini"


def test_a_call_costs_the_price_of_the_tier_that_served_it(openai_simulator: Callable[..., Any], face: str) -> None:
    """The tier in the reply counts, because a project may use flex for requests without a tier."""
    simulator = openai_simulator(project_tier="flex")
    there = pooled(simulator.base_url, simulator.keys, face)

    async def scenario(client: Any) -> Any:
        chats = [
            await value_of(client.chat.completions.create(model=TIERED, messages=MESSAGES, service_tier=tier))
            for tier in ("auto", "default", "priority")
        ]
        stream = await value_of(client.responses.create(model=TIERED, input=TEXT, stream=True))
        chunks = await value_of(
            client.chat.completions.create(
                model=TIERED, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
            )
        )
        return chats, (await items_of(stream))[-1].response, (await items_of(chunks))[-1]

    chats, response, chunk = there.run(scenario)
    price = make_pricing()
    assert [chat.service_tier for chat in chats] == ["flex", "default", "priority"]
    assert [s.usage.microusd for s in there.store.settled if s.usage] == [
        price(TIERED, chat.usage.prompt_tokens, chat.usage.completion_tokens, chat.service_tier) for chat in chats
    ]
    assert [usage.microusd for usage in there.store.streams] == [
        price(TIERED, response.usage.input_tokens, response.usage.output_tokens, "flex"),
        price(TIERED, chunk.usage.prompt_tokens, chunk.usage.completion_tokens, "flex"),
    ]
    flex, standard, priority = (s.usage.microusd for s in there.store.settled if s.usage)
    assert flex < standard < priority


# --- streams


def test_a_chat_stream_is_settled_at_its_headers_and_charged_at_its_end(there: Pooled) -> None:
    async def scenario(client: Any) -> Any:
        stream = await value_of(
            client.chat.completions.create(
                model=MODEL, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
            )
        )
        at_headers = list(there.store.settled), list(there.store.streams)
        return at_headers, await items_of(stream)

    (settled, spent), chunks = there.run(scenario)
    assert ([(s.outcome, s.usage) for s in settled], spent) == ([(Outcome.SUCCESS, None)], [])
    used = chunks[-1].usage
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    expected = make_pricing()(MODEL, used.prompt_tokens, used.completion_tokens)
    assert there.store.streams == [Usage(used.total_tokens, expected, used.completion_tokens)]
    assert there.store.spent().tokens == used.total_tokens
    assert len(there.store.settled) == 1


def test_a_prompt_is_charged_in_full_until_its_answer_reports_cached_tokens(
    openai_simulator: Callable[..., Any], face: str
) -> None:
    """A million tokens cost $0.40 as input, $0.10 cached, and $1.60 as output (gpt-4.1-mini, OpenAI, 2026-11)."""
    simulator = openai_simulator()
    long, most = TEXT * 50, 50
    given = -(-len(long) // 4)
    full = given * 0.40 + most * 1.60
    there = pooled(simulator.base_url, simulator.keys, face, Budget(day=Cap(microusd=round(2.02 * full))))
    asking: Any = {"model": MODEL, "messages": [{"role": "user", "content": long}], "max_completion_tokens": most}

    async def scenario(client: Any) -> Any:
        answer = await value_of(client.chat.completions.create(**asking))
        stream = client.chat.completions.create(**asking, stream=True, stream_options={"include_usage": True})
        chunks = await items_of(await value_of(stream))
        with pytest.raises(openai.RateLimitError, match="US dollars") as caught:
            await value_of(client.chat.completions.create(**asking))
        assert caught.value.code == "budget_exceeded"
        return answer.usage, chunks[-1].usage

    first, second = there.run(scenario)
    cached = given // 128 * 128
    assert second.prompt_tokens_details.cached_tokens == cached
    (settled, _) = there.store.settled
    (streamed,) = there.store.streams
    assert settled.usage is not None
    assert [settled.usage.cached_tokens, streamed.cached_tokens] == [0, cached]
    costs = [given * 0.40, (given - cached) * 0.40 + cached * 0.10]
    costs = [cost + used.completion_tokens * 1.60 for cost, used in zip(costs, (first, second), strict=True)]
    assert [settled.usage.microusd, streamed.microusd] == [pytest.approx(cost, abs=1) for cost in costs]
    assert there.store.spent().microusd == settled.usage.microusd + streamed.microusd


def test_a_stream_without_usage_is_charged_its_highest_estimate(there: Pooled) -> None:
    """The charge includes writing the prompt to the cache, for which this model charges extra, and the whole answer."""
    model = "gpt-6-sol"

    async def scenario(client: Any) -> Any:
        asked = client.chat.completions.create(model=model, messages=MESSAGES, stream=True, max_completion_tokens=1000)
        return await items_of(await value_of(asked))

    assert there.run(scenario)
    assert there.store.streams == []
    spent = there.store.spent()
    assert spent.tokens == PROMPT_TOKENS + 1000
    assert spent.microusd == pytest.approx(make_pricing()(model, len(TEXT) / 4, 1000, written=len(TEXT) / 4), abs=1)


def test_the_stream_helpers_work_and_are_charged(there: Pooled) -> None:
    async def scenario(client: Any) -> Any:
        options: Any = {"stream_options": {"include_usage": True}, "response_format": Home}
        async with entered(client.chat.completions.stream(model=MODEL, messages=MESSAGES, **options)) as stream:
            await items_of(stream)
            chat = await value_of(stream.get_final_completion())
        async with entered(client.responses.stream(model=MODEL, input=TEXT)) as stream:
            events = await items_of(stream)
        return chat, events

    chat, events = there.run(scenario)
    assert chat.choices[0].message.parsed.YearBuilt == 1998
    completed = next(e for e in events if isinstance(e, ResponseCompletedEvent) or e.type == "response.completed")
    assert [u.tokens for u in there.store.streams] == [chat.usage.total_tokens, completed.response.usage.total_tokens]


def test_a_stream_that_is_closed_early_is_a_success_and_charged_its_estimate(there: Pooled) -> None:
    async def scenario(client: Any) -> None:
        for _ in range(3):
            stream = await value_of(
                client.chat.completions.create(
                    model=MODEL, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
                )
            )
            if hasattr(stream, "__aiter__"):
                async for _chunk in stream:
                    break
            else:
                next(iter(stream))
            await value_of(stream.close())

    there.run(scenario)
    assert (there.store.streams, there.store.broken) == ([], 0)
    assert there.store.spent().calls == 3
    assert sum(key["successes"] for key in there.pool.stats()["keys"].values()) == 3
    assert [s.in_flight for s in there.store.snapshot()] == [0, 0]


def test_a_raw_stream_passes_every_byte(there: Pooled) -> None:
    async def scenario(client: Any) -> Any:
        asked = client.chat.completions.with_streaming_response.create(
            model=MODEL, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        async with entered(asked) as response:
            return b"".join(await items_of(response.iter_bytes(7)))

    body = there.run(scenario)
    assert body.endswith(b"data: [DONE]\n\n")
    assert len(there.store.streams) == 1
