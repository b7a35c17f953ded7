"""The files for Railway, Vercel, GitHub, and Compose refer only to existing files, commands, and options."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import web
from api import index

_ROOT = Path(__file__).parents[3]
_VERCEL: dict[str, Any] = json.loads((_ROOT / "vercel.json").read_text())
#: The allowed keys of Railway's configuration files, from https://docs.railway.com/config-as-code/reference
#: (2026-11-26).
_RAILWAY_KEYS = {
    "build": {"builder", "dockerfilePath", "buildCommand", "watchPatterns"},
    "deploy": {"startCommand", "preDeployCommand", "multiRegionConfig", "healthcheckPath", "healthcheckTimeout",
               "restartPolicyType", "restartPolicyMaxRetries", "cronSchedule", "overlapSeconds", "drainingSeconds"},
}  # fmt: skip


@pytest.mark.parametrize("file", sorted((_ROOT / "deploy" / "railway").glob("*.json")), ids=lambda file: file.stem)
def test_railway_knows_every_key_of_its_files(file: Path) -> None:
    config = json.loads(file.read_text())
    assert config.pop("$schema") == "https://railway.com/railway.schema.json"
    for part, keys in config.items():
        assert keys.keys() <= _RAILWAY_KEYS[part]


def test_vercel_s_function_is_the_web_app() -> None:
    """Vercel runs the first file with an entry point's name that it finds in the root, src, app, and api."""
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
    found = sorted(map(str, _ROOT.glob(files)))
    assert found
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *found]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_workflows_pin_actions_to_commits_and_only_read() -> None:
    """The owner of an action can move a tag to another commit."""
    for file in (_ROOT / ".github" / "workflows").iterdir():
        used = re.findall(r"uses: (\S+)", file.read_text())
        assert used
        assert [one for one in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", one)] == []
        assert yaml.safe_load(file.read_text())["permissions"] == {"contents": "read"}


def test_github_runs_the_same_checks_as_developers() -> None:
    jobs = yaml.safe_load((_ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    assert all(job["strategy"]["matrix"]["python"] == ["3.12", "3.13"] for job in jobs.values())
    commands = {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}
    assert commands["quick"] == ["make check"]
    assert commands["full"][0].endswith("./.ci/run'")


def test_vercel_gets_the_locked_packages_and_every_package_that_the_web_app_imports() -> None:
    lock = re.search(r"--require-hashes -r (\S+)$", _VERCEL["installCommand"])
    assert lock
    assert (_ROOT / lock[1]).is_file()
    sent = set(re.findall(r"^!/(\S+)$", (_ROOT / ".vercelignore").read_text(), re.MULTILINE))
    assert sent >= {"api", "app", "tasks", "web", "requirements", "pyproject.toml", "vercel.json"}
    left_out = set(re.findall(r"\w+", str(_VERCEL["functions"]["api/index.py"]["excludeFiles"])))
    assert not left_out & {"api", "app", "tasks", "web"}
