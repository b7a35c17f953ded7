"""The sources of an address are grouped by what they answered, without URLs."""

import re

import pytest

from app.property.presenting.attempts import Result, failures_in_words, result_of, sources_in_words, used_count
from app.property.presenting.missing import model_note, some_of
from app.property.storage.jobs.models import JobAttempt
from app.property.storage.properties.source_records import ASKED_ELSEWHERE


def tried(source: str, outcome: str, detail: str = "", url: str | None = "https://county.example/1?q=999") -> dict:
    return JobAttempt(source, None, url, outcome, detail).as_json()


OFF = tried("web search", "not_asked", "it is turned off in sources.toml", None)


@pytest.mark.parametrize("outcome", ["no_such_property", "page_gone", "http_status"])
def test_if_all_answer_the_same_the_sentence_is_short(outcome: str) -> None:
    five = [tried(name, outcome, "The page answered HTTP 404.") for name in "ABCDE"]
    assert sources_in_words([*five, OFF]) == "5 asked: all answered that they have no such property"
    assert sources_in_words(five[:1]) == "1 asked: it answered that it has no such property"


def test_sources_are_grouped_by_result_with_counts_and_names() -> None:
    attempts = [
        tried("Assessor", "no_such_property"),
        tried("Deeds", "robots_disallowed", "robots.txt of the site does not allow https://deeds.example/7"),
        tried("GIS", "http_status", "The page answered HTTP 404."),
        tried("Portal", "page_blocked"),
        tried("Roll", "fetch_timeout", "The page did not answer in time (30 s)."),
        tried("Map", "http_status", "The page answered HTTP 500."),
        tried("Search", "search_page"),
        tried("Neighbor", "other_property", "it is about 14 ELM ST"),
        tried("Bills", "not_asked", "it needs the parcel number, which no page named", None),
        OFF,
    ]
    assert sources_in_words(attempts) == (
        "8 asked: 1 blocked the request: Portal; 1 could not be reached: Roll (fetch timeout); "
        "1 has a page that could not be read: Map (HTTP 500); 1 is closed by robots.txt: Deeds; "
        "1 has a page of another address: Neighbor (it is about 14 ELM ST); 1 shows several properties: Search; "
        "2 answered that they have no such property: Assessor, GIS (HTTP 404); "
        "not asked: Bills (it needs the parcel number, which no page named), "
        "web search (it is turned off in sources.toml)"
    )


def test_no_url_is_in_a_summary() -> None:
    url = "https://county.example/1?q=999"
    outcomes = ("host_busy", "invalid_target", "blocked_address", "page_too_complex", "other_property", "purged", "x")
    attempts = [tried(f"S{n}", outcome, f"{url} failed.") for n, outcome in enumerate(outcomes)]
    assert "://" not in sources_in_words(attempts)
    assert not any("://" in line for line in failures_in_words(attempts))


def test_a_source_with_several_pages_counts_once() -> None:
    """A failure precedes a page without the property, because the failed page may have it."""
    attempts = [
        tried("A", "no_such_property"), tried("A", "fetch_timeout"), tried("B", "http_status", "HTTP 404."),
        tried("B", "used"), tried("web search", "searched", "m cites 0 pages", None),
    ]  # fmt: skip
    assert used_count(attempts) == (1, 3)
    assert failures_in_words(attempts) == ["no page of A: not reached (fetch timeout)"]
    assert "3 asked" in sources_in_words(attempts)


def test_without_a_source_the_reasons_are_given() -> None:
    assert sources_in_words([]) == "no source is configured for it"
    assert sources_in_words([OFF]) == "not asked: web search (it is turned off in sources.toml)"


def test_long_lists_of_names_are_cut() -> None:
    assert some_of([f"S{n}" for n in range(17)]) == "S0, S1, S2, S3, S4, and 12 more"
    assert some_of(["A", "B", "C", "D", "E"]) == "A, B, C, D, E"
    text = sources_in_words([tried(f"S{n}", "no_such_property") for n in range(17)] + [tried("Z", "page_blocked")])
    assert "17 answered that they have no such property: S0, S1, S2, S3, S4, and 12 more" in text
    assert text.startswith("18 asked: 1 blocked the request: Z; ")


def test_every_result_has_words_and_no_code() -> None:
    texts = [text for result in Result for text in result.value]
    assert not any(re.search(r"_|\d", text) for text in texts)
    assert result_of(tried("A", "some_new_error")) is Result.ERROR


def test_notes_about_the_model_name_only_missing_fields() -> None:
    """At most five are named, and there is no note without a missing field."""
    names = ["Roof", "Heating", "Cooling", "YearBuilt", "LivingArea", "StoriesTotal", "CloseDate", "ListPrice"]
    assert model_note(names, "No key.", {"Roof": ["Slate"]}) == (
        "Not asked: Heating, Cooling, Year built, Living area, Stories, and 2 more. No key."
    )
    assert model_note(["Roof"], "No key.", {}) == "Not asked: Roof. No key."
    assert model_note(["Roof"], ASKED_ELSEWHERE, {"Roof": ["Slate"]}) == ""
    assert model_note([], "Not stored: Roof.", {}) == "Not stored: Roof."
    assert model_note([], None, {}) == ""
