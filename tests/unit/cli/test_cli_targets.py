"""Target files have three formats.

Comments and blank lines are skipped, and an error names the invalid line's number.
"""

from pathlib import Path

import pytest
import typer

from app.errors.targets import InvalidTargetError
from app.property.urls.targets import normalize_target
from cli.arguments import read_targets

ONE, TWO = "http://homes.example/1", "https://homes.example/2?a=1,2"


def _read(tmp_path: Path, name: str, text: str | bytes) -> list[str]:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_targets([], str(path))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", f"# mine\n\n{ONE}\n   \n  {TWO}  \n# end"),
        ("a.txt", f"{ONE}\r\n{TWO}\r\n"),
        ("a", f"\ufeff{ONE}\n{TWO}"),
        ("a.csv", f'url,price\n{ONE},1\n\n"{TWO}",2\n# end,\n'),
        ("a.csv", f'id;Target\n1;{ONE}\n2;"{TWO}"\n'),
        ("a.tsv", f"id\turl\n1\t{ONE}\n2\t{TWO}\n"),
        ("a.csv", f'"{ONE}",a\n"{TWO}",b\n'),
        ("a.csv", f'note,url\n"two\nlines",{ONE}\nb,"{TWO}"\n'),
        ("a.txt", f'url,price\n{ONE},1\n"{TWO}",2\n'),
        ("a.jsonl", f'{{"target": "{ONE}"}}\n\n# c\n{{"url": "{TWO}", "x": 1}}\n'),
        ("a.ndjson", f'"{ONE}"\n"{TWO}"'),
        ("a", f'{{"url": "{ONE}"}}\n"{TWO}"'),
    ],
)
def test_every_format_gives_its_targets_in_order(tmp_path: Path, name: str, text: str) -> None:
    assert _read(tmp_path, name, text) == [ONE, TWO]


@pytest.mark.parametrize(
    ("name", "text", "parts"),
    [
        ("a.txt", f"{ONE}\n\nfoo bar\n", ["line 3", "'foo bar'"]),
        ("a.txt", f"{ONE}\nftp://homes.example/\n", ["line 2", "ftp"]),
        ("a.csv", f"url,price\n{ONE},1\n,2\n", ["line 3", "no target"]),
        ("a.csv", f"id,url\n1,{ONE}\n2\n", ["line 3", "no target"]),
        ("a.csv", "id,link\n1,http://homes.example/\n", ["line 1", "'target', 'url', 'address' or 'street'"]),
        ("a.jsonl", f'"{ONE}"\n{{"url": \n', ["line 2", "not JSON"]),
        ("a.jsonl", f'{{"link": "{ONE}"}}\n', ["line 1", "'target', 'url', 'address' or 'street'"]),
        ("a.csv", "street,city,state\n12 Main St,Springfield,\n", ["line 2", "lacks a state"]),
        ("a.csv", "street,city,state,zip\n,Springfield,IL,62701\n", ["line 2", "no target"]),
        ("a.csv", "city,state,zip\nSpringfield,IL,62701\n", ["line 1", "no column is called"]),
        ("a.jsonl", '{"street": "12 Main St", "city": "Springfield"}\n', ["line 1", "lacks a state"]),
        ("a.jsonl", '{"address": ""}\n', ["line 1", "no target"]),
        ("a.txt", "PO Box 12, Springfield, IL 62701\n", ["line 1", "post office box"]),
        ("a.jsonl", '{"url": 5}\n', ["line 1"]),
        ("a.jsonl", "null\n", ["line 1"]),
        ("a.txt", f"{ONE}\n".encode() + b"http://homes.example/caf\xe9\n", ["line 2", "UTF-8"]),
        ("a.txt", "# nothing\n\n", ["no target"]),
        ("a.txt", "", ["no target"]),
    ],
)
def test_an_invalid_line_is_named_and_no_target_is_taken(
    tmp_path: Path, name: str, text: str | bytes, parts: list[str]
) -> None:
    with pytest.raises(typer.BadParameter) as raised:
        _read(tmp_path, name, text)
    for words in parts:
        assert words in raised.value.message


HOME, FLAT = "12 MAIN ST, SPRINGFIELD, IL 62701", "9 OAK AVE UNIT 4B, HOBOKEN, NJ 07030"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "12 Main St, Springfield, IL 62701\n# c\n9 Oak Ave #4B, Hoboken, NJ 07030\n"),
        ("a", "12 Main St, Springfield, IL 62701\n9 Oak Ave #4B, Hoboken, NJ 07030\n"),
        ("a.csv", "12 Main St, Springfield, IL 62701\n9 Oak Ave #4B, Hoboken, NJ 07030\n"),
        ("a.csv", 'id,address\n1,"12 Main St, Springfield, IL 62701"\n2,"9 Oak Ave #4B, Hoboken, NJ 07030"\n'),
        ("a.csv", "street,city,state,zip\n12 Main St,Springfield,IL,62701\n9 Oak Ave #4B,Hoboken,NJ,7030\n"),
        ("a.csv", "Zip Code;State;City;Street Address\n62701;Illinois;Springfield;12 Main St\n"
                  "07030-1234;New Jersey;Hoboken;9 Oak Ave #4B\n"),
        ("a.csv", "address,unit,city,state,zip\n12 Main St,,Springfield,IL,62701\n9 Oak Ave,4B,Hoboken,NJ,07030\n"),
        ("a.tsv", "address\tcity\tstate\n12 Main St, Springfield, IL 62701\tSpringfield\tIL\n"
                  "9 Oak Ave #4B, Hoboken NJ 07030\tHoboken\tNJ\n"),
        ("a.jsonl", '{"street": "12 Main St", "city": "Springfield", "state": "IL", "zip": 62701}\n'
                    '{"address": "9 Oak Ave #4B, Hoboken, NJ 07030"}\n'),
        ("a.jsonl", '"12 Main St, Springfield, IL 62701"\n{"target": "9 Oak Ave #4B, Hoboken, NJ 07030"}\n'),
    ],
)  # fmt: skip
def test_every_format_takes_addresses_whole_or_in_parts(tmp_path: Path, name: str, text: str) -> None:
    assert [normalize_target(target) for target in _read(tmp_path, name, text)] == [HOME, FLAT]


def test_a_row_without_a_url_may_have_an_address(tmp_path: Path) -> None:
    text = f"url,street,city,state\n{ONE},1 Elm St,Salem,OR\n,12 Main St,Springfield,IL\n"
    assert _read(tmp_path, "a.csv", text) == [ONE, "12 Main St, Springfield, IL"]


def test_many_invalid_lines_are_counted_not_listed(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter) as raised:
        _read(tmp_path, "a.txt", "bad\n" * 500)
    assert raised.value.message.count("line ") == 10
    assert "and 490 more" in raised.value.message


def test_arguments_come_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(TWO)
    assert read_targets([ONE], str(path)) == [ONE, TWO]


def test_an_invalid_argument_is_an_error_of_its_own() -> None:
    with pytest.raises(InvalidTargetError):
        read_targets([ONE, "nonsense"], None)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.txt", tmp_path):
        with pytest.raises(typer.BadParameter, match=str(path)):
            read_targets([], str(path))
