"""The overview shows first steps and updates its figures. A missing page is answered with an HTML page."""

from typing import Any

import httpx2
import pytest
from playwright.sync_api import expect

from app.property.storage.database import Database
from tests.integration.interfaces.conftest import Environment
from tests.integration.interfaces.pages.conftest import PHONE, SignIn, check_accessible, check_fits

pytestmark = pytest.mark.usefixtures("broker")


def test_an_empty_overview_shows_the_next_steps_of_the_role(database: Database, signed_in: SignIn) -> None:
    page = signed_in("manager", "/")
    steps = page.get_by_role("region", name="What to do next")
    expect(steps.get_by_role("listitem")).to_have_count(2)
    expect(page.get_by_role("link", name="Healthy keys")).to_contain_text("1 of 1")
    check_accessible(page)
    steps.get_by_role("link", name="Enqueue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Enqueue")
    page = signed_in("reader", "/", viewport=PHONE, color_scheme="dark")
    assert page.get_by_role("link", name="Healthy keys").count() == 0
    expect(page.get_by_role("region", name="What to do next")).to_contain_text("Ask an operator")
    check_accessible(page)
    check_fits(page)


def test_a_missing_page_is_html_for_browsers_and_json_for_programs(
    web: str, environment: Environment, signed_in: SignIn
) -> None:
    page = signed_in("reader", "/")
    answer = page.goto(f"{web}/no-such-page")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("alert")).to_have_text("There is no page at /no-such-page.")
    page.get_by_role("link", name="Go to the overview").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    get: Any = httpx2.get
    for path, accepts in (("/no-such-page", "application/json"), ("/api/v1/nothing", "text/html")):
        found = get(f"{web}{path}", headers={"Accept": accepts}, trust_env=False, timeout=120)
        assert (found.status_code, found.json()["error"]["code"]) == (404, "not_found")
