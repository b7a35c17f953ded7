"""Fixtures that open pages of a real web server in a real browser."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from app.property.storage.database import Database
from tests.integration.interfaces.conftest import Environment, Token

PHONE = {"width": 375, "height": 740}
DESKTOP = {"width": 1280, "height": 800}

#: The folder for screenshots, or "" to keep them in the test's temporary folder. With
#: PROPINTEL_SCREENSHOTS=docs/images, a run updates the docs' screenshots.
PICTURES = os.environ.get("PROPINTEL_SCREENSHOTS", "")

#: Playwright's timeout in milliseconds. Its default for `expect`, five seconds, is too short on a busy machine.
_PATIENCE_MS = 60_000
expect.set_options(timeout=_PATIENCE_MS)

SignIn = Callable[..., Page]
_KEY = "sk-proj-" + "k" * 36 + "0001"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start headless Chromium for one module only, because Playwright's event loop would disturb later tests."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no Chromium: install Debian's package chromium")
    with sync_playwright() as playwright:
        # Chromium's sandbox does not work for root, and /dev/shm is small in containers.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        launched = playwright.chromium.launch(executable_path=program, args=arguments)
        yield launched
        launched.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a page in a new profile: `new_page(viewport=PHONE, color_scheme="dark")`.

    The test fails if a page logs an error to the console, such as a blocked script or style.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_page(**options: object) -> Page:
        context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})  # type: ignore[arg-type]
        context.set_default_timeout(_PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        return page

    yield open_page
    for context in contexts:
        context.close()
    # Chromium also logs every 4xx and 5xx response, which the tests check themselves.
    assert [text for text in errors if not text.startswith("Failed to load resource")] == []


@pytest.fixture
def signed_in(web: str, new_page: Callable[..., Page], token: Token) -> SignIn:
    """Return a function that signs in through the form, as in `signed_in("manager", "/jobs")`."""

    def sign_in(role: str, path: str, **options: object) -> Page:
        page = new_page(**options)
        page.goto(f"{web}{path}")
        page.get_by_label("Token").fill(token(role))
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{web}{path}")
        return page

    return sign_in


@pytest.fixture
def screenshot(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that saves a page as PNG: `screenshot(page, "keys")`. `full_page=False` saves the viewport."""

    def take(page: Page, name: str, *, full_page: bool = True) -> Path:
        place = Path(PICTURES) if PICTURES else tmp_path / "pictures"
        place.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=place / f"{name}.png", full_page=full_page)
        return place / f"{name}.png"

    return take


@pytest.fixture
def database(environment: Environment, home: Path) -> Iterator[Database]:
    """Open the server's database before the server starts, and configure one OpenAI key."""
    environment["OPENAI_API_KEYS"] = _KEY
    environment["DATABASE_URL"] = f"sqlite:///{home / 'pages.db'}"
    opened = Database(environment["DATABASE_URL"])
    opened.open()
    yield opened
    opened.close()


def check_accessible(page: Page) -> None:
    results = Axe().run(page)
    assert results.response["violations"] == [], results.generate_report()


def check_fits(page: Page) -> None:
    """Check that the page does not need horizontal scrolling."""
    wide, seen = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= seen, f"{page.url} is {wide} pixels wide in a window of {seen}"
