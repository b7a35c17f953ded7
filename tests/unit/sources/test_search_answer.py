"""A web search's answer gives the cited pages, and the values that it attributes to each page."""

from collections.abc import Sequence
from typing import Any

import pytest

from app.property.sources.search_answer import read_answer

A, B = "https://a.example/1", "https://b.example/1"


def answer(*lines: tuple[str, str], sources: Sequence[str] = (), uncited: str = "") -> list[dict[str, Any]]:
    """Return response items in the API's format, with a citation after each line."""
    text, marks = "", []
    for words, url in lines:
        text += f"{words} "
        start = len(text)
        text += f"([site]({url}))"
        marks.append({"type": "url_citation", "start_index": start, "end_index": len(text), "url": url, "title": "t"})
        text += "\n"
    action = {"type": "search", "sources": [{"type": "url", "url": url} for url in sources]}
    part = {"type": "output_text", "text": text + uncited, "annotations": marks}
    return [{"type": "web_search_call", "action": action}, {"type": "message", "content": [part]}]


def attributed(*lines: tuple[str, str]) -> list[tuple[str, Any, str]]:
    return [(one.field, one.value, one.url) for one in read_answer(answer(*lines)).claims]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("- **Year built**: 1987", {"YearBuilt": 1987}),
        ("• Living area: 1,410 sq ft", {"LivingArea": 1410, "LivingAreaUnits": "Square Feet"}),
        ("AssociationYN: No", {"AssociationYN": False}),
        ("The house was built in 1987.", {"YearBuilt": 1987}),
        ("It is a fine house.", {}),
        ("Year built: unknown", {}),
        ("Year built: " + "very " * 80 + "1987", {}),
    ],
)
def test_a_line_is_a_label_with_its_value_or_a_sentence(line: str, expected: dict[str, Any]) -> None:
    assert {field: value for field, value, _ in attributed((line, A))} == expected


def test_a_fact_belongs_to_the_pages_cited_after_it() -> None:
    assert attributed(("Bedrooms: 3", A), ("Bedrooms: 4", B)) == [("BedroomsTotal", 3, A), ("BedroomsTotal", 4, B)]
    assert attributed(("Bedrooms: 3", A), ("", B)) == [("BedroomsTotal", 3, A), ("BedroomsTotal", 3, B)]
    assert read_answer(answer(("x", A), uncited="Bedrooms: 9")).claims == ()


def test_cited_pages_come_in_one_spelling_each_once() -> None:
    found = read_answer(answer(("x", f"{A}?utm_source=openai"), ("y", B), ("z", A)))
    assert found.cited == (A, B)


def test_pages_read_and_pages_only_named_are_distinguished() -> None:
    text = f"See {B}, and https://c.example/x."
    found = read_answer(answer(("x", A), sources=[B, "ftp://no.example/"], uncited=text))
    assert (found.cited, found.visited, found.uncited) == ((A,), (B,), ("https://c.example/x",))
    assert set(found.urls()) == {A, B, "https://c.example/x"}


REFUSED = [{"type": "message", "content": [{"type": "refusal", "refusal": "I cannot do that."}]}]
BLANK = [{"type": "message", "content": [{"type": "output_text", "text": " \n"}]}]


@pytest.mark.parametrize(
    ("items", "status", "reason", "flaw", "explanation"),
    [
        (answer(("Bedrooms: 3", A)), "completed", "", "", ""),
        (answer(("Bedrooms: 3", A)), "", "", "", ""),  # earlier versions stored no status
        (REFUSED, "completed", "", "refused", "I cannot do that."),
        (answer(("Bedrooms: 3", A)), "incomplete", "max_output_tokens", "incomplete", "max_output_tokens"),
        ([], "failed", "server_error", "incomplete", "failed (server_error)"),
        (BLANK, "completed", "", "empty", "empty"),
        ([], "completed", "", "empty", "empty"),
    ],
)
def test_an_incomplete_answer_is_reported(
    items: list[Any], status: str, reason: str, flaw: str, explanation: str
) -> None:
    found = read_answer(items, status, reason)
    assert found.flaw == flaw
    assert explanation in found.explanation
    assert bool(found.explanation) == bool(flaw)
    assert found.cited == ((A,) if items == answer(("Bedrooms: 3", A)) else ())


def test_an_answer_without_some_pages_has_no_trace_of_them() -> None:
    visited = "https://c.example/1"
    lines = ("Bedrooms: 3", A), ("Roof: Slate", B)
    found = read_answer(answer(*lines, sources=[visited], uncited="https://d.example/1"))
    assert set(found.urls()) == {A, B, visited, "https://d.example/1"}
    left = found.without({A, visited, "https://d.example/1"})
    assert left.urls() == (B,)
    assert [claim.url for claim in left.claims] == [B]


@pytest.mark.parametrize(
    "items",
    [
        [],
        ["x", None, 3],
        [{"type": "message", "content": [{"type": "output_text", "text": None}]}],
        [{"type": "message", "content": [{"type": "output_text", "text": "a", "annotations": "b"}]}],
        [{"type": "web_search_call", "action": {"sources": [1, {"url": 2}, {"url": "http://"}]}}],
        answer(("Bedrooms: 3", "javascript:alert(1)")),
        [{"type": "message", "content": [{"type": "output_text", "text": "Bedrooms: 3", "annotations": [
            {"type": "url_citation", "start_index": 5, "end_index": 900, "url": A},
            {"type": "url_citation", "start_index": -1, "end_index": 2, "url": A},
            {"type": "url_citation", "start_index": "1", "end_index": 2, "url": A}]}]}],
    ],
)  # fmt: skip
def test_items_that_violate_the_api_schema_are_ignored(items: list[Any]) -> None:
    found = read_answer(items)
    assert (found.cited, found.claims) == ((), ())
