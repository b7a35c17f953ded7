"""The terminal and the HTTP API show the same tried sources and the same cost estimates."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.errors.targets import NoSourceError
from app.property.presenting.attempts import sources_in_words
from app.property.record import SourceKind
from app.property.storage.jobs.models import JobAttempt
from app.services.runtime.stores import Stores
from benchmarks.saving import save_record
from tests.integration.interfaces.test_property_decisions import ADDRESS, A, page
from tests.plugins.job_ends import finish, put_tried

from .conftest import Propintel, Token

TARGET = "12 FICTIONAL AVE, ANYTOWN, ST 00000"
TRIED = [
    JobAttempt("Assessor", SourceKind.ASSESSOR, A, "used", f"its address is {TARGET}"),
    JobAttempt("Deeds", SourceKind.TAX_ROLL, "https://deeds.example/7", "robots_disallowed", "robots.txt forbids it"),
    JobAttempt("web search", None, None, "not_asked", "it is turned off in sources.toml"),
]


@pytest.fixture
def done(stores: Stores) -> tuple[str, str]:
    job_id = stores.jobs.enqueue([TARGET]).jobs[0].id
    stores.jobs.claim(job_id, "test", 30)
    home = save_record(stores.properties, page(A, SourceKind.ASSESSOR, YearBuilt=1987, **ADDRESS))
    put_tried(stores.database, job_id, TRIED, datetime.now(UTC))
    finish(stores.jobs, job_id, "test", home)
    return job_id, home


@pytest.fixture
def client(web: str, token: Token) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {token('operator')}"}
    with httpx2.Client(timeout=120, base_url=web, headers=headers) as opened:
        yield opened


def _data(answer: httpx2.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def test_every_interface_shows_the_sources_tried(
    called: Propintel, done: tuple[str, str], client: httpx2.Client
) -> None:
    job_id, home = done
    expected = [attempt.as_json() for attempt in TRIED]
    assert json.loads(called("jobs", "show", job_id).stdout)["tried"] == expected
    assert json.loads(called("properties", "show", home).stdout)["tried"] == expected
    assert _data(client.get(f"/api/v1/jobs/{job_id}"))["tried"] == expected
    assert _data(client.get("/api/v1/jobs"))["jobs"][0]["tried"] == expected
    assert _data(client.get(f"/api/v1/properties/{home}"))["tried"] == expected
    for shown in (
        called("jobs", "show", job_id, "--format", "table"),
        called("properties", "show", home, "--all", "--format", "table"),
    ):
        assert "Sources tried" in shown.stdout
        assert "refused by robots.txt" in shown.stdout
        assert "turned off" in shown.stdout
    assert "1 of 3 sources used" in " ".join(called("jobs", "list", "--format", "table").stdout.split())


@pytest.mark.usefixtures("broker")
def test_jobs_show_what_they_found_and_results_in_words(
    called: Propintel, done: tuple[str, str], web: str, token: Token, stores: Stores
) -> None:
    """A finished job names its property, and a failed address groups its sources. URLs are only in the details."""
    job_id, home = done
    lost = stores.jobs.enqueue(["999 Nowhere Rd, Anytown, ST 00000"]).jobs[0].id
    stores.jobs.claim(lost, "test", 30)
    none = [JobAttempt(name, None, f"https://{name}.example/999", "no_such_property", "none") for name in "abcde"]
    put_tried(stores.database, lost, none, datetime.now(UTC))
    stores.jobs.fail(lost, NoSourceError("999 NOWHERE RD", sources_in_words(one.as_json() for one in none)))
    found = "12 Fictional Ave, Anytown, "
    missing = "No source has 999 NOWHERE RD (5 asked: all answered that they have no such property)."
    listed = " ".join(called("jobs", "list", "--format", "table").stdout.split())
    shown = " ".join(called("jobs", "show", job_id, "--format", "table").stdout.split())
    with httpx2.Client(base_url=web, trust_env=False, timeout=120) as client:
        assert client.post("/sign-in", data={"token": token("operator")}).status_code == 303
        jobs, job, failed = (unescape(client.get(path).text) for path in ("/jobs", f"/jobs/{job_id}", f"/jobs/{lost}"))
        property_page = unescape(client.get(f"/properties/{home}").text)
    for text in (shown, jobs, job):
        assert found in text
    for text in (jobs, failed):
        assert missing in text
    assert all(part in listed for part in ("12 Fictional Ave", "No source has 999", "5 asked"))
    assert "://a.example" not in listed + jobs
    assert "https://a.example/999" in failed
    for text in (shown, job, property_page):
        assert "refused by robots.txt" in text
        assert "robots_disallowed" not in text
        assert "not_asked" not in text


def test_both_interfaces_give_the_same_estimate_and_enqueue_nothing(
    called: Propintel, stores: Stores, client: httpx2.Client
) -> None:
    targets = [TARGET, "https://www.example.com/homes/1", "12 Fictional Avenue, Anytown, ST 00000"]
    answer = client.post("/api/v1/estimates", json={"targets": targets, "economy": True})
    estimate = _data(answer)
    assert (estimate["targets"], estimate["jobs"], estimate["pages"], estimate["without_source"]) == (3, 2, 1, 1)
    assert f"The job of {TARGET} would fail" in estimate["problem"]
    assert estimate["recent_jobs"] == {"urls": 0, "addresses": 0}
    printed = json.loads(called("enqueue", *targets, "--estimate", "--economy").stdout)
    assert {**printed, "skipped": []} == estimate
    assert sum(stores.jobs.counts().values()) == 0
    bad = client.post("/api/v1/estimates", json={"targets": ["Main St, Springfield"]})
    assert (bad.status_code, bad.json()["error"]["code"]) == (422, "invalid_target")


def test_a_page_that_was_scraped_by_its_url_has_the_name_of_the_sources_file(
    called: Propintel, stores: Stores, home: Path
) -> None:
    property_id = save_record(stores.properties, page(A, SourceKind.ASSESSOR, YearBuilt=1987, **ADDRESS))
    root = A.partition("://")[0] + "://" + A.partition("://")[2].partition("/")[0]
    template = f'[[area.source]]\nname = "Anytown Assessor"\nkind = "assessor"\nurl = "{root}/?a={{street_line}}"\n'
    (home / "state" / "sources.toml").write_text(f'[[area]]\nname = "Anytown"\nstate = "ST"\n{template}')
    for options in ((), ("--all",), ("--explain",), ("--explain", "YearBuilt")):
        shown = called("properties", "show", property_id, *options, "--format", "table")
        assert (shown.returncode, "Anytown Assessor" in shown.stdout) == (0, True), (options, shown.stdout)
    (home / "state" / "sources.toml").write_text("not toml")
    assert called("properties", "show", property_id, "--format", "table").returncode == 0
