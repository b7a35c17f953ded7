"""All dependencies have allowed licenses, the SBOM is complete, and the audit reports known vulnerabilities."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from simulators.serving import BackgroundServer

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def chain() -> Any:
    """Load `.ci/supply_chain.py`, whose folder is not a package."""
    spec = importlib.util.spec_from_file_location("supply_chain", _ROOT / ".ci/supply_chain.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["supply_chain"] = module  # dataclasses look up their module here
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("lock", ["RUNTIME", "DEVELOPMENT"])
def test_every_license_is_allowed(chain: Any, lock: str) -> None:
    assert list(chain.refusals([*chain.locked(getattr(chain, lock)), *chain.vendored()])) == []


def test_one_allowed_license_of_several_alternatives_is_enough(chain: Any) -> None:
    assert all(map(chain.allowed, ("MIT", "GPL-2.0-only OR MIT", "(Apache-2.0 OR BSD-3-Clause)")))
    assert not any(map(chain.allowed, ("GPL-3.0-only", "MIT AND AGPL-3.0-only")))
    silent = chain.Component("pkg:pypi/x@1", "x", "1", (), None)
    assert list(chain.refusals([silent])) == ["x 1: no license that is known"]


def test_the_sbom_names_every_locked_package_with_its_hashes(chain: Any) -> None:
    document = chain.sbom("1.0")
    lock = (_ROOT / "requirements/runtime.lock").read_text(encoding="utf-8")
    names = {part["name"] for part in document["components"]}
    assert names >= set(re.findall(r"^([a-z0-9._-]+)==", lock, re.M)) | {"htmx.org", "swagger-ui-dist"}
    digests = {prop["value"] for part in document["components"] for prop in part.get("properties", ())}
    digests |= {one["content"] for part in document["components"] for one in part.get("hashes", ())}
    assert digests >= set(re.findall(r"sha256:([0-9a-f]{64})", lock))
    assert document == chain.sbom("1.0"), "two SBOMs of the same locks differ"


def test_the_sbom_is_a_valid_cyclonedx_document(chain: Any) -> None:
    """The validator uses CycloneDX's own schema, which rejects unknown members."""
    schema = JsonStrictValidator(SchemaVersion.V1_6)
    document = chain.sbom("1.0")
    assert schema.validate_str(json.dumps(document)) is None
    document["components"][0]["type"] = "package"
    assert schema.validate_str(json.dumps(document)) is not None


def test_the_audit_reports_known_vulnerabilities(chain: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A fake OSV service gets all packages of the runtime lock. It reports one vulnerability, then none."""
    asked, vulnerable = set[str](), {"httpx2"}

    async def query(request: Request) -> JSONResponse:
        package = (await request.json())["package"]
        asked.add(package["name"])
        known = package["name"] in vulnerable
        found = {"id": "OSV-2026-1", "summary": "hears all", "affected": [{"package": package}]}
        return JSONResponse({"vulns": [found]} if known else {})

    with BackgroundServer(Starlette(routes=[Route("/query", query, methods=["POST"])])) as service:
        options = ["--vulnerability-service", "osv", "--osv-url", f"{service.address}/query"]
        assert chain.audit(options) == 1
        assert re.search(r"^httpx2\s+\S+\s+OSV-2026-1", capsys.readouterr().out, re.M)
        vulnerable.clear()
        assert chain.audit(options) == 0
    assert asked >= {one.name for one in chain.locked(chain.RUNTIME) if not one.marker}


def test_an_audit_without_an_answer_fails(chain: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert chain.audit(["--vulnerability-service", "osv", "--osv-url", "http://127.0.0.1:1/query"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "gave no answer, so nothing is known of any package. It needs a network" in output.err
    assert "Connection refused" in output.err


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sk-proj-" + "a1" * 60, "an OpenAI key"),
        ("-----BEGIN RSA PRIVATE" + " KEY-----", "a private key"),
        ("-----BEGIN PRIVATE" + " KEY-----", "a private key"),
        ("AKIA" + "Z7" * 8, "an access key of AWS"),
        ("ghp_" + "a1" * 18, "a token of GitHub"),
        ("https://hooks.slack" + ".com/services/T0000000A/B0000000B/" + "x" * 24, "a token or webhook of Slack"),
    ],
)
def test_a_committed_secret_is_found_and_not_shown(tmp_path: Path, text: str, found: str) -> None:
    """Every tracked file is checked, and findings name the line. Untracked files and example values are ignored."""

    def check() -> subprocess.CompletedProcess[str]:
        script = [sys.executable, str(_ROOT / ".ci/repository_is_clean.py")]
        return subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, check=False)

    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / "page.md").write_text(f"sk-key1\nsk-proj-demo-{'0' * 39}1\n")
    (tmp_path / ".env").write_text(text)
    subprocess.run(["git", "add", "page.md"], cwd=tmp_path, check=True)
    assert (check().returncode, check().stderr) == (0, "")
    subprocess.run(["git", "add", ".env"], cwd=tmp_path, check=True)
    assert check().returncode == 1
    assert check().stderr == f".env:1: looks like {found}\n"
