"""Importing the web app loads few modules and reads no settings."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient


def test_an_import_loads_no_extractors_and_reads_no_environment() -> None:
    """The web server reads no pages, so it needs no extractors.

    A program that only imports the app, such as a linter, must accept invalid settings.
    """
    code = (
        "import sys, web\n"
        "loaded = {name for name in sys.modules if name.startswith('app.property.reading.')}\n"
        "allowed = ('budget', 'attribute_limit', 'model', 'model.claims', 'trees')\n"
        "loaded -= {f'app.property.reading.{name}' for name in allowed}\n"
        "assert not loaded, loaded\n"
        "assert web.app.title == 'Property intelligence'\n"
    )
    environment = {"PATH": os.environ["PATH"], "PORT": "not a port", "JWT_SECRET": "short"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-1000:]


def test_a_near_miss_of_a_setting_s_name_is_logged_at_start(
    make_client: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_APIKEYS", "hunter2")
    make_client()
    assert capsys.readouterr().err.count("OPENAI_APIKEYS is not a setting; did you mean OPENAI_API_KEYS?") == 1
