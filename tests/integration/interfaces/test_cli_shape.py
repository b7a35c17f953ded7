"""All commands share the format options, `--verbose`, the format of ids, a table width of 80, and shell completion."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from app.errors.fetching import HttpStatusError
from app.property.storage.jobs.models import Enqueued
from app.property.storage.watches.repository import Watches
from app.services.runtime.stores import Stores
from benchmarks.saving import save_record
from tests.plugins.page_records import page_record

from .conftest import Propintel

LONG = f"https://www.example.com/homes/{'a-very-long-name-of-a-street-' * 4}1"
ADDRESS = {"StreetNumber": "12", "StreetName": f"Fictional {'Very ' * 20}Long Ave", "City": "Anytown"}


@pytest.fixture
def made(stores: Stores) -> Enqueued:
    made = stores.jobs.enqueue([LONG, "https://b.example/"], callback_url="https://hooks.example/in")
    stores.jobs.fail(made.jobs[0].id, HttpStatusError(LONG, 500))
    for host, year, remarks in (("a", 1987, "Roof of slate. " * 40), ("b", 1978, "Roof of tile. " * 40)):
        values = {"PublicRemarks": remarks, "YearBuilt": year, **ADDRESS}
        at, url = datetime.now(UTC) - timedelta(hours=1), f"https://{host}.example/{'x' * 90}"
        save_record(stores.properties, page_record(url, values, at, host * 64))
    Watches(stores.database).add([LONG])
    return made


TABLES = """jobs list, jobs show JOB, batches list, batches show BATCH, properties list, properties conflicts,
properties show PROPERTY, properties show PROPERTY --all, properties show PROPERTY --explain,
properties show PROPERTY --explain PublicRemarks YearBuilt, properties decisions, watches list, changes, recipes list,
keys list, alerts, doctor, db current"""


def test_tables_fit_80_columns(called: Propintel, made: Enqueued) -> None:
    (found,) = json.loads(called("properties", "list").stdout)
    ids = {"JOB": made.jobs[0].id[:8], "BATCH": made.batch[:8], "PROPERTY": found["property"][:8]}
    for words in TABLES.split(","):
        ran = called(*(ids.get(word, word) for word in words.split()), "--format", "table", COLUMNS="80")
        assert ran.stdout, words
        urls = ("http://", "https://", "--since ")  # URLs and cursors are never shortened, so that they can be copied
        long = [line for line in ran.stdout.splitlines() if len(line) > 80 and not any(url in line for url in urls)]
        assert long == [], words


def test_tables_have_short_ids_and_json_has_full_ones(called: Propintel, made: Enqueued) -> None:
    job, batch = made.jobs[0].id, made.batch
    table = called("jobs", "list", "--format", "table").stdout
    assert (job[:8] in table, job in table) == (True, False)
    shown = called("jobs", "show", job[:4], "--format", "table", COLUMNS="80").stdout
    assert LONG in "".join(shown.split())
    assert batch in shown
    table = called("batches", "list", "--format", "table").stdout
    assert (batch[:8] in table, batch in table) == (True, False)
    for choice in (["--json"], ["--format", "json"], []):
        listed = json.loads(called("jobs", "list", "--batch", batch[:8], *choice).stdout)
        assert [entry["id"] for entry in listed["jobs"]] == [entry.id for entry in made.jobs]


def test_an_unknown_id_names_the_command_that_lists_ids(called: Propintel) -> None:
    for lists, commands in {
        "jobs": "jobs show, jobs retry, jobs cancel",
        "batches": "jobs list --failed --batch, batches show, batches retry, batches cancel",
        "properties": "properties show, properties decisions, changes --property, purge --property",
    }.items():
        for words in commands.split(", "):
            ran = called(*words.split(), "0123")
            assert (ran.returncode, ran.stdout, len(ran.stderr.splitlines())) == (1, "", 1), words
            assert f"`propintel {lists} list`" in ran.stderr, words
    undo = called("properties", "undo", "0123")
    assert (undo.returncode, "`propintel properties decisions`" in undo.stderr) == (1, True)


def test_verbose_is_accepted_before_and_after_the_command(called: Propintel) -> None:
    for words in ("-v jobs list", "jobs -v list", "jobs list -v"):
        assert called("jobs", "list").returncode == 0
        assert logging.getLogger().level == logging.WARNING
        assert called(*words.split()).returncode == 0
        assert logging.getLogger().level == logging.INFO


@pytest.fixture
def completed(called: Propintel) -> Callable[[str], list[str]]:
    """Return a function that returns bash's completions of a command line's last word."""

    def complete(line: str) -> list[str]:
        place = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        ran = called(_PROPINTEL_COMPLETE="complete_bash", **place)
        assert (ran.returncode, ran.stderr) == (0, "")
        return ran.stdout.split()

    return complete


def test_a_shell_completes_commands_options_and_ids(
    completed: Callable[[str], list[str]], made: Enqueued, called: Propintel
) -> None:
    assert completed("propintel ba") == ["batches"]
    assert completed("propintel jobs re") == ["retry"]
    assert completed("propintel jobs list --sta") == ["--state"]
    assert completed("propintel jobs list --state fa") == ["failed"]
    job = made.jobs[0].id
    assert completed(f"propintel jobs show {job[:6]}") == [job]
    (found,) = json.loads(called("properties", "list").stdout)
    assert completed(f"propintel properties show {found['property'][:6]}") == [found["property"]]
    assert completed("propintel jobs show https") == []
