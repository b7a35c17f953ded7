"""The browsers of a prefork worker's children render the jobs' pages and end with the worker."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest

from tests.integration.fetch.browser.conftest import drawing, shell
from tests.integration.fetch.conftest import Site


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site("127.0.0.1")
    site.start()
    yield site
    site.stop()


def test_a_prefork_worker_renders_the_pages_of_its_jobs(make_fleet: Any, site: Site) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium: install Debian's package chromium")
    sandbox = "false" if os.geteuid() == 0 else "true"
    fleet = make_fleet(FETCH_BROWSER_PATH=chromium, FETCH_BROWSER_SANDBOX=sandbox)
    worker = fleet.start_worker(concurrency=2)
    targets = [
        site.page(
            f"/homes/{n}", shell(drawing(f"<h1>{n} Elm Street, Springfield, IL 62704</h1><p>Price: $250,00{n}</p>"))
        )
        for n in range(4)
    ]
    jobs = fleet.wait_for_state(fleet.send(*targets), "done", "failed", seconds=150)
    assert [job.state for job in jobs] == ["done"] * 4, fleet.describe([job.id for job in jobs])
    shown = [fleet.stores.properties.get(job.property_id) for job in jobs]
    assert [shown_property["record"]["ListPrice"] for shown_property in shown] == [250_000, 250_001, 250_002, 250_003]
    assert all(shown_property["evidence"]["ListPrice"]["rendered"] for shown_property in shown)
    browsers = [
        process
        for process, line in _commands_below(worker.process.pid).items()
        if "app.property.fetch.browser.chromium" in line
    ]
    assert 1 <= len(browsers) <= 2, "there is not one browser for each child that renders"
    chromiums = [child for browser in browsers for child in _commands_below(browser.pid)]
    assert chromiums
    fleet.supervisor.stop_child(worker)
    fleet.until(lambda: not any(map(_is_alive, (*browsers, *chromiums))), 20)


def _commands_below(pid: int) -> dict[psutil.Process, list[str]]:
    found = {}
    for process in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # the process may have ended or be a zombie
            found[process] = process.cmdline()
    return found


def _is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
