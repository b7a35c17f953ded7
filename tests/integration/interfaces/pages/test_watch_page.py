"""The watches page shows planned and postponed refreshes, and adds and removes watches."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from app.property.storage.database import Database
from app.property.storage.watches.budget import Charge, WatchLimits, charge_watches
from app.property.storage.watches.models import Watch
from app.property.storage.watches.repository import Watches
from tests.integration.interfaces.conftest import Environment
from tests.integration.interfaces.pages.conftest import PHONE, SignIn, check_accessible

pytestmark = pytest.mark.usefixtures("broker")
URLS = [f"https://homes.example/{n}" for n in range(3)]
LIMITS = WatchLimits(pages=1, model_calls=5)


@pytest.fixture(autouse=True)
def small_budget(environment: Environment) -> None:
    environment["WATCH_DAILY_PAGES"] = str(LIMITS.pages)
    environment["WATCH_DAILY_MODEL_CALLS"] = str(LIMITS.model_calls)


@pytest.fixture
def due_targets(database: Database) -> list[str]:
    """Make three watches due while the budget allows one page. Return their targets. Only the first gets a job."""
    watches = Watches(database)
    watches.add(URLS, interval_days=2)
    for hours, url in enumerate(reversed(URLS), start=1):
        with database.writing() as connection:
            due = {"due_at": datetime.now(UTC) - timedelta(hours=hours)}
            connection.execute(update(Watch).where(Watch.target == url).values(due))
    assert [job.target for job in watches.tick(LIMITS).jobs] == URLS[:1]
    return URLS


def test_the_page_shows_planned_and_postponed_watches(
    database: Database, due_targets: list[str], signed_in: SignIn, screenshot: Callable[..., Path]
) -> None:
    Watches(database).add(["12 Main St, Springfield, IL 62701"], interval_days=30)
    page = signed_in("reader", "/watches")
    expect(page.get_by_role("link", name="Watches", exact=True)).to_have_attribute("aria-current", "page")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(4)
    for target in due_targets[1:]:
        left_out = rows.filter(has_text=target)
        expect(left_out).to_contain_text("put off")
        expect(left_out).to_contain_text("first tomorrow (UTC)")
        expect(left_out).to_contain_text("Waiting for budget since")
    expect(rows.filter(has_text=due_targets[0])).to_contain_text("under way")
    planned = rows.filter(has_text="12 MAIN ST, SPRINGFIELD, IL 62701")
    expect(planned).to_contain_text("waiting")
    expect(planned.locator("td[data-label='Next refresh']")).to_contain_text(re.compile(r"in \d+ (s|min|h|d)"))
    expect(planned).to_contain_text("30 days")
    expect(page.get_by_text("2 watches did not fit into today's budget of 1 page")).to_be_visible()
    expect(page.get_by_text("0 of 1")).to_be_visible()
    expect(page.get_by_text("0 of 5")).to_be_visible()
    assert page.get_by_role("button", name=re.compile("Remove|Watch")).count() == 0, "a reader sees buttons"
    page.evaluate("window.untouched = true")
    assert charge_watches(database, Charge.PAGE, LIMITS.pages)
    expect(page.get_by_text("1 of 1")).to_be_visible()
    assert page.evaluate("window.untouched") is True, "the page was reloaded"
    check_accessible(page)
    screenshot(page, "watches")

    page.get_by_role("link", name="Put off 2").click()
    page.wait_for_url(re.compile("status=put_off"))
    expect(rows).to_have_count(2)
    page.get_by_role("link", name="Paused 0").click()
    expect(page.get_by_text("No watch is paused.")).to_be_visible()


def test_an_operator_edits_the_watches(database: Database, signed_in: SignIn, screenshot: Callable[..., Path]) -> None:
    page = signed_in("operator", "/watches", viewport=PHONE, color_scheme="dark")
    expect(page.get_by_text("Enter below what to refresh")).to_be_visible()
    page.get_by_label("URLs of pages or searches").fill("https://homes.example/1\nfoo bar\n" + "0" * 32)
    page.get_by_label("Days between refreshes").fill("3")
    page.get_by_role("button", name="Watch", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("your list line 2: 'foo bar'")
    check_accessible(page)
    page.get_by_label("URLs of pages or searches").fill("https://homes.example/1\n" + "0" * 32)
    page.get_by_role("button", name="Watch", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(f"no property {'0' * 32}")
    expect(page.get_by_label("URLs of pages or searches")).to_have_value("https://homes.example/1\n" + "0" * 32)
    assert Watches(database).page().items == [], "a list with an error was stored in part"
    page.get_by_label("URLs of pages or searches").fill("https://homes.example/1\n12 Main St, Springfield, IL 62701")
    page.get_by_role("button", name="Watch", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(2)
    assert {(watch.interval_days, "operator" in watch.created_by) for watch in Watches(database).page().items} == {
        (3, True)
    }
    page.get_by_label("URLs of pages or searches").fill("12 Main Street, Springfield IL 62701")
    page.get_by_label("Days between refreshes").fill("3")
    page.get_by_role("button", name="Watch", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Watched already")
    expect(page.locator("tbody tr")).to_have_count(2)
    check_accessible(page)
    screenshot(page, "watches-phone-dark")
    remove = page.get_by_role("button", name="Remove https://homes.example/1")
    page.once("dialog", lambda dialog: dialog.dismiss())
    remove.click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.once("dialog", lambda dialog: dialog.accept())
    remove.click()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert [watch.kind for watch in Watches(database).page().items] == ["address"]
