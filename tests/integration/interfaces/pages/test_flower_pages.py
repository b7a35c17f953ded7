"""Flower shows the same job as this project's pages, and requires a password."""

import json
import re
import secrets
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Error, Page, expect

from tests.integration.interfaces.conftest import Environment, Propintel, Serving, until_true
from tests.integration.interfaces.pages.conftest import SignIn
from tests.plugins.ports import free_port
from tests.plugins.warm_start import WarmParent

KEY = "sk-proj-" + "k" * 36 + "0001"
_PASSWORD = secrets.token_hex(16)
_ROOT = Path(__file__).parents[4]
_COMMAND = re.search(r"^flower: (.*)$", (_ROOT / "Procfile").read_text(), re.MULTILINE)[1]


@pytest.fixture
def flower(
    environment: Environment,
    serving: Serving,
    start_openai: Callable[[dict[str, Any]], str],
    request: pytest.FixtureRequest,
) -> Iterator[str]:
    environment |= {"OPENAI_API_KEYS": KEY, "OPENAI_BASE_URL": start_openai({"keys": [{"key": KEY, "rpm": 600}]})}
    request.getfixturevalue("worker")
    environment |= {"FLOWER_BASIC_AUTH": f"viewer:{_PASSWORD}", "FLOWER_PORT": str(free_port())}
    environment["FLOWER_TASKS_COLUMNS"] = "name,uuid,state,args,kwargs,result,received,runtime"
    with serving(*shlex.split(_COMMAND), environment=environment):
        yield f"http://127.0.0.1:{environment['FLOWER_PORT']}"


def _call(warm_parent: WarmParent, environment: Environment, home: Path, *arguments: str) -> str:
    """Send a scrape task directly to the broker, as any client of the broker can."""
    argv = ["celery", "-A", "worker", "call", "tasks.scrape.scrape_property"]
    ran = warm_parent.run([*argv, "--queue=scrape", f"--args={json.dumps(arguments)}"], env=environment, cwd=home)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split()[-1]


def test_a_job_appears_on_its_page_and_in_flower_behind_the_password(  # noqa: PLR0917
    flower: str,
    environment: Environment,
    home: Path,
    site: str,
    signed_in: SignIn,
    called: Propintel,
    screenshot: Callable[..., Path],
    warm_parent: WarmParent,
    new_page: Callable[..., Page],
) -> None:
    shown_by = new_page(http_credentials={"username": "viewer", "password": _PASSWORD})
    shown_by.goto(f"{flower}/workers")
    # Flower shows only tasks that are sent after it has found the worker.
    expect(shown_by.get_by_role("row").filter(has_text="worker-")).to_contain_text("Online")
    job = json.loads(called("enqueue", f"{site}/homes/1", "--format", "json").stdout)["jobs"][0]
    page = signed_in("operator", f"/jobs/{job}")
    expect(page.get_by_text("done", exact=True)).to_be_visible(timeout=200_000)

    odd = _call(warm_parent, environment, home, f"https://me:hunter2@homes.example/1?token=hunter2&key={KEY}")
    rows = {name: shown_by.get_by_role("row").filter(has=shown_by.locator(f'a[href*="{name}"]')) for name in (job, odd)}

    def listed() -> bool:
        shown_by.goto(f"{flower}/tasks")
        shown_by.get_by_role("row").filter(has_text="scrape_property").first.wait_for()
        return all(row.count() and "SUCCESS" in row.inner_text() for row in rows.values())

    until_true(listed, "both tasks in Flower's list")
    expect(rows[job]).to_contain_text("scrape_property")
    expect(rows[job]).to_contain_text(f"('{job}',)")
    expect(rows[odd]).to_contain_text("https://homes.example/1?[redacted]")
    screenshot(shown_by, "flower-tasks", full_page=False)
    shown = shown_by.content()
    rows[odd].get_by_role("link", name=odd).click()
    shown_by.wait_for_url(re.compile(f"/task/{odd}"))
    shown += shown_by.content() + page.content()
    assert [secret for secret in (KEY, KEY[8:24], "hunter2", _PASSWORD) if secret in shown] == []
    _check_password(flower, new_page)


def _check_password(flower: str, new_page: Callable[..., Page]) -> None:
    """Headless Chromium raises an error for a 401."""
    ended: list[str] = []
    for given in ({}, {"http_credentials": {"username": "viewer", "password": "x" * 16}}):
        page = new_page(**given)
        for path in ("/", "/tasks", "/workers"):
            try:
                answer = page.goto(flower + path)
            except Error as exc:
                ended.append("401" if "ERR_INVALID_AUTH_CREDENTIALS" in str(exc) else str(exc))
            else:
                ended.append(str(answer and answer.status))
    assert ended == ["401"] * 6
    assert httpx2.get(f"{flower}/tasks", trust_env=False, timeout=120).status_code == 401
