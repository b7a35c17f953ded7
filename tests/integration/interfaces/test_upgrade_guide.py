"""Run the commands of docs/runbooks/upgrade.md, which import the data of a version before 1.0."""

import json
import re
import shutil
from pathlib import Path

import pytest

from .conftest import Bash, Propintel

GUIDE = (Path(__file__).parents[3] / "docs" / "runbooks" / "upgrade.md").read_text(encoding="utf-8")
PAGES = ["https://www.example.com/homes/1", "https://www.example.com/homes/2", "https://other.example.com/9"]


@pytest.mark.usefixtures("broker")
def test_exports_of_an_old_version_are_enqueued_and_watched(bash: Bash, called: Propintel, home: Path) -> None:
    if shutil.which("jq") is None:
        pytest.skip("no jq on PATH")
    properties = [{"property": "a", "sources": PAGES[:2]}, {"property": "b", "sources": PAGES[1:]}]
    (home / "properties.jsonl").write_text("".join(f"{json.dumps(item)}\n" for item in properties), encoding="utf-8")
    (home / "watches.json").write_text(json.dumps({"watches": [{"target": PAGES[0]}, {"target": PAGES[2]}]}))
    (commands,) = re.findall(r"```bash\n((?:(?!```).)*enqueue --file.*?)```", GUIDE, re.S)
    bash(commands)
    jobs = json.loads(called("jobs", "list", "--format", "json").stdout)["jobs"]
    assert sorted(job["target"] for job in jobs) == sorted(PAGES)
    watches = json.loads(called("watches", "list", "--format", "json").stdout)["watches"]
    assert sorted(item["target"] for item in watches) == sorted([PAGES[0], PAGES[2]])
