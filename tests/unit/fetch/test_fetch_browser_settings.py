"""A browser that cannot run on this machine is reported before any page is requested."""

import importlib.util
import os
import stat
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from app.errors import ConfigurationError
from app.property.fetch.browser.setup import check_browser
from app.settings import Settings


@pytest.fixture
def program(tmp_path: Path) -> Path:
    made = tmp_path / "chromium"
    made.write_text("#!/bin/sh\n")
    made.chmod(made.stat().st_mode | stat.S_IXUSR)
    return made


def _settings(**chosen: Any) -> Settings:
    return Settings.of(**{"fetch_browser_sandbox": False, **chosen})  # type: ignore[call-arg]


def test_browser_hosts_need_an_installed_browser(program: Path) -> None:
    check_browser(_settings())
    check_browser(_settings(fetch_browser_path=program, fetch_browser_hosts="a.example, B.example."))
    with pytest.raises(ConfigurationError, match="FETCH_BROWSER_PATH: is not set, and FETCH_BROWSER_HOSTS names hosts"):
        check_browser(_settings(fetch_browser_hosts="a.example"))


def test_a_missing_package_is_named_with_the_remedy(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "playwright" else found(name))
    with pytest.raises(ConfigurationError, match=r"package playwright.* not installed. Install playwright"):
        check_browser(_settings(fetch_browser_path=program))


@pytest.mark.parametrize("name", ["nowhere", "not-executable", "."])
def test_a_missing_program_names_the_package_to_install(program: Path, name: str) -> None:
    (program.parent / "not-executable").write_text("")
    with pytest.raises(ConfigurationError, match=r"is no program that can be run here\. .*apt-get install chromium"):
        check_browser(_settings(fetch_browser_path=program.parent / name))


def test_a_sandbox_as_root_is_refused(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(ConfigurationError, match=r"FETCH_BROWSER_SANDBOX: .*for root\. Run as another user"):
        check_browser(_settings(fetch_browser_path=program, fetch_browser_sandbox=True))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    check_browser(_settings(fetch_browser_path=program, fetch_browser_sandbox=True))


@pytest.mark.parametrize(
    ("module", "question"), [("gevent.monkey", "is_module_patched"), ("eventlet.patcher", "is_monkey_patched")]
)
def test_green_threads_are_refused(program: Path, monkeypatch: pytest.MonkeyPatch, module: str, question: str) -> None:
    library = types.ModuleType(module)
    monkeypatch.setitem(sys.modules, module, library)
    setattr(library, question, lambda name: False)
    check_browser(_settings(fetch_browser_path=program))  # a library that patched nothing is accepted
    setattr(library, question, lambda name: name == "thread")
    with pytest.raises(ConfigurationError, match="--pool prefork"):
        check_browser(_settings(fetch_browser_path=program))
    check_browser(_settings())


@pytest.mark.parametrize("hosts", ["https://a.example", "a.example/path", "*.a.example"])
def test_browser_hosts_must_be_host_names(hosts: str) -> None:
    with pytest.raises(ValueError, match="is not a host"):
        _settings(fetch_browser_hosts=hosts)
