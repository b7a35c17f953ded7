"""The county benchmark detects errors: each fault planted in the stored data is found."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from benchmarks.county.judge import Figures, judge
from benchmarks.county.run import Scraped, Stored, scrape_county
from simulators.county.homes import Home
from simulators.county.searches import LIES
from simulators.county.serving import RunningCounty


@dataclass
class World:
    running: RunningCounty
    homes: list[Home]
    scraped: list[Scraped]
    stored: list[Stored]

    def judged(self) -> Figures:
        return judge(self.running, self.homes, self.scraped, self.stored)

    def of(self, home: Home) -> Stored:
        wanted = next(one.property_id for one in self.scraped if one.home == home.number)
        return next(one for one in self.stored if one.shown["property"] == wanted)


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Scrape the first home, one with a planted conflict, one with an old sale, and one with a false search answer."""
    with RunningCounty() as running:
        county = running.county
        kinds = ("conflict", "outdated")
        numbers = {1, *(next(p.home for p in county.planted if p.kind == k and p.home > 1) for k in kinds)}
        # In the fictional county, the web search gives false answers about Farview homes whose number ends in 1.
        numbers.add(next(h.number for h in county.homes if h.town.name == "Farview" and h.number % 10 == 1))
        homes = [home for home in county.homes if home.number in numbers]
        done, stored = scrape_county(running, homes, None, tmp_path_factory.mktemp("county"))
        yield World(running, homes, done, stored)


@pytest.fixture
def world(scraped: World) -> World:
    return replace(scraped, stored=copy.deepcopy(scraped.stored), scraped=list(scraped.scraped))


def test_a_page_merged_into_another_property_is_a_wrong_and_a_missed_merge(world: World) -> None:
    before = world.judged()
    one, other = world.of(world.homes[0]), world.of(world.homes[1])
    url = next(url for url in one.says if "/card/" in url)
    other.says[url], other.evidence[url] = one.says.pop(url), one.evidence.pop(url)
    figures = world.judged()
    assert len(figures.wrong_merges) == len(before.wrong_merges) + 1
    assert f"{world.homes[0].address}: assessor" in figures.missed_merges
    assert any("evidence that none of its pages has" in told for told in figures.unproven)


def test_a_value_that_no_page_states_is_invented(world: World) -> None:
    """A home that is not for sale has no status and price in the county's truth."""
    home = next(home for home in world.homes if "StandardStatus" not in home.truth)
    assert world.judged().invented == []
    world.of(home).shown["record"]["StandardStatus"] = "Withdrawn"
    assert world.judged().invented == [f"{home.address}: StandardStatus is Withdrawn, and no page states it"]


@pytest.mark.parametrize("value", [7, None])
def test_a_wrong_or_missing_value_is_a_wrong_field_with_invalid_evidence(world: World, value: Any) -> None:
    before = world.judged()
    record = world.of(world.homes[0]).shown["record"]
    del record["StoriesTotal"]
    record |= {} if value is None else {"StoriesTotal": value}
    figures = world.judged()
    new = [told for told in figures.wrong_fields if told not in before.wrong_fields]
    assert len(new) == 1
    assert "StoriesTotal is" in new[0]
    assert figures.fields_right < before.fields_right
    assert (len(figures.unproven) > 0) == (value is not None)


def test_a_value_without_evidence_or_with_a_false_quote_is_unproven(world: World) -> None:
    one = world.of(world.homes[0])
    del one.shown["evidence"]["BedroomsTotal"]
    proof = one.shown["evidence"]["ParcelNumber"]
    for of_page in one.evidence.values():
        if of_page.get("ParcelNumber", {}).get("source_url") == proof["source_url"]:
            of_page["ParcelNumber"] = {**of_page["ParcelNumber"], "quote": "Parcel number 77-77"}
    one.shown["evidence"]["ParcelNumber"] = {**proof, "quote": "Parcel number 77-77"}
    told = " ".join(world.judged().unproven)
    assert "BedroomsTotal has no evidence" in told
    assert "ParcelNumber has a quote that is not on the page" in told


def test_a_hidden_conflict_is_unreported_and_one_without_different_values_is_noise(world: World) -> None:
    assert world.judged().unreported == []
    for one in world.stored:
        one.shown["conflicts"] = []
    world.of(world.homes[0]).shown["conflicts"] = [
        {"field": "YearBuilt", "chosen": 1987, "evidence": [{"value": 1987}, {"value": 1978}]}
    ]
    figures = world.judged()
    assert len(figures.unreported) == figures.planted.total() - figures.refused.total() >= 1
    assert figures.reported.total() == 0
    assert f"{world.homes[0].address}: YearBuilt [1987, 1978]" in figures.no_conflicts


def test_an_old_value_and_a_lie_are_noticed(world: World) -> None:
    planted = next(p for p in world.running.county.planted if p.kind == "outdated" and p.home > 1)
    home = next(home for home in world.homes if home.number == planted.home)
    world.of(home).shown["record"][planted.field] = planted.wrong
    lied_to = next(home for home in world.homes if home.town.name == "Farview")
    world.of(lied_to).shown["record"]["YearBuilt"] = LIES["YearBuilt"]
    figures = world.judged()
    assert len(figures.outdated_wrong) == 1
    assert figures.lies_believed == [f"{lied_to.address}: YearBuilt is 1901"]


def test_calls_of_the_model_and_missing_properties_are_counted(world: World) -> None:
    before = world.judged()
    world.scraped[0] = replace(world.scraped[0], questions=3, searches=1)
    figures = world.judged()
    assert before.most_questions <= 1
    assert figures.most_questions == 4
    assert figures.searched_in_vain == [world.homes[0].address]
    world.stored.remove(world.of(world.homes[0]))
    figures = world.judged()
    assert [told.partition(":")[0] for told in figures.no_property] == [world.homes[0].address]
    assert figures.missed_share > 0.1
