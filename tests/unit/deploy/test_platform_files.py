"""What the platforms read of this repository, by what each publishes about it.

Vercel's schema of `functions` is what its package @vercel/build-utils 14.21.1 (Apache-2.0) returns. Railway's is on its
site only; its names and values are those of its reference on 2026-11-26,
https://docs.railway.com/config-as-code/reference.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

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
def test_railway_s_files_say_what_railway_knows(file: Path) -> None:
    jsonschema.validate(json.loads(file.read_text()), _RAILWAY_SCHEMA)


def test_vercel_s_functions_are_what_vercel_knows() -> None:
    schema = json.loads((Path(__file__).parent / "vercel_functions.schema.json").read_text())
    jsonschema.validate(_VERCEL["functions"], schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"api/index.py": {"maxDuration": -1}}, schema)


def test_vercel_s_function_is_the_web_door() -> None:
    """It looks for `app` in app.py, index.py, server.py, main.py, wsgi.py and asgi.py of the root, src, app and api, in
    this order: no file before ours may be called so."""
    assert index.app is web.app
    places = [f"{folder}{name}.py" for folder in ("", "src/", "app/", "api/") for name in _ENTRYPOINTS]
    assert [place for place in places if (_ROOT / place).exists()] == [*_VERCEL["functions"]]


_ENTRYPOINTS = ("app", "index", "server", "main", "wsgi", "asgi")


def test_vercel_gets_the_locked_packages_and_every_room_that_the_web_door_imports() -> None:
    lock = re.search(r"--require-hashes -r (\S+)$", _VERCEL["installCommand"])
    assert lock
    assert (_ROOT / lock[1]).is_file()
    sent = set(re.findall(r"^!/(\S+)$", (_ROOT / ".vercelignore").read_text(), re.MULTILINE))
    assert sent >= {"api", "app", "tasks", "web", "requirements", "pyproject.toml", "vercel.json"}
    left_out = set(re.findall(r"\w+", str(_VERCEL["functions"]["api/index.py"]["excludeFiles"])))
    assert not left_out & {"api", "app", "tasks", "web"}
