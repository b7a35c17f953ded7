"""On the job pages, a user enqueues a pasted list, opens a resulting property, and cancels and retries jobs."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from app.redis.embedded_valkey import EmbeddedValkey
from tests.integration.interfaces.conftest import Environment, Propintel, Token
from tests.integration.interfaces.pages.conftest import SignIn

KEY = "sk-proj-" + "k" * 40


def _enqueue(called: Propintel, *targets: str) -> dict[str, Any]:
    return json.loads(called("enqueue", *targets, "--format", "json").stdout)


@pytest.fixture
def working_key(
    environment: Environment, start_openai: Callable[[dict[str, Any]], str], request: pytest.FixtureRequest
) -> None:
    environment["OPENAI_API_KEYS"] = KEY
    environment["OPENAI_BASE_URL"] = start_openai({"keys": [{"key": KEY, "rpm": 600}]})
    request.getfixturevalue("worker")


@pytest.mark.usefixtures("working_key")
def test_a_list_becomes_an_estimate_a_batch_and_a_property(
    site: str, signed_in: SignIn, screenshot: Callable[[Page, str], Path]
) -> None:
    page = signed_in("operator", "/enqueue")
    page.get_by_label("URLs of property pages").fill(f"# two homes\n{site}/homes/1\n{site}/homes/2\n{site}/homes/2\n")
    screenshot(page, "enqueue")
    page.get_by_role("button", name="Estimate").click()

    expect(page.get_by_role("heading", name="Estimate")).to_be_visible()
    expect(page.get_by_text("3 targets: 2 jobs, 1 duplicate. About 2 pages, 2 calls of gpt-4.1-mini")).to_be_visible()
    expect(page.get_by_text("unknown until a key has been used")).to_be_visible()
    screenshot(page, "estimate")
    page.get_by_role("button", name="Enqueue 2 jobs").click()

    page.wait_for_url(re.compile(r"/batches/[0-9a-f]{32}$"))
    page.evaluate("window.untouched = true")
    expect(page.get_by_role("status").filter(has_text="All 2 jobs finished.")).to_be_visible(timeout=200_000)
    assert page.evaluate("window.untouched") is True, "the page was reloaded"
    screenshot(page, "batch")
    page.get_by_role("link", name=re.compile("^All ")).click()
    screenshot(page, "jobs")
    page.locator("td a[href^='/properties/']").first.click()

    page.wait_for_url(re.compile(r"/properties/[0-9a-f]{32}$"))
    price = page.get_by_role("button", name=re.compile("^Asking price: "))
    quote = page.locator("#proof-ListPrice q")
    expect(quote).to_be_hidden()
    price.hover()
    expect(quote).to_be_visible()
    page.keyboard.press("Escape")
    expect(quote).to_be_hidden()
    price.focus()
    page.keyboard.press("Enter")
    expect(quote).to_be_visible()
    assert quote.inner_text().strip()
    expect(page.locator("#proof-ListPrice")).to_contain_text("Confidence")
    expect(page.locator("#proof-ListPrice")).to_contain_text(site)
    screenshot(page, "property")


@pytest.mark.usefixtures("broker")
def test_a_user_can_cancel_and_retry_jobs(signed_in: SignIn, called: Propintel) -> None:
    made = _enqueue(called, "http://homes.example/1", "http://homes.example/2")
    page = signed_in("operator", "/jobs")
    row = page.locator(f"#job-{made['jobs'][0]}")
    expect(row).to_contain_text("queued")
    row.get_by_role("button", name="Cancel").click()
    expect(row).to_contain_text("canceled")
    assert "/jobs#job-" in page.url
    row.get_by_role("button", name="Retry").click()
    expect(row).to_contain_text("queued")

    page.goto(page.url.split("#")[0].replace("/jobs", f"/batches/{made['batch']}"))
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Cancel the batch").click()
    expect(page.get_by_text("0 of 2 jobs finished.")).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel the batch").click()
    expect(page.get_by_text("All 2 jobs finished.")).to_be_visible()


def test_a_new_job_appears_without_a_reload_and_stale_data_is_marked(
    signed_in: SignIn, called: Propintel, broker: EmbeddedValkey
) -> None:
    page = signed_in("reader", "/jobs")
    expect(page.get_by_text("No jobs yet.")).to_be_visible()
    page.evaluate("window.untouched = true")
    _enqueue(called, "http://homes.example/1")
    expect(page.get_by_role("link", name="http://homes.example/1")).to_be_visible()
    assert page.evaluate("window.untouched") is True
    assert page.get_by_role("button", name=re.compile("Cancel")).count() == 0, "a reader sees a button to cancel"
    broker.stop()
    expect(page.locator("#stale")).to_be_visible()
    broker.start()
    expect(page.locator("#stale")).to_be_hidden()


@pytest.mark.usefixtures("broker")
def test_addresses_and_files_are_estimated_and_bad_lists_shown_again(signed_in: SignIn) -> None:
    page = signed_in("operator", "/enqueue")
    page.get_by_label("URLs of property pages").fill("http://homes.example/1\nfoo bar\n")
    page.get_by_role("button", name="Estimate").click()
    expect(page.get_by_role("alert")).to_contain_text("your list line 2: 'foo bar'")
    expect(page.get_by_label("URLs of property pages")).to_have_value("http://homes.example/1\nfoo bar\n")
    table = b"id,url\n1,http://homes.example/1\n2,http://homes.example/2\n"
    page.get_by_label("Or a file").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": table})
    page.get_by_role("button", name="Estimate").click()
    expect(page.get_by_role("button", name="Enqueue 2 jobs")).to_be_visible()
    page.goto(page.url.replace("/estimate", ""))
    page.get_by_label("or addresses").fill("12 Main Street, Anytown ST 00000\n12 MAIN ST, ANYTOWN, ST 00000\n")
    page.get_by_role("button", name="Estimate").click()
    expect(page.get_by_text("2 targets: 1 job, 1 duplicate. About 0 pages")).to_be_visible()
    page.get_by_role("button", name="Enqueue 1 job").click()
    page.wait_for_url(re.compile(r"/batches/[0-9a-f]{32}$"))
    page.get_by_role("link", name=re.compile("^All ")).click()
    expect(page.get_by_role("link", name="12 MAIN ST, ANYTOWN, ST 00000")).to_be_visible()


@pytest.mark.usefixtures("broker")
class TestForms:
    """An unusual form submission is accepted once, or rejected with an HTML error page."""

    @pytest.fixture
    def client(self, web: str, token: Token) -> Any:
        with httpx2.Client(base_url=web, trust_env=False, timeout=300) as client:
            assert client.post("/sign-in", data={"token": token("operator")}).status_code == 303
            yield client

    def _csrf(self, client: httpx2.Client) -> str:
        return re.search(r'name="csrf" value="([^"]+)"', client.get("/enqueue").text)[1]

    def test_a_form_enqueues_once_and_its_targets_are_shown_as_text(self, client: httpx2.Client) -> None:
        target = "http://homes.example/?q=<script>alert(1)</script>'\""
        sent = {"csrf": self._csrf(client), "targets": target, "key": "0" * 32}
        first, again = client.post("/enqueue", data=sent), client.post("/enqueue", data=sent)
        assert first.status_code == again.status_code == 303
        assert first.headers["location"] == again.headers["location"]
        assert "<script>alert" not in client.get("/jobs").text

    def test_a_list_of_megabytes_is_accepted(self, client: httpx2.Client) -> None:
        targets = "\n".join(f"http://homes.example/{'x' * 230}/{number}" for number in range(9_000))
        assert len(targets) > 2_000_000
        fields = {name: (None, value) for name, value in {"csrf": self._csrf(client), "text": targets}.items()}
        answer = client.post("/enqueue/estimate", files=fields, timeout=300)
        assert answer.status_code == 200, answer.text[:2_000]
        assert "Enqueue 9,000 jobs" in answer.text

    def test_errors_are_pages(self, client: httpx2.Client) -> None:
        odd = [(f"/{path}=odd", 422) for path in ("jobs?state", "jobs?cursor", "watches?status", "watches?cursor")]
        odd += [(path, 422) for path in ("/jobs?stat=failed", "/properties?state=Active", "/properties?status=Activ")]
        odd += [(path, 422) for path in ("/jobs?state=done&state=failed", "/batches?state=done", "/watches?limit=5")]
        for path, status in [("/jobs/nothing", 404), *odd]:
            answer = client.get(path)
            assert answer.status_code == status
            assert answer.headers["content-type"].startswith("text/html")
            assert 'role="alert"' in answer.text
        for path in (
            "/jobs?utm_source=mail&fbclid=x",
            "/properties?q=&status=&utm_medium=x",
            "/properties?status=active",
        ):
            assert client.get(path).status_code == 200
        csrf = self._csrf(client)
        for sent in ({"text": "https://homes.example/1", "interval_days": "0"}, {}):
            assert client.post("/watches", data={"csrf": csrf, **sent}).status_code == 422
        assert client.post(f"/watches/{'0' * 32}/remove", data={"csrf": csrf}).status_code == 404
