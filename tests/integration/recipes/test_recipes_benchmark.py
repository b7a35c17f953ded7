"""A run of the recipe benchmark on two sites: its figures add up, and the report has every target and the plot."""

from pathlib import Path

import pytest

from benchmarks.recipes.__main__ import main
from benchmarks.recipes.cost import of_every, of_recipes, of_schema
from benchmarks.recipes.figures import figures
from benchmarks.recipes.run import DOWN, Run, run
from benchmarks.recipes.sites import make_sites

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def found() -> Run:
    return run(list(make_sites(3))[1:])


def test_a_learned_site_needs_few_calls_and_stores_nothing_wrong(found: Run) -> None:
    one = figures(found, rounds=1)
    assert (one.sites, one.pages) == (2, 80)
    assert one.free_share > 0.5
    assert one.poisoned == 0
    assert one.redesigned_by_recipe == 0
    assert one.values.precision > 0.99
    assert one.values.recall >= one.every.recall - 0.01


def test_calls_are_needed_while_the_model_is_down_and_after_a_redesign(found: Run) -> None:
    down = [outcome for outcome in found.outcomes if outcome.number in DOWN]
    assert not any(outcome.called for outcome in down)
    assert any(outcome.needed for outcome in down)
    after = [one for one in found.outcomes if one.after_redesign and one.nth]
    assert after[0].needed
    assert not after[-1].needed or not after[-2].needed
    every, recipes, schema = (of(found.outcomes) for of in (of_every, of_recipes, of_schema))
    assert recipes.usd < every.usd
    assert 0 < schema.calls < recipes.calls
    assert schema.read < every.read


def test_the_report_names_every_target(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARED_DIR", str(tmp_path / "no-labeled-pages"))
    assert main(["--sites", "2", "--pages", "14", "--docs", str(tmp_path)]) == 0
    text = (tmp_path / "recipes.md").read_text(encoding="utf-8")
    for target in ("≥ 90%", "≥ 0.97", "≥ 0.99", "≤ 0.1% of values", "≤ 6", "≤ 1.1×"):
        assert f"| {target} |" in text
    assert "crawl4ai" in text
    assert (tmp_path / "recipes.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "Recipes" in capsys.readouterr().out
