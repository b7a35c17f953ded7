"""Platform files match the schemas that each platform publishes.

Vercel's schema of `functions` comes from its package @vercel/build-utils 14.21.1 (Apache-2.0). Railway publishes its
schema only on its site; names and values are those of 2026-11-26: https://docs.railway.com/config-as-code/reference.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import web
from api import index

_ROOT = Path(__file__).parents[3]
_VERCEL: dict[str, Any] = json.loads((_ROOT / "vercel.json").read_text())
_NAMED = {"type": ["string", "null"], "minLength": 1}
_SECONDS = {"type": ["integer", "null"], "minimum": 0}
_RAILWAY_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "$schema": {"const": "https://railway.com/railway.schema.json"},
        "build": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "builder": {"enum": ["RAILPACK", "DOCKERFILE", "NIXPACKS"]},
                "dockerfilePath": _NAMED,
                "buildCommand": _NAMED,
                "watchPatterns": {"type": "array", "items": {"type": "string"}},
            },
        },
        "deploy": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "startCommand": _NAMED,
                "preDeployCommand": {"type": "array", "items": {"type": "string"}},
                "multiRegionConfig": {"type": ["object", "null"]},
                "healthcheckPath": {**_NAMED, "pattern": "^/"},
                "healthcheckTimeout": _SECONDS,
                "restartPolicyType": {"enum": ["ON_FAILURE", "ALWAYS", "NEVER"]},
                "restartPolicyMaxRetries": _SECONDS,
                "cronSchedule": _NAMED,
                "overlapSeconds": _SECONDS,
                "drainingSeconds": _SECONDS,
            },
        },
    },
}


@pytest.mark.parametrize("file", sorted((_ROOT / "deploy" / "railway").glob("*.json")), ids=lambda file: file.stem)
def test_railway_s_files_match_railway_s_schema(file: Path) -> None:
    jsonschema.validate(json.loads(file.read_text()), _RAILWAY_SCHEMA)


def test_vercel_s_functions_match_vercel_s_schema() -> None:
    schema = json.loads((Path(__file__).parent / "vercel_functions.schema.json").read_text())
    jsonschema.validate(_VERCEL["functions"], schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"api/index.py": {"maxDuration": -1}}, schema)


def test_vercel_s_function_is_the_web_app() -> None:
    """Vercel searches the root, src, app, and api for entry points, so no earlier file may have such a name."""
    assert index.app is web.app
    places = [f"{folder}{name}.py" for folder in ("", "src/", "app/", "api/") for name in _ENTRYPOINTS]
    assert [place for place in places if (_ROOT / place).exists()] == [*_VERCEL["functions"]]


_ENTRYPOINTS = ("app", "index", "server", "main", "wsgi", "asgi")


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", ".github/workflows/*.yml"),
        ("custom.github-workflows-require-timeout", ".github/workflows/*.yml"),
        ("vendor.compose-spec", "docker-compose.yml"),
        ("vendor.compose-spec", "deploy/compose.*.yml"),
    ],
)
def test_workflows_and_compose_files_match_their_schemas(schema: str, files: str) -> None:
    """The schemas come with check-jsonschema."""
    found = sorted(map(str, _ROOT.glob(files)))
    assert found
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *found]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_workflows_pin_actions_to_commits() -> None:
    """A tag can be moved to another commit."""
    texts = [file.read_text() for file in (_ROOT / ".github" / "workflows").iterdir()]
    used = [re.findall(r"uses: (\S+)", text) for text in texts]
    assert all(used)
    assert [one for each in used for one in each if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", one)] == []


def test_github_runs_the_audit_every_week() -> None:
    workflow = yaml.safe_load((_ROOT / ".github/workflows/audit.yml").read_text())
    on = workflow[True]  # YAML parses the key `on` as true
    assert {*on} == {"schedule", "push", "workflow_dispatch"}
    assert on["push"]["paths"] == ["requirements/runtime.lock"]
    assert workflow["permissions"] == {"contents": "read"}
    assert [step["run"] for step in workflow["jobs"]["audit"]["steps"] if "run" in step] == ["make audit"]


def test_github_runs_the_same_checks_as_developers() -> None:
    """`make check` and `.ci/run` run on both Python versions with read access only."""
    workflow = yaml.safe_load((_ROOT / ".github/workflows/ci.yml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["strategy"]["matrix"]["python"] == ["3.12", "3.13"]
        assert job["env"] == {"PYTHON": "${{ matrix.python }}"}
    commands = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in workflow["jobs"].items()}
    assert commands["quick"] == ["make check"]
    (command,) = commands["full"]
    assert " --env PYTHON " in command
    assert command.endswith("./.ci/run'")
    assert '--volume /tmp:/tmp --volume "$PWD:$PWD" --workdir "$PWD"' in command
    assert subprocess.run(["sh", "-n", "-c", command], check=False).returncode == 0


@pytest.mark.parametrize(("has_pages", "left_out"), [(True, ""), (False, "and not real_pages")])
def test_ci_excludes_tests_of_missing_pages_by_name(tmp_path: Path, has_pages: bool, left_out: str) -> None:
    """Run the deciding lines of .ci/run with a fake `make` that prints its arguments."""
    text = (_ROOT / ".ci" / "run").read_text()
    lines = text[text.index("without=\n") : text.rindex("fi\n") + 3]
    (tmp_path / "make").write_text('#!/bin/sh\necho "made: $*"\n')
    (tmp_path / "make").chmod(0o755)
    if has_pages:
        (tmp_path / "pages").mkdir()
        (tmp_path / "pages" / "truth.jsonl").touch()
    script = f"set -euo pipefail; shared={tmp_path}; step() {{ :; }}; timeout() {{ :; }}; {lines}"
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    output = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, check=True).stdout
    assert f"made: test SERVERS=every WITHOUT={left_out}\n" in output
    assert ("made: bench-extraction" in output) is has_pages
    assert ("made: fit FIT_ARGS=--check" in output) is has_pages
    assert ("left out are the tests marked real_pages" in output) is not has_pages


def test_vercel_gets_the_locked_packages_and_every_package_that_the_web_app_imports() -> None:
    lock = re.search(r"--require-hashes -r (\S+)$", _VERCEL["installCommand"])
    assert lock
    assert (_ROOT / lock[1]).is_file()
    sent = set(re.findall(r"^!/(\S+)$", (_ROOT / ".vercelignore").read_text(), re.MULTILINE))
    assert sent >= {"api", "app", "tasks", "web", "requirements", "pyproject.toml", "vercel.json"}
    left_out = set(re.findall(r"\w+", str(_VERCEL["functions"]["api/index.py"]["excludeFiles"])))
    assert not left_out & {"api", "app", "tasks", "web"}
