"""A typed Python client is generated from the running server's OpenAPI document without warnings, and works."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.services.runtime.stores import Stores
from benchmarks.saving import save_record
from tests.plugins.job_ends import finish
from tests.plugins.page_records import page_record

from .conftest import Environment, Token

GUIDE = (Path(__file__).parents[3] / "docs" / "http-api.md").read_text(encoding="utf-8")
CLIENT_PYTHON = Path(__file__).parents[3] / ".venv-client" / "bin" / "python"
#: A program that reads a property, a key, and an error, and waits for a job. mypy checks its types.
PROGRAM = """
import os
import time

from property_intelligence_client import AuthenticatedClient
from property_intelligence_client.api.admin import list_keys
from property_intelligence_client.api.jobs import enqueue_jobs, get_job
from property_intelligence_client.api.properties import get_property, list_properties
from property_intelligence_client.models import (
    Failure,
    JobRequest,
    JobState,
    JobView,
    PropertyView,
    SuccessEnqueuedJobs,
    SuccessJobView,
    SuccessKeyStats,
    SuccessPropertyList,
    SuccessPropertyView,
)


def wait_for(client: AuthenticatedClient, job_id: str) -> JobView:
    while True:
        answer = get_job.sync(job_id, client=client)
        assert isinstance(answer, SuccessJobView)
        if answer.data.state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED):
            return answer.data
        time.sleep(0.1)


def main() -> None:
    client = AuthenticatedClient(base_url=os.environ["URL"], token=os.environ["TOKEN"])
    enqueued = enqueue_jobs.sync(client=client, body=JobRequest(targets=[os.environ["TARGET"]]), idempotency_key="once")
    assert isinstance(enqueued, SuccessEnqueuedJobs)
    job = wait_for(client, enqueued.data.jobs[0])
    assert job.property_ is not None, job
    found = get_property.sync(job.property_, client=client)
    assert isinstance(found, SuccessPropertyView)
    shown: PropertyView = found.data
    listed = list_properties.sync(client=client, limit=1)
    assert isinstance(listed, SuccessPropertyList) and listed.data.next_cursor is None
    keys = list_keys.sync(client=client)
    assert isinstance(keys, SuccessKeyStats)
    ids: list[str] = [key.id for key in keys.data.keys.additional_properties.values()]
    refused = get_job.sync("unknown", client=client)
    assert isinstance(refused, Failure)
    print(shown.record.additional_properties["ListPrice"], ids, refused.error.code)


main()
"""


@pytest.fixture
def environment(environment: Environment) -> Environment:
    return {**environment, "OPENAI_API_KEYS": "sk-proj-aaaaaaaaaaaaaaaaaaaa1111"}


@pytest.fixture
def generate(web: str, home: Path) -> Path:
    if not CLIENT_PYTHON.exists():
        pytest.skip("no generator of clients: `make client` installs it")
    path = os.pathsep.join([str(CLIENT_PYTHON.parent), os.environ["PATH"]])  # the generator needs its own Ruff on PATH
    command = [str(CLIENT_PYTHON.with_name("openapi-python-client")), "generate", "--url", f"{web}/openapi.json"]
    config = home / "generator.json"
    # the default of 5 seconds is too short on a busy machine
    config.write_text('{"http_timeout": 60}', encoding="utf-8")
    command += ["--fail-on-warning", "--config", str(config), "--output-path", str(home / "generated")]
    ran = subprocess.run(
        command, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "warning" not in (ran.stdout + ran.stderr).lower()
    return home / "generated"


def _run(argv: list[str], folder: Path, variables: Environment) -> str:
    environment = {**os.environ, **variables}
    ran = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.usefixtures("broker")
def test_typed_programs_work_with_the_generated_client(web: str, token: Token, stores: Stores, generate: Path) -> None:
    url = "https://homes.example/1"
    done = stores.jobs.enqueue([url]).new[0]
    stores.jobs.claim(done, "worker", 30)
    record = page_record(url, {"ListPrice": 499000}, datetime.now(UTC))
    finish(stores.jobs, done, "worker", save_record(stores.properties, record))
    variables = {"URL": web, "TOKEN": token("manager"), "TARGET": url}
    _copy, of_the_page = re.findall(r"```python\n(.*?)```", GUIDE, re.S)
    programs = {"of_the_page.py": of_the_page, "program.py": PROGRAM}
    for name, text in programs.items():
        (generate / name).write_text(text, encoding="utf-8")
    _run([sys.executable, "-m", "mypy", "--strict", "--python-executable", str(CLIENT_PYTHON), *programs], generate, {})
    first, second = (_run([str(CLIENT_PYTHON), name], generate, variables) for name in programs)
    assert re.fullmatch(r"[0-9a-f]{32} queued\n", first)
    assert re.fullmatch(r"499000 \['[0-9a-f]{16}'\] not_found\n", second)
