"""`propintel purge` on a database of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.property.page import Page
from app.property.store import PageStore
from app.services.stores import Stores, open_stores
from app.settings import Settings

from .conftest import Propintel

URL = "https://homes.example/h/48213"


@pytest.fixture
def stores(home: Path) -> Iterator[Stores]:
    """The database that the command works on, with one page in it."""
    with open_stores(Settings(_env_file=None, propintel_home=home / "state")) as opened:
        page = Page(URL, URL, "text/html", "<p>A. Agent</p>", b"<p>A. Agent</p>", datetime(2026, 1, 1, tzinfo=UTC))
        PageStore(opened.database).save_page(page)
        yield opened


def test_it_counts_unless_told_to_do_it(called: Propintel, stores: Stores) -> None:
    counted = called("purge", "--url", URL)
    assert counted.returncode == 0, counted.stderr
    data = json.loads(counted.stdout)
    assert (data["dry_run"], data["removed"]["bodies"], data["wiped"]) == (True, 1, False)
    assert "add --yes" in counted.stderr
    done = called("purge", "--host", "homes.example", "--yes")
    assert json.loads(done.stdout)["removed"] == data["removed"]
    assert json.loads(done.stdout)["wiped"] is True
    assert "Purge of a host by" in done.stderr
    assert "homes.example" not in done.stderr
    table = called("purge", "--url", URL, "--yes", "--format", "table").stdout
    assert "model answers" in table


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--url", URL, "--host", "homes.example"),
        ("--url", "12 Oak St"),
        ("--host", "com"),
        ("--person", "A. Agent"),
    ],
)
def test_what_is_not_clear_is_wrong_usage(called: Propintel, stores: Stores, arguments: tuple[str, ...]) -> None:
    ran = called("purge", *arguments, "--yes")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert json.loads(called("purge", "--url", URL).stdout)["removed"]["bodies"] == 1
