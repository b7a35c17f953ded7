"""The simulated county over HTTP, and the program that starts it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from simulators.county.serving import RunningCounty
from simulators.county.sites import SITES

_REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def running() -> Iterator[RunningCounty]:
    with RunningCounty() as county:
        yield county


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(trust_env=False, timeout=300) as client:
        yield client


def test_every_open_page_is_served_and_blocked_pages_are_blocked(running: RunningCounty, client: httpx2.Client) -> None:
    walls = 0
    for number in range(1, 201, 7):
        for page in running.county.pages[number]:
            answer = client.get(running.roots[page.site.key] + page.path)
            assert answer.status_code == (403 if page.blocked else 200), page.path
    for page in running.county.every_page.values():
        if page.blocked:
            walls += 1
            answer = client.get(running.roots[page.site.key] + page.path)
            assert answer.status_code == 403
            assert "Verify you are human" in answer.text
            assert str(page.says["YearBuilt"]) not in answer.text
    assert walls == 5


def test_one_site_forbids_all_of_it_and_only_one(running: RunningCounty, client: httpx2.Client) -> None:
    forbidding = [
        site.key
        for site in SITES
        if "Disallow: /\n" in client.get(f"{running.roots[site.key]}/robots.txt", follow_redirects=False).text
    ]
    assert forbidding == ["vault"]


def test_a_lookup_leads_to_the_property_or_lists_what_it_found(running: RunningCounty, client: httpx2.Client) -> None:
    root = running.roots["hearth"]
    one = client.get(f"{root}/lookup", params={"address": "12 Fictional Avenue", "zip": "00000"})
    assert one.headers["location"] == "/homes/st/anytown/12-fictional-ave-00000"
    several = client.get(f"{root}/lookup", params={"address": "12 Fictional"})
    assert several.status_code == 200
    assert several.text.count('class="result"') > 1
    none = client.get(f"{root}/lookup", params={"address": "9 Nowhere"})
    assert "No properties matched" in none.text


def test_requests_to_a_site_are_counted_except_robots_txt(running: RunningCounty, client: httpx2.Client) -> None:
    before = running.server.asked["rumors"]
    client.get(f"{running.roots['rumors']}/robots.txt")
    assert running.server.asked["rumors"] == before
    assert "thatched" in client.get(f"{running.roots['rumors']}/rumors/12-fictional-ave").text
    assert running.server.asked["rumors"] == before + 1


def test_a_site_does_not_serve_another_sites_pages(running: RunningCounty, client: httpx2.Client) -> None:
    parcel = running.county.homes[0].parcel
    assert client.get(f"{running.roots['assessor']}/card/{parcel}").status_code == 200
    assert client.get(f"{running.roots['tax_roll']}/card/{parcel}").status_code == 404


def test_the_program_writes_its_files_and_prints_instructions(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "simulators.county", "--port", "0", "--folder", str(tmp_path)]
    started = subprocess.Popen(command, cwd=_REPOSITORY, stdout=subprocess.PIPE, text=True)
    timer = threading.Timer(60, started.kill)
    timer.start()
    try:
        assert started.stdout is not None
        output = ""
        while not output.endswith("Ctrl-C ends it.\n"):
            line = started.stdout.readline()
            assert line, output
            output += line
        env = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
        with httpx2.Client(trust_env=False, timeout=300) as client:
            models = client.get(
                f"{env['OPENAI_BASE_URL']}/models",
                headers={"Authorization": f"Bearer {env['OPENAI_API_KEYS'].split(',')[0]}"},
            )
            rows = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
            page = client.get(rows[0]["pages"][0]["url"])
        assert models.status_code == 200
        assert len(rows) == 200
        assert page.status_code == 200
        assert rows[0]["truth"]["ParcelNumber"] in page.text
        assert f'scrape "{rows[0]["address"]}" --format table' in output
        assert env["SOURCES_FILE"] == str(tmp_path / "sources.toml")
        started.send_signal(signal.SIGTERM)
        assert started.wait(120) == 0
    finally:
        timer.cancel()
        if started.poll() is None:
            started.kill()
        started.communicate()
