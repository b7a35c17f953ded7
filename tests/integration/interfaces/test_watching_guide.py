"""Run the commands of docs/watching.md."""

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.services.runtime.stores import Stores
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record

from .conftest import Bash, Propintel, Token

GUIDE = (Path(__file__).parents[3] / "docs" / "watching.md").read_text(encoding="utf-8")
COMMANDS, REQUESTS = re.findall(r"```bash\n(.*?)```", GUIDE, re.S)
HOME, CLIENT = (f"https://www.example.com/homes/{home}" for home in ("123-main-st", "9-elm-st"))
ADDRESS = "12 MAIN ST, SPRINGFIELD, IL 62701"


def test_the_commands_do_what_the_page_says(bash: Bash, called: Propintel, home: Path) -> None:
    (home / "clients.csv").write_text(f"url\n{CLIENT}\n", encoding="utf-8")
    *before, _remove = COMMANDS.strip().splitlines()
    printed = bash("\n".join(before))
    listed = json.loads(printed[printed.rindex('{\n  "counts"') :])
    assert {watch["target"]: watch["interval_days"] for watch in listed["watches"]} == {HOME: 1, ADDRESS: 7, CLIENT: 30}
    assert listed["budget"]["pages"] == {"used": 0, "limit": 1000}
    bash(_remove)
    table = called("watches", "list", "--format", "table").stdout
    assert (HOME in table, ADDRESS in table, "0 of 1,000 pages" in table) == (True, False, True)


def test_a_watched_home_is_said_to_be_watched_already(called: Propintel, stores: Stores) -> None:
    home = save_record(stores.properties, page_record(HOME, {"ListPrice": 1}, datetime.now(UTC)))
    called("watches", "add", HOME)
    again = called("watches", "add", home[:8], "--format", "json")
    assert json.loads(again.stdout)["new"] == 0
    assert f"Watched already, so no second watch was added: {home} (as {HOME})" in " ".join(again.stderr.split())
    assert len(json.loads(called("watches", "list").stdout)["watches"]) == 1


def test_the_requests_do_what_the_page_says(web: str, bash: Bash, token: Token) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl on PATH")
    requests = REQUESTS.replace('\ncurl -sf "$URL', '\necho; curl -sf "$URL')
    printed = bash(f"URL={web} TOKEN={token('operator')}\n{requests}")
    made, listed = (json.loads(line)["data"] for line in printed.splitlines())
    assert (made["new"], made["watches"][0]["target"]) == (1, HOME)
    assert [watch["id"] for watch in listed["watches"]] == [made["watches"][0]["id"]]


def test_wrong_usage_is_explained(called: Propintel) -> None:
    for arguments, code, message in (
        (("add", HOME, "--every", "0"), 2, "greater than or equal to 1"),
        (("add", "nowhere"), 2, "nowhere"),
        (("add",), 2, "no target given"),
        (("add", "0" * 32), 1, "There is no property 0000"),
        (("remove", HOME), 1, f"There is no watch {HOME}"),
    ):
        ran = called("watches", *arguments)
        assert (ran.returncode, message in " ".join(ran.stderr.split())) == (code, True), ran.stderr
