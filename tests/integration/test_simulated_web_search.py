"""With the real SDK, the simulator's web search returns OpenAI's response shapes and citations."""

from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest

Start = Callable[..., Any]
HOUSE, OTHER = "http://assessor.test/r/1", "http://portal.test/h/1"
FOUND = {
    "match": ["12 Fictional Ave, Anytown", "parcel 0017"],
    "lines": [
        {"text": "Year built: 1987", "url": HOUSE, "title": "Assessor"},
        {"text": "Roof: slate", "url": OTHER, "cited": False},
        {"text": "It is a fine house."},
    ],
    "sources": ["http://gis.test/q"],
}


def search(simulator: Any, question: str, **options: Any) -> Any:
    given = {"include": ["web_search_call.action.sources"], **options}
    tool = {"type": "web_search", "filters": {"allowed_domains": ["assessor.test"]}}
    return simulator.client().responses.create(model="gpt-4.1-mini", input=question, tools=[tool], **given)


def test_a_matching_search_is_answered_with_citations_and_sources(openai_simulator: Start) -> None:
    simulator = openai_simulator()
    simulator.set_searches({"match": "99 Other St"}, FOUND)
    answer = search(simulator, "What is known of 12 FICTIONAL AVE., Anytown, ST 00000?")
    call, message = answer.output
    assert (call.type, call.status, call.action.type) == ("web_search_call", "completed", "search")
    assert [source.url for source in call.action.sources] == ["http://gis.test/q", HOUSE]
    (part,) = message.content
    assert answer.output_text.splitlines()[2] == "It is a fine house."
    (citation,) = part.annotations
    assert (citation.type, citation.url, citation.title) == ("url_citation", HOUSE, "Assessor")
    assert part.text[citation.start_index : citation.end_index] == f"([assessor.test]({HOUSE}))"
    assert f"Roof: slate ([portal.test]({OTHER}))" in part.text
    assert answer.usage.output_tokens > 0
    assert simulator.searches() == [
        {"text": "What is known of 12 FICTIONAL AVE., Anytown, ST 00000?", "allowed_domains": ["assessor.test"],
         "entry": 1}
    ]  # fmt: skip
    totals = simulator.stats()["totals"]
    assert (totals["requests"], totals["web_searches"]) == (1, 1)
    assert sum(simulator.prompts().values()) == 1


def test_any_of_several_texts_matches_and_without_one_nothing_was_found(openai_simulator: Start) -> None:
    simulator = openai_simulator()
    simulator.set_searches(FOUND)
    assert "1987" in search(simulator, "parcel 0017").output_text
    nothing = search(simulator, "12 Fictional Ave, Elsewhere")
    assert "found no page" in nothing.output_text
    assert nothing.output[0].action.sources == []
    assert [asked["entry"] for asked in simulator.searches()] == [0, None]
    simulator.reset()
    assert simulator.searches() == []


def test_sources_are_returned_on_request_and_a_schema_has_no_citations(openai_simulator: Start) -> None:
    simulator = openai_simulator()
    simulator.set_searches(FOUND)
    assert search(simulator, "parcel 0017", include=[]).output[0].action.sources is None
    schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    structured = {"format": {"type": "json_schema", "name": "x", "strict": True, "schema": schema}}
    assert search(simulator, "parcel 0017", text=structured).output[1].content[0].annotations == []


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
