"""The recipes page shows learned recipes, their savings, and why some are suspended. A recipe can be forgotten."""

import re

import pytest
from playwright.sync_api import expect

from app.property.storage.database import Database
from app.property.storage.properties.recipes import StoredRecipes
from tests.integration.interfaces.pages.conftest import SignIn
from tests.integration.interfaces.pages.stored import ACTIVE_RECIPE, SUSPENDED_RECIPE

pytestmark = pytest.mark.usefixtures("broker")


@pytest.fixture(autouse=True)
def learned(database: Database) -> None:
    for recipe in (ACTIVE_RECIPE, SUSPENDED_RECIPE):
        StoredRecipes(database).put(recipe)


def test_the_page_shows_recipes_and_their_savings(signed_in: SignIn) -> None:
    page = signed_in("reader", "/recipes")
    expect(page.get_by_role("link", name="Recipes", exact=True)).to_have_attribute("aria-current", "page")
    expect(page.locator("tbody tr")).to_have_count(2)
    row = page.locator(f"#recipe-{ACTIVE_RECIPE.id}")
    for text in ("homes.example", "active", "learned from 5 pages", "3,900", "4,000", "$4.80"):
        expect(row).to_contain_text(text)
    expect(row.locator("td[data-label='Last audit']")).to_contain_text("ago")
    row.locator("summary").click()
    expect(row).to_contain_text("YearBuilt: in the cell beside 'dating from' within #facts")
    expect(row).to_contain_text("a model read something else than the recipe")
    expect(page.locator(f"#recipe-{SUSPENDED_RECIPE.id}")).to_contain_text(SUSPENDED_RECIPE.reason)
    assert page.get_by_role("button", name=re.compile("Forget")).count() == 0, "a reader sees a button to forget"
    page.get_by_label("Host").fill("www.county.example")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url(re.compile("host=www.county.example"))
    expect(page.locator("tbody tr")).to_have_count(1)


def test_a_manager_can_forget_a_recipe(database: Database, signed_in: SignIn) -> None:
    page = signed_in("manager", "/recipes")
    forget = page.get_by_role("button", name=f"Forget homes.example {ACTIVE_RECIPE.id}")
    page.once("dialog", lambda dialog: dialog.dismiss())
    forget.click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.once("dialog", lambda dialog: dialog.accept())
    forget.click()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert StoredRecipes(database).of_host("homes.example") == []
    page.get_by_label("Host").fill("nowhere.example")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No recipe for nowhere.example yet.")).to_be_visible()
