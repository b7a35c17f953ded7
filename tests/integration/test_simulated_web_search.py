"""The simulated web search rejects the same requests as OpenAI's API."""

from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest

Start = Callable[..., Any]


def test_invalid_requests_and_tables_are_refused_like_by_the_api(openai_simulator: Start) -> None:
    simulator = openai_simulator()
    for options in (
        {"text": {"format": {"type": "json_object"}}, "tools": [{"type": "web_search"}]},
        {"tools": [{"type": "web_search", "filters": {"allowed_domains": ["https://assessor.test/"]}}]},
        {"tools": [{"type": "web_search", "filters": {"allowed_domains": [f"a{n}.test" for n in range(101)]}}]},
        {"tools": [{"type": "web_search_preview", "filters": {"allowed_domains": ["assessor.test"]}}]},
    ):
        with pytest.raises(openai.BadRequestError):
            simulator.client().responses.create(**{"model": "gpt-4.1-mini", "input": "parcel 0017", **options})
    assert simulator.stats()["totals"]["web_searches"] == 0
    wrong: list[dict[str, Any]] = [{"lines": []}, {"match": "x", "line": []}, {"match": "x", "lines": [{"words": "y"}]}]
    for entry in wrong:
        with pytest.raises(httpx2.HTTPStatusError, match="400"):
            simulator.set_searches(entry)
