"""The OpenAPI document and the door say the same: Schemathesis asks a real server everything that the document allows,
and what it forbids."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.errors.pages import PageGoneError
from app.keypool.keys import fingerprint
from app.services.runtime.stores import open_stores
from app.settings import Settings
from benchmarks.saving import save_record
from tests.plugins.job_ends import finish
from tests.plugins.page_records import page_record

from .conftest import Environment, Propintel, Server

#: DELETE cancels: what is cancelled can still be read, so that this check of Schemathesis means nothing here
_NOT_MEANT = "use_after_free"
KEYS = ("sk-proj-aaaaaaaaaaaaaaaaaaaa1111", "sk-proj-bbbbbbbbbbbbbbbbbbbb2222")
#: What is asked in each role. The routes are the same, so random, invalid, and chained requests are sent in one. The
#: number is that of random requests to each route, beside those that cover its schema one by one.
_ASKED = {
    "manager": ["--mode", "all", "--max-examples", "20"],
    "operator": ["--mode", "positive", "--phases", "examples,coverage"],
    "reader": ["--mode", "positive", "--phases", "examples,coverage"],
}


@pytest.fixture
def environment(environment: Environment) -> Environment:
    return {**environment, "OPENAI_API_KEYS": ",".join(KEYS), "API_RATE_LIMIT_PER_MINUTE": "0"}


@pytest.fixture
def filled(home: Path) -> None:
    """A property, a job that is done and one that failed: what the routes can only read."""
    at, url = datetime(2026, 1, 1, tzinfo=UTC), "http://homes.example/1"
    record = page_record(url, {"ListPrice": 7}, at)
    with open_stores(Settings.of(propintel_home=home / "state")) as stores:
        done, failed = stores.jobs.enqueue([url, "http://homes.example/2"]).new
        stores.jobs.claim(done, "worker", 30)
        finish(stores.jobs, done, "worker", save_record(stores.properties, record), ["Roof"], "no key")
        stores.jobs.fail(failed, PageGoneError("http://homes.example/2", "sold"))
        known = stores.jobs.get(done).property_id
    # no route makes a property or a key, so that none could be found by trying
    names = {"property_id": known, "key": fingerprint(KEYS[0])}
    lines = (f'"path.{name}" = "{value}"\n' for name, value in names.items())
    (home / "schemathesis.toml").write_text("[parameters]\n" + "".join(lines), encoding="utf-8")


def _checked(url: str, token: str, asked: list[str], environment: Environment, home: Path) -> str:
    """What Schemathesis says if it found something, else nothing."""
    here = Path(__file__).parent
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/openapi.json"]
    command += ["--header", f"Authorization: Bearer {token}", "--checks", "all", "--exclude-checks", _NOT_MEANT]
    command += ["--seed", "1", *asked, "--no-shrink", "--continue-on-failure"]
    hooks = {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": f"{here}:{here.parents[2]}", "NO_COLOR": "1"}
    ran = subprocess.run(
        command, env={**environment, **hooks}, cwd=home, capture_output=True, text=True, timeout=900, check=False
    )
    return "" if ran.returncode == 0 else f"{ran.stdout[-12_000:]}{ran.stderr[-2000:]}"


@pytest.mark.exhaustive
@pytest.mark.timeout(1000)
@pytest.mark.usefixtures("broker", "filled")
@pytest.mark.parametrize("role", _ASKED)
def test_the_door_answers_what_the_document_says(
    web_process: Server, called: Propintel, environment: Environment, home: Path, role: str
) -> None:
    """No 5xx, no status, field, type or header that is not declared, nothing invalid taken, nothing valid refused, no
    answer without a token: for every role. The seed is fixed, so that a failure can be had again."""
    token = called("token", "--role", role, "--subject", "tester").stdout.strip()
    assert _checked(web_process.url, token, _ASKED[role], environment, home) == ""
