"""Run the commands of docs/changes.md, over HTTP and in the terminal."""

import json
import re
import shutil
from pathlib import Path

import pytest

from app.property.merging.changes import PUBLISHED_FIELDS
from app.property.storage.watches.changes import ChangeStore
from app.services.runtime.stores import Stores

from .conftest import Bash, Propintel, Token
from .test_crm_examples import cut_prices

GUIDE = (Path(__file__).parents[3] / "docs" / "changes.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("broker")
def test_the_commands_follow_the_feed(web: str, bash: Bash, token: Token, stores: Stores) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl on PATH")
    first, asking = re.findall(r"```bash\n(.*?)```", GUIDE, re.S)
    latest, table = first.strip().splitlines()
    for day in range(2):
        cut_prices(stores, day)
    assert bash(latest) == ""
    change = cut_prices(stores, 2, homes=1)[-1]
    answer = json.loads(bash(f"URL={web} TOKEN={token('reader')}\n{asking}"))
    cursor = ChangeStore(stores.database).since("latest").next_since
    assert answer["data"] == {"changes": [change.as_json()], "next_since": cursor, "has_more": False}
    shown = json.loads(bash(f"{table} --format json"))
    assert shown == {**answer["data"], "webhook": {"pending": 0, "oldest_at": None, "error": None}}
    by_table = bash(f"{table} --format table")
    assert "Asking price" in by_table
    assert f"--since {cursor}" in by_table


def test_the_page_names_the_published_fields() -> None:
    (paragraph,) = re.findall(r"^## What is published\n\n(.*?)\. `CHANGES_FIELDS`", GUIDE, re.S | re.M)
    assert set(re.findall(r"`(\w+)`", paragraph)) == set(PUBLISHED_FIELDS)


def test_a_cursor_of_another_list_is_refused(called: Propintel) -> None:
    ran = called("changes", "--since", "nonsense")
    assert ran.returncode == 2
    assert "not a `next_since` of this command" in ran.stderr
