"""`propintel` does not destroy the user's data, reports every failure, and can be interrupted at any time."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.services.property_intelligence import Scraper
from app.services.runtime.stores import Stores

from .conftest import Environment, Propintel

EXPORT = ("properties", "export", "--format", "csv", "-o")
GOOD, BAD = "sk-proj-aaaaaaaaaaaaaaaaaaaa1111", "sk-proj-bbbbbbbbbbbbbbbbbbbb2222"
#: A program that runs `propintel` and simulates Ctrl-C when the module named by its first argument is imported.
_INTERRUPTED_AT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell ignores SIGINT
wanted = sys.argv.pop(1)
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                pass  # the import system also swallows the exception when it frees locks
sys.meta_path.insert(0, Interrupt())
from cli.main import main
sys.exit(main())
"""


def test_export_never_replaces_what_is_no_regular_file(called: Propintel, home: Path) -> None:
    fifo = home / "pipe"
    os.mkfifo(fifo)
    # a blocking open would wait forever if the command replaced the named pipe
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        ran = called(*EXPORT, "pipe")
        assert ran.returncode == 0, ran.stderr
        assert stat.S_ISFIFO(fifo.stat().st_mode)
        assert os.read(reader, 65536).startswith(b'"property",')
    finally:
        os.close(reader)
    ran = called(*EXPORT, "-")
    assert (ran.returncode, ran.stdout[:11]) == (0, '"property",')
    assert not (home / "-").exists()
    (home / "folder").mkdir()
    ran = called(*EXPORT, "folder")
    assert (ran.returncode, ran.stdout, "cannot be written" in ran.stderr) == (2, "", True)


def test_export_replaces_the_target_of_a_symlink(called: Propintel, home: Path) -> None:
    (home / "far").mkdir()
    target, link = home / "far" / "real.csv", home / "link.csv"
    link.symlink_to(Path("far") / "real.csv")
    for text in (None, "old"):  # first without an existing file, then with one
        if text:
            target.write_text(text)
        ran = called(*EXPORT, "link.csv")
        assert ran.returncode == 0, ran.stderr
        assert link.is_symlink()
        assert target.read_text().startswith('"property",')
        assert [path.name for path in target.parent.iterdir()] == ["real.csv"]


def test_keys_check_names_a_url_that_does_not_answer(called: Propintel) -> None:
    ran = called("keys", "check", OPENAI_API_KEYS=f"{GOOD},{BAD}", OPENAI_BASE_URL="http://127.0.0.1:1/v1")
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1
    assert "2 of 2 keys are unknown, http://127.0.0.1:1/v1/models does not answer" in ran.stderr
    assert "OPENAI_BASE_URL" in ran.stderr


def test_jobs_that_cannot_be_changed_are_reported_with_a_reason(called: Propintel, stores: Stores) -> None:
    job = stores.jobs.enqueue(["http://homes.example/1"]).jobs[0]
    ran = called("jobs", "retry", job.id)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"retried": 0}
    assert f"{job.id} is queued: only failed and canceled jobs are retried" in ran.stderr
    stores.jobs.cancel(job.id)
    for choice in (["jobs", "cancel", job.id], ["batches", "cancel", job.batch_id]):
        ran = called(*choice)
        assert ran.returncode == 0, ran.stderr
        assert json.loads(ran.stdout) == {"cancelled": 0}
        assert "Nothing to cancel" in ran.stderr


@pytest.mark.parametrize("form", ["json", "table"])
def test_ctrl_c_during_a_scrape_shows_the_finished_targets(
    called: Propintel, site: str, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    done, left = f"{site}/homes/1", [f"{site}/homes/2", f"{site}/homes/3"]
    real = Scraper.scrape

    def scrape(self: Scraper, target: str, *run: Any, **options: Any) -> Any:
        if target == left[0]:
            raise KeyboardInterrupt
        return real(self, target, *run, **options)

    monkeypatch.setattr(Scraper, "scrape", scrape)
    ran = called("scrape", done, *left, "--format", form)
    assert ran.returncode == 130
    assert f"1 of 3 targets are stored; not done: {' '.join(left)}" in ran.stderr
    if form == "json":
        assert [found["sources"][0]["url"] for found in json.loads(ran.stdout)] == [done]
    else:
        assert done in ran.stdout


def test_a_mistyped_command_gets_a_suggestion(called: Propintel) -> None:
    for mistyped, meant in {
        "scrap": "No such command 'scrap'. Did you mean 'scrape'?",
        "Jobs": "No such command 'Jobs'. Did you mean 'jobs'?",
        "jobs retri": "No such command 'retri'. Did you mean 'retry'?",
        "scrape --formt json x": "No such option: --formt (Possible options: --format)",
        "--verbos": "No such option: --verbos (Possible options: --verbose, --version)",
        "jobs list --jso": "No such option: --jso (Possible options: --json",
    }.items():
        ran = called(*mistyped.split())
        assert (ran.returncode, ran.stdout, meant in ran.stderr) == (2, "", True), mistyped


def test_a_missing_env_file_is_reported(called: Propintel, home: Path) -> None:
    ran = called("jobs", "list", PROPINTEL_ENV_FILE="/nowhere.env")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert len(ran.stderr.splitlines()) == 1
    assert ran.stderr.startswith("propintel: PROPINTEL_ENV_FILE: /nowhere.env cannot be read (No such file")
    assert not (home / "state").exists()


def test_a_misspelled_setting_is_reported_once(called: Propintel) -> None:
    """The warning is on stderr, so stdout is still JSON."""
    warning = "OPENAI_APIKEYS is not a setting; did you mean OPENAI_API_KEYS?"
    ran = called("jobs", "list", "--format", "json", OPENAI_APIKEYS="hunter2")
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["jobs"] == []
    assert ran.stderr.count(warning) == 1
    doctor = called("doctor", "--format", "json", OPENAI_APIKEYS="hunter2")
    assert warning in json.loads(doctor.stdout)["checks"][0]["detail"]
    assert warning not in doctor.stderr
    assert "hunter2" not in ran.stderr + doctor.stdout + doctor.stderr


@pytest.mark.parametrize("module", ["typer", "cli.keys"])
def test_ctrl_c_during_the_start_causes_no_traceback(environment: Environment, home: Path, module: str) -> None:
    argv = [sys.executable, "-c", _INTERRUPTED_AT, module, "keys", "list"]
    ran = subprocess.run(argv, env=environment, cwd=home, capture_output=True, text=True, timeout=300, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")
