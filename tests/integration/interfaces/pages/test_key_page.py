"""The key page: a circuit opens and closes while the page is open, and operators' actions are recorded."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from app.redis.embedded_valkey import EmbeddedValkey
from app.services.openai_client_manager import OpenAIClientManager, build_manager
from app.settings import load_settings
from tests.integration.interfaces.conftest import Environment
from tests.integration.interfaces.pages.conftest import SignIn, check_accessible

KEY = "sk-proj-" + "k" * 36 + "0001"
SECOND_KEY = "sk-proj-" + "m" * 36 + "0002"


@pytest.fixture
def openai_url(environment: Environment, start_openai: Callable[[dict[str, Any]], str]) -> str:
    environment["OPENAI_API_KEYS"] = f"{KEY},{SECOND_KEY}"
    environment["OPENAI_BASE_URL"] = start_openai({"keys": [{"key": KEY, "rpm": 600}, {"key": SECOND_KEY, "rpm": 600}]})
    return environment["OPENAI_BASE_URL"]


@pytest.fixture
def manager(environment: Environment, openai_url: str, broker: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Create a client manager in this process that shares the server's key pool."""
    for name in ("PROPINTEL_HOME", "OPENAI_API_KEYS", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, environment[name])
    with build_manager(load_settings()) as manager:
        yield manager


def _change_key(openai_url: str, key: str, **changes: Any) -> None:
    control = openai_url.removesuffix("/v1") + "/control/keys"
    httpx2.post(control, json={"key": key, **changes}, trust_env=False, timeout=120).raise_for_status()


def _ask(manager: OpenAIClientManager, text: str = "hello") -> None:
    manager.get_client().chat.completions.create(model="gpt-4.1-mini", messages=[{"role": "user", "content": text}])


def test_an_open_page_shows_a_circuit_that_opens_and_closes(
    manager: OpenAIClientManager, openai_url: str, signed_in: SignIn, screenshot: Callable[[Page, str], Path]
) -> None:
    for _ in range(4):
        _ask(manager)
    page = signed_in("manager", "/keys")
    page.evaluate("window.untouched = true")
    row = page.locator("tr[id^=key-]").filter(has_text="0001")
    expect(row).to_contain_text("healthy")
    expect(page.get_by_text("2 of 2")).to_be_visible()

    _change_key(openai_url, KEY, behavior="flaky", failure_rate=1.0)
    for _ in range(12):  # each request is retried with the second key and succeeds
        _ask(manager)
    expect(row).to_contain_text(re.compile(r"Circuit open after repeated failures. Next probe in \d+ (s|min)."))
    expect(page.get_by_text("1 of 2")).to_be_visible()
    check_accessible(page)
    screenshot(page, "keys-open-circuit")

    _change_key(openai_url, KEY, behavior="ok")
    row.get_by_text("Act").click()
    row.get_by_label("Reason, for the record").fill("the provider is well again")
    page.wait_for_timeout(2_500)  # a refresh in this time must keep the typed text
    expect(row.get_by_label("Reason, for the record")).to_have_value("the provider is well again")
    row.get_by_role("button", name="Probe now").click()
    expect(page.locator("#audit")).to_contain_text("asked for a probe of")
    expect(page.locator("#audit")).to_contain_text("the provider is well again")
    page.evaluate("window.untouched = true")
    for _ in range(4):
        _ask(manager)
    expect(row).to_contain_text("healthy")
    expect(page.get_by_text("2 of 2")).to_be_visible()
    assert page.evaluate("window.untouched") is True, "the page was reloaded"
    for text in (page.content(), str(page.context.cookies())):
        assert [secret for secret in (KEY, SECOND_KEY, KEY[8:24]) if secret in text] == []


def test_an_operator_disables_and_enables_a_key(manager: OpenAIClientManager, signed_in: SignIn) -> None:
    page = signed_in("exec", "/keys")
    row = page.locator("tr[id^=key-]").filter(has_text="0001")
    row.get_by_text("Act").click()
    row.get_by_label("Reason, for the record").fill("seen in a public repository")
    row.get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("Disabled by an operator")
    expect(page.locator("#audit")).to_contain_text("tester (exec) disabled")
    _ask(manager)
    _ask(manager)
    counts = {mask[-4:]: figures["requests"] for mask, figures in manager.get_stats()["keys"].items()}
    assert counts == {"0001": 0, "0002": 2}
    row.get_by_text("Act").click()
    row.get_by_role("button", name="Enable").click()
    expect(row).to_contain_text("healthy")


def test_the_tokens_of_today_include_the_cached_ones(manager: OpenAIClientManager, signed_in: SignIn) -> None:
    """The second request has 1,408 cached tokens: 1,024 plus three steps of 128."""
    for _ in range(2):
        _ask(manager, "The roof was renewed in 1998. " * 200)
    page = signed_in("manager", "/keys")
    expect(page.get_by_text("1,408 of them cached")).to_be_visible()
