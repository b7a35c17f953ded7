"""The list of tracking parameters is well-formed."""

from importlib.resources import files

import pytest

from app.property.urls.tracking import is_tracking, without_tracking

LINES = [
    line
    for line in files("app.property.urls").joinpath("tracking_parameters.txt").read_text("utf-8").splitlines()
    if line.strip() and not line.startswith("#")
]


def test_every_line_is_one_lower_case_name_without_duplicates() -> None:
    assert all(line == line.strip().lower() and "*" not in line[:-1] and " " not in line for line in LINES)
    assert len(LINES) == len(set(LINES)) > 40


@pytest.mark.parametrize("line", LINES)
def test_every_name_of_the_list_is_removed_and_other_parameters_stay(line: str) -> None:
    name = line.replace("*", "anything")
    assert without_tracking(f"id=7&{name}=v&page=2") == "id=7&page=2"
    assert without_tracking(f"{name.upper()}") == ""
    assert not is_tracking(f"x{name}")


@pytest.mark.parametrize("name", ["id", "parcel", "ref", "source", "cid", "campaign", "s", "utm", "page", "gclidx", ""])
def test_a_parameter_that_may_select_content_stays(name: str) -> None:
    assert not is_tracking(name)
