"""No host name or public page of a stranger leads a fetcher to an internal address.

Names may be aliases, have public and internal addresses, embed addresses in IPv6, or rebind. A network that the
operator allows is reachable by the operator's own URLs, never through a public page.
"""

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
from app.property.storage.pages.repository import PageStore
from tasks._celery.publish import send_jobs
from tests.plugins.network_namespace import ROOT, run_isolated
from tests.security import strangers
from tests.security.strangers import FACTS, INSIDE, PUBLIC, PUBLIC_6

pytestmark = pytest.mark.timeout(900)

Seen = dict[str, Any]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("seen")
    run_isolated(strangers.__name__, str(folder), shutil.which("chromium") or "", timeout_seconds=580)
    found: Seen = json.loads((folder / "seen.json").read_text())
    return found


def test_honest_names_are_fetched(seen: Seen) -> None:
    for name in strangers.HONEST:
        outcome, reached = seen["guarded"][name]
        assert outcome == "fetched", name
        assert set(reached) <= {PUBLIC, PUBLIC_6}
        assert len(reached) == 2, "expected a connection for robots.txt and one for the page"


def test_no_dns_answer_leads_to_an_internal_address(seen: Seen) -> None:
    """Each of these names is blocked and no connection is opened, even if the answer also has a public address."""
    for name in set(strangers.RECORDS) - set(strangers.HONEST):
        assert seen["guarded"][name] == ["blocked_address", []], name


def test_a_name_that_changes_its_answer_reaches_the_checked_address_or_nothing(seen: Seen) -> None:
    """Cached answers give robots.txt and the page the same checked address. A later request gets an internal address
    and is blocked.
    """
    for name in strangers.REBINDS:
        assert seen["guarded"][name] == ["fetched", [PUBLIC, PUBLIC]], name
        assert seen["later"][name] == ["blocked_address", []], name


def test_names_that_do_not_resolve_are_reported(seen: Seen) -> None:
    for name in strangers.DEAD:
        assert seen["guarded"][name] == ["name_not_resolved", []], name


def test_without_a_guard_the_hostile_names_lead_inside(seen: Seen) -> None:
    """This proves that the test network works: a client without the guard reaches the internal addresses."""
    for name in [*strangers.REACHABLE_WITHOUT_A_GUARD, *strangers.REBINDS]:
        outcome, reached = seen["naive"][name]
        assert outcome == "fetched", name
        assert set(reached) <= {INSIDE, strangers.INSIDE_6}, name
        assert reached, name


@pytest.mark.parametrize("way", ["redirect", "refresh", "chain"])
def test_no_public_page_leads_into_an_allowed_network(seen: Seen, way: str) -> None:
    assert seen["became"][f"http://{PUBLIC}/{way}"] == "blocked_address"
    assert f"/by-{way}" not in seen["inside"]


@pytest.mark.parametrize("way", ["script", "load"])
def test_no_rendered_page_leads_into_an_allowed_network(seen: Seen, way: str) -> None:
    """A rendered page can neither navigate to the allowed network nor load from it."""
    url = f"http://{PUBLIC}/{way}"
    if url not in seen["became"]:
        pytest.skip("no Chromium: install Debian's package chromium")
    assert seen["became"][url] == ("blocked_address" if way == "script" else url)
    assert f"/by-{way}" not in seen["inside"]


def test_a_name_that_rebinds_between_page_and_robots_reaches_nothing(seen: Seen) -> None:
    assert seen["became"]["http://turns.example/home"] == "blocked_address"


def test_an_internal_url_of_the_user_is_fetched(seen: Seen) -> None:
    """Redirects within the internal network are followed. A redirect from a public page into it is blocked."""
    became = seen["became"]
    assert became[f"http://{INSIDE}/"] == became[f"http://{INSIDE}/moved"] == f"http://{INSIDE}/"
    assert became[f"http://{INSIDE}/out"] == "blocked_address"
    assert seen["inside"] == ["/robots.txt", "/", "/moved", "/", "/out"]


def test_search_results_lead_inside_only_on_the_searchs_own_host(make_fleet: Callable[..., Any], site: Any) -> None:
    """The search leads to one URL on its own host and to one on another host name of this machine.

    `tests/security/test_opened_networks.py` has other ports and schemes, and names that rebind.
    """
    fleet = make_fleet()
    asked_for = site.page("/1", FACTS.encode())
    led_to = site.page("/2", FACTS.encode()).replace("127.0.0.1", "localhost")
    (search,) = fleet.stores.jobs.enqueue([site.page("/search", FACTS.encode())]).new
    job = fleet.stores.jobs.claim(search, "walker", 30)
    PageStore(fleet.stores.database).open_origin(site.base)  # as the search's own visit does
    found = finish_search(
        fleet.stores.database, Lease(job.id, "walker"), Walked([asked_for, led_to], {}, 1, "last_page")
    )
    assert found is not None
    send_jobs(fleet.app, fleet.stores.jobs, found)
    fleet.start_worker(concurrency=1)
    ended = fleet.wait_for_state([one.id for one in found], "done", "failed")
    became = {job.target: job.error["code"] if job.error else job.state for job in ended}
    assert became == {asked_for: "done", led_to: "blocked_address"}


def test_the_demo_allows_only_its_own_site() -> None:
    settings = dotenv_values(ROOT / "deploy/demo.env")
    files = [Path(ROOT, name) for name in str(settings["COMPOSE_FILE"]).split(":")]
    demo = yaml.safe_load(files[-1].read_text().replace("${DEMO_NETWORK:-10.216.30}", "10.216.30"))
    (opened,) = [ip_network(part) for part in str(settings["FETCH_ALLOWED_PRIVATE_NETWORKS"]).split(",")]
    address = demo["services"]["site"]["networks"]["demo"]["ipv4_address"]
    (pool,) = demo["networks"]["demo"]["ipam"]["config"]
    assert opened == ip_network(f"{address}/32")
    assert ip_address(address) in ip_network(pool["subnet"])
    assert ip_address(address) not in ip_network(pool["ip_range"]), "another container could get this address"
    assert files[0].name == "docker-compose.yml"
