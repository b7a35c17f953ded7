"""A strategy's Lua expression ranks as its Python function does: on a real server, to the last bit."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
import redis

from app.keypool.admission import SEEDS, chance_of
from app.keypool.strategies import KeyView, load_strategy, strategy_in_lua, strategy_names

TURNS = (0, 1, 2, 65_537, 2**40, 2**53 - 1)
REQUESTS = (0.0, 1.0, 0.1, 2.5, 1 / 3, 12_345.678, 1e9)
HEADROOMS = (0.0, 1e-9, 0.1, 0.5, 1 / 3, 0.999_999_9, 1.0)
CHANCES = (0.0, 1 / SEEDS, 0.25, 0.5, (SEEDS - 1) / SEEDS)

_SCRIPT = """
local function score(turn, requests_last_hour, headroom, chance) return {expression} end
local scores = {{}}
for n = 1, #ARGV, 4 do
  local turn, requests, headroom = tonumber(ARGV[n]), tonumber(ARGV[n + 1]), tonumber(ARGV[n + 2])
  scores[#scores + 1] = string.format('%.17g', score(turn, requests, headroom, tonumber(ARGV[n + 3])))
end
return scores
"""


def _drawn(count: int) -> list[tuple[KeyView, float]]:
    rng = random.Random(20)
    return [
        (
            KeyView(rng.randrange(10**9), rng.uniform(0, 1e5), rng.random()),
            chance_of(rng.randrange(SEEDS), rng.randrange(1_000)),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("name", strategy_names())
def test_the_lua_expression_gives_the_score_of_python(embedded_valkey_url: str, name: str) -> None:
    edges = [
        (KeyView(turn, requests, headroom), chance)
        for turn, requests, headroom, chance in itertools.product(TURNS, REQUESTS, HEADROOMS, CHANCES)
    ]
    cases = edges + _drawn(500)
    score = load_strategy(name)
    arguments = [
        f"{number:.17g}"
        for view, chance in cases
        for number in (view.turn, view.requests_last_hour, view.headroom, chance)
    ]
    with redis.Redis.from_url(embedded_valkey_url, socket_timeout=10) as connection:
        reply: Any = connection.eval(_SCRIPT.format(expression=strategy_in_lua(name)), 0, *arguments)
    assert [float(text) for text in reply] == [score(view, chance) for view, chance in cases]
