"""The server conforms to its OpenAPI document. Schemathesis derives valid and invalid requests from the document."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.errors.pages import PageGoneError
from app.keypool.keys import fingerprint
from app.services.runtime.stores import Stores
from benchmarks.saving import save_record
from tests.plugins.job_ends import finish
from tests.plugins.page_records import page_record

from .conftest import Environment, Server, Token

#: This check expects 404 after a DELETE, but here DELETE cancels a job, which can still be read.
_EXCLUDED_CHECK = "use_after_free"
KEYS = ("sk-proj-aaaaaaaaaaaaaaaaaaaa1111", "sk-proj-bbbbbbbbbbbbbbbbbbbb2222")
#: Schemathesis' options for each role. All roles have the same routes, so only the manager sends random, invalid, and
#: chained requests. `--max-examples` is the number of random requests per route, besides those that cover the schema.
_OPTIONS = {
    "manager": ["--mode", "all", "--max-examples", "20"],
    "operator": ["--mode", "positive", "--phases", "examples,coverage"],
    "reader": ["--mode", "positive", "--phases", "examples,coverage"],
}


@pytest.fixture
def environment(environment: Environment) -> Environment:
    return {**environment, "OPENAI_API_KEYS": ",".join(KEYS), "API_RATE_LIMIT_PER_MINUTE": "0"}


@pytest.fixture
def filled(home: Path, stores: Stores) -> None:
    """Store rows that no route can create, and give Schemathesis the id of a property and of a key."""
    at, url = datetime(2026, 1, 1, tzinfo=UTC), "http://homes.example/1"
    record = page_record(url, {"ListPrice": 7}, at)
    done, failed = stores.jobs.enqueue([url, "http://homes.example/2"]).new
    stores.jobs.claim(done, "worker", 30)
    saved = save_record(stores.properties, record)
    finish(stores.jobs, done, "worker", saved, wanted_model=["Roof"], model_note="no key")
    stores.jobs.fail(failed, PageGoneError("http://homes.example/2", "sold"))
    known = stores.jobs.get(done).property_id
    names = {"property_id": known, "key": fingerprint(KEYS[0])}
    lines = (f'"path.{name}" = "{value}"\n' for name, value in names.items())
    (home / "schemathesis.toml").write_text("[parameters]\n" + "".join(lines), encoding="utf-8")


def _problems_found(url: str, token: str, asked: list[str], environment: Environment, home: Path) -> str:
    here = Path(__file__).parent
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/openapi.json"]
    command += ["--header", f"Authorization: Bearer {token}", "--checks", "all", "--exclude-checks", _EXCLUDED_CHECK]
    command += ["--seed", "1", *asked, "--no-shrink", "--continue-on-failure"]
    hooks = {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": f"{here}:{here.parents[2]}", "NO_COLOR": "1"}
    ran = subprocess.run(
        command, env={**environment, **hooks}, cwd=home, capture_output=True, text=True, timeout=900, check=False
    )
    return "" if ran.returncode == 0 else f"{ran.stdout[-12_000:]}{ran.stderr[-2000:]}"


@pytest.mark.exhaustive
@pytest.mark.timeout(1000)
@pytest.mark.usefixtures("broker", "filled")
@pytest.mark.parametrize("role", _OPTIONS)
def test_the_server_agrees_with_its_document(
    web_process: Server, token: Token, environment: Environment, home: Path, role: str
) -> None:
    """The server never returns a 5xx status or an undeclared response, and accepts only valid requests with a token.

    The seed is fixed, so that failures can be repeated.
    """
    assert _problems_found(web_process.url, token(role), _OPTIONS[role], environment, home) == ""
