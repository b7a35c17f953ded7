"""The benchmark computes the request rate that the rules allow, and the share of it that was used."""

import pytest

from benchmarks.fetch.cells import OURS, Cell, cells
from benchmarks.fetch.figures import Figures, figures, median


def test_the_share_of_the_pace_is_the_mean_of_the_sites() -> None:
    asked = {"a": [0.0, 1.0, 2.0, 3.0, 4.0], "b": [5.0, 0.0, 1.25, 2.5, 3.75]}
    found = figures(10, wall_seconds=5.0, cpu_seconds=0.025, asked=asked, gap_seconds=1.0)
    assert found == Figures(10, 2.0, pytest.approx(2.5), pytest.approx(0.9), 0)  # type: ignore[arg-type]


def test_gaps_that_are_too_short_are_counted_and_without_rules_there_is_no_share() -> None:
    found = figures(4, 2.0, 0.1, {"a": [0.0, 0.5, 1.46, 2.0]}, gap_seconds=1.0)
    assert (found.too_soon, found.pace_share) == (2, 1.0), "a gap of 0.96 s is within network jitter"
    found = figures(3, 1.0, 0.1, {"a": [0.0, 0.0, 0.0]}, gap_seconds=0.0)
    assert (found.too_soon, found.pace_share) == (0, None)


def test_figures_are_medians_except_violations_which_are_maxima() -> None:
    runs = [Figures(9, 1.0, 5.0, 0.9, 0), Figures(9, 3.0, 4.0, 1.0, 2), Figures(9, 2.0, 6.0, 0.8, 0)]
    assert median(runs) == Figures(9, 2.0, 5.0, 0.9, 2)


def test_every_cell_has_a_site_with_its_own_address() -> None:
    cell = Cell(OURS, 300, 2, 0.5, 16)
    rows = [line.split() for line in cell.hosts_file.splitlines()]
    assert len({address for address, _ in rows}) == len({host for _, host in rows}) == 300
    assert len(set(cell.urls)) == 600
    assert all(sites.at_once <= 100 for sites in cells(1.0))
