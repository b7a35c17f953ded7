"""Run the commands and the program of docs/http-api.md."""

import json
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.property.source_record import SourceRecord
from app.services.runtime.stores import Stores
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record

from .conftest import Bash, Token

GUIDE = (Path(__file__).parents[3] / "docs" / "http-api.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("broker")
def test_the_commands_enqueue_a_list_once_and_print_its_jobs(web: str, bash: Bash, token: Token) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl on PATH")
    setting, me, enqueue, listing, *_actions = re.findall(r"```bash\n(.*?)```", GUIDE, re.S)
    assert "URL=http://localhost:8000" in setting
    ran = bash(f"URL={web} TOKEN={token('operator')}\n{me}\necho\n{enqueue}\necho\n{listing}")
    about, answers, *jobs = ran.splitlines()
    assert json.loads(about)["data"]["subject"] == "tester"
    first, second = answers[: len(answers) // 2], answers[len(answers) // 2 :]
    assert first == second
    assert jobs == [f"{job_id} queued" for job_id in json.loads(first)["data"]["jobs"]]


def _record(n: int, price: int) -> SourceRecord:
    at, url = datetime(2026, 1, 1, tzinfo=UTC), f"http://homes.example/{n}"
    return page_record(url, {"ListPrice": price}, at, f"{price:064x}")


@pytest.mark.usefixtures("broker")
def test_the_program_keeps_a_copy_up_to_date(web: str, token: Token, stores: Stores) -> None:
    program, _client = re.findall(r"```python\n(.*?)```", GUIDE, re.S)
    names: dict[str, Any] = {}
    exec(compile(program.replace('"limit": 1000', '"limit": 2'), "http-api.md", "exec"), names)  # noqa: S102 (our text)
    copy: dict[str, dict[str, Any]] = {}
    ids = [save_record(stores.properties, _record(n, n)) for n in range(1, 6)]
    since = names["synchronize"](web, token("reader"), copy, None)
    assert list(copy) == ids
    save_record(stores.properties, _record(2, 99))
    copy_before = {name: dict(found) for name, found in copy.items()}
    names["synchronize"](web, token("reader"), copy, since)
    changed = [name for name in copy if copy[name] != copy_before[name]]
    assert (changed, copy[ids[1]]["record"]["ListPrice"]) == ([ids[1]], 99)
