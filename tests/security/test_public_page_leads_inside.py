"""A network that the operator opened is open to his own URLs, never to where a public page leads."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from app.property.storage.jobs.found import Walked, finish_search
from app.property.storage.jobs.leases import Lease
from tasks._celery.publish import send_jobs
from tests.plugins.network_namespace import ROOT, run_isolated
from tests.security import public_and_inside
from tests.security.public_and_inside import FACTS, INSIDE, PUBLIC

Seen = dict[str, Any]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("seen")
    run_isolated(public_and_inside.__name__, str(folder), shutil.which("chromium") or "", timeout_seconds=100)
    found: Seen = json.loads((folder / "seen.json").read_text())
    return found


@pytest.mark.parametrize("way", ["redirect", "refresh", "chain"])
def test_no_public_page_leads_into_an_opened_network(seen: Seen, way: str) -> None:
    assert seen["became"][f"http://{PUBLIC}/{way}"] == "blocked_address"
    assert f"/by-{way}" not in seen["inside"]


@pytest.mark.parametrize("way", ["script", "load"])
def test_nor_does_one_that_a_browser_draws(seen: Seen, way: str) -> None:
    """Neither by going there nor by loading from there."""
    url = f"http://{PUBLIC}/{way}"
    if url not in seen["became"]:
        pytest.skip("no Chromium: install Debian's package chromium")
    assert seen["became"][url] == ("blocked_address" if way == "script" else url)
    assert f"/by-{way}" not in seen["inside"]


def test_a_name_that_turns_inside_between_page_and_robots_leads_nowhere(seen: Seen) -> None:
    assert seen["became"]["http://turns.example/home"] == "blocked_address"


def test_who_asks_for_the_inside_gets_it(seen: Seen) -> None:
    """And its own redirects; but not by way of a public page."""
    became = seen["became"]
    assert became[f"http://{INSIDE}/"] == became[f"http://{INSIDE}/moved"] == f"http://{INSIDE}/"
    assert became[f"http://{INSIDE}/out"] == "blocked_address"
    assert seen["inside"] == ["/robots.txt", "/", "/moved", "/", "/out"]


def test_listings_of_a_search_lead_inside_on_its_own_host_only(make_fleet: Callable[..., Any], site: Any) -> None:
    """What a search found is a job of its own, and still nothing that anybody asked for."""
    fleet = make_fleet()
    asked_for = site.page("/1", FACTS.encode())
    led_to = site.page("/2", FACTS.encode()).replace("127.0.0.1", "localhost")
    (search,) = fleet.stores.jobs.enqueue([site.page("/search", FACTS.encode())]).new
    job = fleet.stores.jobs.claim(search, "walker", 30)
    found = finish_search(
        fleet.stores.database, Lease(job.id, "walker"), Walked([asked_for, led_to], {}, 1, "last_page")
    )
    assert found is not None
    send_jobs(fleet.app, fleet.stores.jobs, found)
    fleet.start_worker(concurrency=1)
    ended = fleet.wait_for_state([one.id for one in found], "done", "failed")
    became = {job.target: job.error["code"] if job.error else job.state for job in ended}
    assert became == {asked_for: "done", led_to: "blocked_address"}


def test_the_demo_opens_its_own_site_and_nothing_else() -> None:
    """One address, which the demo's compose file gives to the site with the invented pages."""
    settings = dotenv_values(ROOT / "deploy/demo.env")
    files = [Path(ROOT, name) for name in str(settings["COMPOSE_FILE"]).split(":")]
    demo = yaml.safe_load(files[-1].read_text().replace("${DEMO_NETWORK:-10.216.30}", "10.216.30"))
    (opened,) = [ip_network(part) for part in str(settings["FETCH_ALLOWED_PRIVATE_NETWORKS"]).split(",")]
    address = demo["services"]["site"]["networks"]["demo"]["ipv4_address"]
    (pool,) = demo["networks"]["demo"]["ipam"]["config"]
    assert opened == ip_network(f"{address}/32")
    assert ip_address(address) in ip_network(pool["subnet"])
    assert ip_address(address) not in ip_network(pool["ip_range"]), "no other container may be given it"
    assert files[0].name == "docker-compose.yml"
