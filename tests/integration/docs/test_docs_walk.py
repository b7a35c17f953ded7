"""Run every block of the tutorial that is marked `run`, as written and in order."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from app.settings import VARIABLE_PREFIXES
from simulators.county.county import SEED
from simulators.county.operator import dotenv, settings, sources_toml
from simulators.county.serving import RunningCounty
from tests.plugins.documented import ROOT, Block, blocks
from tests.plugins.ports import free_port
from tests.plugins.warm_start import WarmParent

_LIMIT_SECONDS = 900
#: A `make` that only checks that its targets exist. Fixtures, or CI in a clean clone, do the work of these targets.
_MAKE = '#!/bin/sh\nexec make --dry-run --directory "{root}" "$@" >/dev/null\n'


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, warm_parent: WarmParent) -> Path:
    """Return a folder that looks like a clone after `make install`, with a `propintel` that starts quickly."""
    place = tmp_path_factory.mktemp("clone")
    real_venv, venv = Path(sys.executable).parents[1], place / ".venv"
    (venv / "bin").mkdir(parents=True)
    for path in (*real_venv.iterdir(), *(real_venv / "bin").iterdir()):
        if path.name not in {"bin", "propintel"}:
            (venv / path.relative_to(real_venv)).symlink_to(path)
    warm_parent.write_program(venv / "bin" / "propintel", os.environ)
    shutil.copy(ROOT / ".env.example", place)
    programs = place / "programs"
    programs.mkdir()
    real = shutil.which("make")
    assert real is not None
    (programs / "make").write_text(_MAKE.format(root=ROOT).replace("exec make", f"exec {real}"), encoding="utf-8")
    (programs / "make").chmod(0o755)
    return place


@pytest.fixture(scope="module")
def county() -> Iterator[RunningCounty]:
    with RunningCounty(SEED, 0) as county:
        yield county


def _environment(place: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.upper().startswith(VARIABLE_PREFIXES)}
    ports = {"PORT": str(free_port()), "FLOWER_PORT": str(free_port())}
    return {**clean, **ports, "PATH": f"{place / 'programs'}:{clean['PATH']}", "PYTHONUNBUFFERED": "1"}


def _bash(script: str, place: Path, environment: Mapping[str, str]) -> str:
    """Run the script, and save its exported variables in the file `exported` for the next block."""
    script = f"set -eu\n. ./exported\n{script}\nexport -p > exported"
    done = subprocess.run(
        ["bash", "-c", script], env=dict(environment), cwd=place, capture_output=True, text=True,
        timeout=_LIMIT_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def _up(block: str, place: Path, environment: Mapping[str, str], log: Path) -> Iterator[None]:
    with log.open("w", encoding="utf-8") as out:
        block = block.replace(".venv/bin/propintel up", "exec .venv/bin/propintel up")
        argv = ["bash", "-c", f"set -eu\n. ./exported\n{block}"]
        process = subprocess.Popen(argv, env=dict(environment), cwd=place, stdout=out, stderr=subprocess.STDOUT)
        timer = threading.Timer(_LIMIT_SECONDS, process.kill)
        timer.start()
        try:
            while "Ctrl-C" not in log.read_text(encoding="utf-8"):
                assert process.poll() is None, log.read_text(encoding="utf-8")
                time.sleep(0.1)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(120)
            timer.cancel()


def _blocks_to_run(page: str) -> list[Block]:
    found = [block for block in blocks() if block.page == page and block.remark == "run"]
    assert found, page
    return found


def _run_page(page: str, place: Path, environment: Mapping[str, str]) -> str:
    printed = ""
    with ExitStack() as terminals:
        for block in _blocks_to_run(page):
            if re.search(r"propintel up\b", block.text):
                terminals.enter_context(_up(block.text, place, environment, place / "up.log"))
            else:
                printed += _bash(block.text, place, environment)
    return printed


@pytest.mark.worker
@pytest.mark.timeout(_LIMIT_SECONDS)
def test_the_tutorial_leads_to_a_record(place: Path, county: RunningCounty) -> None:
    """The simulated county already runs, on another port than in the tutorial.

    Its settings are in the folder where the tutorial expects them.
    """
    folder = place / ".county"
    folder.mkdir()
    (folder / "sources.toml").write_text(sources_toml(county.roots), encoding="utf-8")
    (folder / "env").write_text(dotenv(settings(str(folder), county.openai_address)), encoding="utf-8")
    (place / "exported").write_text("", encoding="utf-8")
    printed = _run_page("docs/tutorial.md", place, _environment(place))
    for expected in ("Architectural shingle", "Fictional Ridge", "done"):
        assert expected.casefold() in printed.casefold(), expected
    rows = (place / "properties.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 4, "one address by hand and three by workers"
    if shutil.which("jq") is None:
        pytest.skip("no jq on PATH; all but the lines of docs/logs-and-traces.md was walked")
    (block,) = _blocks_to_run("docs/logs-and-traces.md")
    (place / "worker1.log").write_text((place / "up.log").read_text(encoding="utf-8"), encoding="utf-8")
    (place / "web1.log").write_text("", encoding="utf-8")
    (job,) = set(re.findall(r'"job": ?"(\w+)"', (place / "up.log").read_text(encoding="utf-8"))[:1])
    assert job in _bash(block.text.replace("6f1c2d3e...", job), place, _environment(place))


def test_the_short_blocks_write_their_files(tmp_path: Path) -> None:
    """These blocks, which are not in the tutorial, write a secret or a file and need no running process."""
    (tmp_path / "exported").write_text("", encoding="utf-8")
    pages = {"docs/batches.md": ".env", "docs/prometheus.md": "metrics-token"}
    for page, written in pages.items():
        for block in _blocks_to_run(page):
            _bash(block.text, tmp_path, os.environ)
        assert (tmp_path / written).read_text(encoding="utf-8").strip()


def test_the_pre_commit_hook_is_installed(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1], target_is_directory=True)
    shutil.copy(ROOT / ".pre-commit-config.yaml", tmp_path)
    (tmp_path / "exported").write_text("", encoding="utf-8")
    (block,) = [block for block in blocks() if block.page == "CONTRIBUTING.md" and "pre-commit" in block.text]
    _bash(f"git init --quiet\n{block.text}", tmp_path, os.environ)
    assert os.access(tmp_path / ".git" / "hooks" / "pre-commit", os.X_OK)


def test_every_block_marked_run_is_run() -> None:
    walked = {"docs/tutorial.md", "docs/logs-and-traces.md", "docs/batches.md", "docs/prometheus.md"}
    assert {block.page for block in blocks() if block.remark == "run"} <= walked
