"""Hostile values do no harm, and a page's refresh does not disturb keyboard focus or screen readers."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from app.property.storage.database import Database
from app.property.storage.keys.alerts import Alarm, AlertStore, Severity
from app.property.storage.properties.repository import PropertyStore
from benchmarks.saving import save_record
from tests.integration.interfaces.conftest import Propintel
from tests.integration.interfaces.pages.conftest import PHONE, SignIn, check_accessible, check_fits
from tests.plugins.page_records import page_record

pytestmark = pytest.mark.usefixtures("broker")
AT = datetime(2026, 1, 1, tzinfo=UTC)

#: JavaScript that records every change in a live region, because a screen reader would announce it.
_LISTEN = """() => {
    window.announced = [];
    const listen = (region) => new MutationObserver((changes) => {
        for (const change of changes) window.announced.push(`${change.type} in ${region.id || region.textContent}`);
    }).observe(region, {subtree: true, childList: true, characterData: true});
    document.querySelectorAll("[role=status], [role=alert], [aria-live]").forEach(listen);
}"""


def _save(database: Database, url: str, **values: Any) -> str:
    return save_record(PropertyStore(database), page_record(url, values, AT))


def _refresh(page: Page, times: int = 2) -> None:
    page.evaluate("() => { window.swaps = 0; document.addEventListener('htmx:after:swap', () => window.swaps++) }")
    page.wait_for_function("(times) => window.swaps >= times", arg=times)


def _enqueue(called: Propintel, *targets: str) -> dict[str, Any]:
    return json.loads(called("enqueue", *targets, "--format", "json").stdout)


def test_hostile_values_do_no_harm(database: Database, signed_in: SignIn) -> None:
    evil = "<img src=x onerror='window.harmed=1'><script>window.harmed=1</script>"
    scheme = _save(database, "javascript:window.harmed=1//", PublicRemarks=evil, UnparsedAddress=evil, ListPrice=1)
    turned = _save(database, "https://a.example/\u202egnp.1", ListAgentFullName="Ann\u202eeilrahC\u2066", ListPrice=2)
    page = signed_in("reader", f"/properties/{scheme}")
    expect(page.locator("main")).to_contain_text("javascript:window.harmed=1//")
    schemes = page.eval_on_selector_all("a", "links => [...new Set(links.map(link => link.protocol))]")
    assert schemes == ["http:"]
    expect(page.get_by_role("heading", level=1)).to_have_text(evil)
    assert page.locator("main img, main script").count() == 0
    page.goto(page.url.replace(scheme, turned))
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(page.content())
    expect(page.get_by_role("button", name=re.compile("^Listing agent"))).to_contain_text("Ann\ufffdeilrahC\ufffd")
    page.goto(page.url.split("/properties/")[0] + "/properties")
    expect(page.get_by_role("link", name=evil)).to_be_visible()
    assert page.evaluate("window.harmed") is None


def test_long_values_are_shown_on_demand(database: Database, signed_in: SignIn) -> None:
    long = {"PublicRemarks": "A home with a view. " * 500, "UnparsedAddress": "y" * 300}
    made = _save(database, "https://a.example/" + "x" * 500, **long, City="Amberly")
    page = signed_in("reader", f"/properties/{made}", viewport=PHONE)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        check_fits(page)
        check_accessible(page)
    longest = page.get_by_role("button").evaluate_all(
        "all => Math.max(...all.map(one => (one.ariaLabel ?? one.textContent).length))"
    )
    assert longest < 500, "a button's name is too long for a screen reader"
    page.get_by_text("10,000 characters", exact=True).click()
    text = page.get_by_role("region", name="Description")
    assert text.bounding_box()["height"] < PHONE["height"]
    text.focus()
    before = text.evaluate("one => one.scrollTop")
    page.keyboard.press("End")
    page.wait_for_function("(top) => document.activeElement.scrollTop > top", arg=before)
    page.get_by_role("button", name="Description. Evidence").press("Enter")
    proof = page.locator("#proof-PublicRemarks")
    expect(proof).to_be_visible()
    check_fits(page)
    check_accessible(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Description. Evidence")).to_be_focused()


def test_the_focus_stays_in_place_while_the_page_refreshes(
    database: Database, signed_in: SignIn, called: Propintel
) -> None:
    first = _enqueue(called, "http://homes.example/1")["jobs"][0]
    page = signed_in("exec", "/jobs")
    page.locator(f"#job-{first}").get_by_role("button").focus()
    _enqueue(called, "http://homes.example/2")  # the new job appears above the first one
    expect(page.locator("tbody tr")).to_have_count(2)
    _refresh(page)
    assert page.evaluate("document.activeElement.closest('tr')?.id") == f"job-{first}"
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("link", name="http://homes.example/1")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # cancels the job; the next Tab must continue in the same row
    expect(page.locator(f"#job-{first}")).to_contain_text("canceled")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('tr')?.id") == f"job-{first}"

    page.goto(page.url.split("/jobs")[0] + "/keys")
    page.get_by_text("The numbers").press("Enter")
    page.get_by_text("Act", exact=True).press("Enter")
    page.get_by_label("Reason, for the record").focus()
    _refresh(page)
    expect(page.get_by_label("Reason, for the record")).to_be_focused()
    expect(page.get_by_role("region", name="Numbers by hour")).to_be_visible()


def test_a_refresh_without_changes_announces_nothing(database: Database, signed_in: SignIn, called: Propintel) -> None:
    alarm = Alarm("no_healthy_key", "pool", Severity.CRITICAL, "No key is healthy.")
    AlertStore(database).record([alarm], notify=False)
    batch = _enqueue(called, "http://homes.example/1", "http://homes.example/2")["batch"]
    page = signed_in("manager", "/keys")
    home = page.url.removesuffix("/keys")
    expect(page.get_by_role("status").filter(has_text="No key is healthy.")).to_be_visible()
    for path in ("/", "/keys", "/jobs", f"/batches/{batch}", "/watches"):
        page.goto(home + path)
        page.evaluate(_LISTEN)
        _refresh(page)
        assert page.evaluate("window.announced") == []
        assert page.locator("[role=status] table, [role=alert] table, [aria-live] table").count() == 0
        assert page.evaluate("document.getAnimations().length") == 0
