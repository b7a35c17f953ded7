"""`propintel purge` counts what it would remove, and with `--yes` removes it."""

import json
from datetime import UTC, datetime

import pytest

from app.property.page import Page
from app.property.storage.pages.repository import PageStore
from app.services.runtime.stores import Stores

from .conftest import Propintel

URL = "https://homes.example/h/48213"


@pytest.fixture(autouse=True)
def page(stores: Stores) -> None:
    page = Page(URL, URL, "text/html", "<p>A. Agent</p>", b"<p>A. Agent</p>", datetime(2026, 1, 1, tzinfo=UTC))
    PageStore(stores.database).save_page(page)


def test_purge_only_counts_without_confirmation(called: Propintel) -> None:
    counted = called("purge", "--url", URL)
    assert counted.returncode == 0, counted.stderr
    data = json.loads(counted.stdout)
    assert (data["dry_run"], data["removed"]["blobs"], data["wiped"]) == (True, 1, False)
    assert "Add --yes" in counted.stderr
    assert "blobs" in called("purge", "--url", URL, "--format", "table").stdout
    done = called("purge", "--host", "homes.example", "--yes")
    assert json.loads(done.stdout)["removed"] == data["removed"]
    assert json.loads(done.stdout)["wiped"] is True
    assert "Purge of a host by" in done.stderr
    assert "homes.example" not in done.stderr
    assert json.loads(called("purge", "--url", URL, "--yes").stdout)["removed"] == {}


@pytest.mark.parametrize(
    "arguments",
    [(), ("--url", URL, "--host", "homes.example"), ("--url", "12 Oak St"), ("--host", "com"), ("--person", "Cher")],
)
def test_an_unclear_purge_is_wrong_usage(called: Propintel, arguments: tuple[str, ...]) -> None:
    ran = called("purge", *arguments, "--yes")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert json.loads(called("purge", "--url", URL).stdout)["removed"]["blobs"] == 1


def test_a_person_is_counted_and_then_removed(called: Propintel, stores: Stores) -> None:
    """The page's body and text are the same stored blob. Afterwards, no message and no file contains the name."""
    page = "<p>Call QUACKENBUSH OTTILIE or Ottilie Quackenbush, not Ottilie Vandermolen.</p>"
    pages = PageStore(stores.database)
    pages.save_page(Page(URL, URL, "text/html", page, page.encode(), datetime(2026, 1, 2, tzinfo=UTC)))
    counted = json.loads(called("purge", "--person", "Quackenbush, Ottilie").stdout)
    assert (counted["kind"], counted["removed"]["blobs"]) == ("person", 1)
    done = called("purge", "--person", "Ottilie Quackenbush", "--yes")
    expected = {"kind": "person", "dry_run": False, "removed": counted["removed"], "wiped": True}
    assert json.loads(done.stdout) == expected
    assert "Purge of a person by" in done.stderr
    assert "uackenbush" not in done.stderr
    assert called("enqueue", "https://a.example/ottilie-quackenbush").returncode == 2
    files = [path.read_bytes() for path in stores.settings.state.propintel_home.rglob("*") if path.is_file()]
    assert files
    assert not any(b"uackenbush" in held for held in files)
