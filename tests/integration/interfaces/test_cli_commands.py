"""`propintel` prints results on stdout and messages on stderr, and its exit code reports success or failure."""

import csv
import io
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

from app.property.record import FIELDS
from app.redis.embedded_valkey import EmbeddedValkey

from .conftest import SECRET, Environment, Propintel

PAGE = """<!doctype html><title>12 Elm Street</title>
<script type="application/ld+json">{"@context": "https://schema.org", "@type": "SingleFamilyResidence",
"address": {"@type": "PostalAddress", "streetAddress": "12 Elm Street", "addressLocality": "Springfield",
"addressRegion": "IL", "postalCode": "62701"}, "numberOfBedrooms": 3, "yearBuilt": 1987}</script>
<h1>12 Elm Street, Springfield, IL 62701</h1><p>Offered at $250,000. Lot size: 0.4 acres.</p>"""


@pytest.fixture
def page(home: Path) -> str:
    (home / "page.html").write_text(PAGE, encoding="utf-8")
    return "page.html"


#: Command lines that this project's own checks refuse. Typer refuses unknown options and values.
WRONG = """token --role exec --subject ' '
token --role exec --subject tester --ttl soon
scrape 'not a url'
extract page.html --url homes
extract page.html --url http://homes.example/ --lang english
enqueue
enqueue --file no-such-file.txt
jobs retry
jobs retry 8e03b1c2 --failed
jobs list --failed --state done
jobs list --json --format table
properties show 3f2c9a7b YearBuilt
properties export --format csv --json
keys check"""


@pytest.mark.parametrize("line", WRONG.splitlines())
def test_wrong_usage_gives_exit_code_2(called: Propintel, page: str, line: str) -> None:
    ran = called(*shlex.split(line))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.strip()
    assert "Traceback" not in ran.stderr


def test_wrong_usage_is_explained_on_stderr(propintel: Propintel) -> None:
    ran = propintel("enqueue", "homes", PORT="not a port")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == (
        "propintel: Target 'homes': is neither a URL nor an address: it lacks a house number, a town or ZIP code and a "
        "state. Use an absolute http:// or https:// URL, or an address with house number, street, town or ZIP code, "
        "and state: 12 Main St, Springfield, IL 62701.\n"
    )


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("OPENAI_BASE_URL", "api.openai.com", "keys check"),
        ("OPENAI_API_KEYS", "sk-good-key-000000000000,sk bad key", "keys list"),
        ("JWT_SECRET", "too short", "token --role exec --subject tester"),
        ("DATABASE_URL", "no-database://x", "jobs list"),
        ("LOG_LEVEL", "loud", "jobs list"),
    ],
)
def test_a_bad_setting_gives_exit_code_2_and_one_line(called: Propintel, variable: str, value: str, line: str) -> None:
    ran = called(*line.split(), **{variable: value})
    assert (ran.returncode, ran.stdout) == (2, "")
    (error,) = [line for line in ran.stderr.splitlines() if "WARNING: No OpenAI key" not in line]
    assert variable in error
    for secret in ("too short", "sk bad key"):
        assert secret not in ran.stderr


def test_help_needs_no_settings_and_shows_examples(called: Propintel) -> None:
    for arguments in (["--help"], ["enqueue", "--help"], ["keys", "check", "-h"]):
        ran = called(*arguments, PORT="not a port")
        assert ran.returncode == 0
        assert "propintel" in ran.stdout
        assert ran.stderr == ""
    assert "Examples:" in called("jobs", "list", "--help").stdout


def test_the_token_command_prints_only_the_token(called: Propintel) -> None:
    before = time.time()
    ran = called("token", "--role", "operator", "--ttl", "2h", "--subject", "nightly")
    assert (ran.returncode, ran.stderr) == (0, "")
    claims = jwt.decode(ran.stdout.strip(), SECRET, ["HS256"], audience="property-intelligence")
    assert (claims["role"], claims["sub"], claims["iss"]) == ("operator", "nightly", "property-intelligence")
    assert 7200 - 1 <= claims["exp"] - before <= 7200 + 60
    described = json.loads(called("token", "--role", "exec", "--subject", "tester", "--format", "json").stdout)
    assert set(described) == {"token", "role", "subject", "expires_at"}


def test_without_a_secret_no_token_is_signed(called: Propintel) -> None:
    ran = called("token", "--role", "exec", "--subject", "tester", JWT_SECRET="")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "JWT_SECRET" in ran.stderr
    elsewhere = called("token", "--role", "exec", "--subject", "tester", JWT_JWKS_URL="https://id.example/jwks")
    assert (elsewhere.returncode, elsewhere.stdout) == (2, "")
    assert "JWT_JWKS_URL" in elsewhere.stderr


def test_extract_reads_a_saved_page(called: Propintel, page: str, home: Path) -> None:
    """Extraction needs no network, OpenAI key, or database, and writes only its result."""
    ran = called("extract", page, "--url", "http://homes.example/12-elm", PORT="not a port")
    assert (ran.returncode, ran.stderr) == (0, "")
    found = json.loads(ran.stdout)
    assert set(found) == {"kind", "record", "evidence", "missing"}
    assert found["kind"] in {"listing", "record"}
    assert found["record"]["City"] == "Springfield"
    assert found["record"]["BedroomsTotal"] == 3
    assert set(found["record"]) == set(found["evidence"])
    assert found["evidence"]["YearBuilt"]["method"] == "jsonld"
    assert found["evidence"]["YearBuilt"]["source_url"] == "http://homes.example/12-elm"
    assert "Roof" in found["missing"]
    assert not set(found["missing"]) & set(found["record"])
    assert [path.name for path in home.iterdir()] == ["page.html"]


def test_explain_shows_the_result_of_every_candidate(called: Propintel, page: str) -> None:
    found = json.loads(called("extract", page, "--url", "http://homes.example/12-elm", "--explain").stdout)
    fates = {candidate["field"]: candidate["fate"] for candidate in reversed(found["candidates"])}
    assert fates["YearBuilt"].startswith("won with confidence")
    assert {"reason", "wanted", "notes", "scores"} <= set(found)
    score = found["scores"]["YearBuilt"]
    assert score["confidence"] == found["evidence"]["YearBuilt"]["confidence"]
    assert score["features"]["reader.jsonld"]["value"] == 1
    assert score["log_odds"] == pytest.approx(sum(part["adds"] for part in score["features"].values()), abs=0.05)
    assert all(candidate["locator"] and candidate["quote"] for candidate in found["candidates"])
    options = ("--explain", "--format", "table")
    table = called("extract", page, "--url", "http://homes.example/12-elm", *options, COLUMNS="80").stdout
    assert "won with" in table
    assert "bias +" in table
    assert max(map(len, table.splitlines())) <= 80


def test_the_prompt_is_shown_with_its_schema(called: Propintel, page: str) -> None:
    """If --explain is given too, the prompt follows the explanation."""
    show = ("extract", page, "--url", "http://homes.example/12-elm", "--show-prompt")
    shown = json.loads(called(*show).stdout)
    assert [message["role"] for message in shown["messages"]] == ["system", "user"]
    assert shown["schema"]["additionalProperties"] is False
    fact = shown["schema"]["properties"]["facts"]["items"]["properties"]
    assert list(fact) == ["field", "value", "quote"]
    assert set(shown["fields"]) <= set(fact["field"]["enum"])
    assert shown["messages"][1]["content"].endswith(f"Wanted: {', '.join(shown['fields'])}")
    assert sum(shown["tokens"].values()) == shown["prompt_tokens"] > 100
    assert f"{shown['prompt_tokens']} in all: instruction" in called(*show, "--format", "table").stdout
    found = json.loads(called(*show, "--explain").stdout)
    assert {"record", "candidates", "prompt"} <= set(found)
    assert set(found["prompt"]["fields"]) <= set(found["wanted"])
    table = called(*show, "--explain", "--format", "table").stdout
    assert table.index("Candidates") < table.index("--- schema")


PROSE = """<html lang="en"><head><title>12 Elm St</title></head><body><h1>12 Elm St, Springfield, IL 62701</h1>
<p>Asking $310,000. A quiet home built in 1987 whose roof is covered with cedar shakes. {more}</p></body></html>"""


def test_a_models_reply_is_shown_with_accepted_and_dropped_values(called: Propintel, home: Path) -> None:
    """A reply from a file passes the same checks as a reply from the API."""
    (home / "prose.html").write_text(PROSE.format(more="Mara Quill of Larkspur Homes shows it."))
    read = ("extract", "prose.html", "--url", "http://homes.example/12-elm")
    prompt = json.loads(called(*read, "--show-prompt").stdout)
    assert "Roof" in prompt["fields"]
    facts = [
        ("Roof", ["cedar shakes"], "roof is covered with cedar shakes"),
        ("ListAgentFullName", "Mara Quillen", "Mara Quill of Larkspur"),
        ("ListOfficeName", "Nightjar Homes", "of Nightjar Homes"),
        ("BedroomsTotal", 3, ""),
    ]
    reply = {"facts": [dict(zip(("field", "value", "quote"), fact, strict=True)) for fact in facts]}
    (home / "reply.json").write_text(json.dumps(reply))
    ran = called(*read, "--answer", "reply.json", "--explain")
    assert "1 accepted, 3 dropped" in ran.stderr
    found = json.loads(ran.stdout)
    assert found["record"]["Roof"] == ["cedar shakes"]
    assert found["evidence"]["Roof"]["method"] == "llm"
    assert not {"ListAgentFullName", "ListOfficeName", "BedroomsTotal"} & set(found["record"])
    fates = {c["field"]: c["fate"] for c in found["candidates"] if c["method"] == "llm"}
    assert "won with confidence" in fates["Roof"]
    assert "does not state it" in fates["ListAgentFullName"]
    assert "not in the text" in fates["ListOfficeName"]
    assert "no quote" in fates["BedroomsTotal"]


def test_the_prompt_follows_the_settings_of_the_model(
    called: Propintel, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = ("extract", page, "--url", "http://homes.example/12-elm", "--show-prompt")
    missing = json.loads(called(*show).stdout)
    monkeypatch.setenv("MODEL_USE", "always")
    everything = json.loads(called(*show).stdout)
    assert set(missing["fields"]) < set(everything["fields"])
    monkeypatch.setenv("MODEL_USE", "never")
    nothing = called(*show)
    assert json.loads(nothing.stdout)["fields"] == []
    assert "MODEL_USE is never" in nothing.stderr


def test_a_reply_with_other_json_fails_with_a_reason(called: Propintel, page: str, home: Path) -> None:
    (home / "reply.json").write_text('{"Mood": "tile"}')
    ran = called("extract", page, "--url", "http://homes.example/12-elm", "--answer", "reply.json")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "answer of the model reply.json is not the requested JSON" in ran.stderr


def test_show_and_export_return_what_scrape_stored(called: Propintel, site: str, home: Path) -> None:
    url = f"{site}/listings/oak-hollow-lane"
    ran = called("scrape", url)
    assert ran.returncode == 0, ran.stderr
    scraped = json.loads(ran.stdout)
    assert {"property", "record", "evidence", "sources", "conflicts"} <= set(scraped)
    assert "No OpenAI key" in ran.stderr  # without a key, a warning says that no model was used; the command succeeds

    shown = json.loads(called("properties", "show", scraped["property"]).stdout)
    assert shown["record"] == scraped["record"]
    exported = called("properties", "export", "--format", "jsonl")
    assert [json.loads(line)["property"] for line in exported.stdout.splitlines()] == [scraped["property"]]

    written = called("properties", "export", "--format", "csv", "-o", "all.csv")
    assert (written.returncode, written.stdout) == (0, "")
    header, row = csv.reader(io.StringIO((home / "all.csv").read_text(encoding="utf-8")))
    assert header[0] == "property"
    assert set(FIELDS) < set(header)
    assert row[0] == scraped["property"]
    assert {path.name for path in home.iterdir()} == {"all.csv", "state"}

    again = called("scrape", url)
    assert "fresh" in again.stderr
    assert json.loads(again.stdout)["property"] == scraped["property"]


def test_scraping_good_and_bad_targets_prints_the_good_ones_with_exit_code_1(called: Propintel, site: str) -> None:
    ran = called("scrape", f"{site}/odd/gone", f"{site}/homes/1", f"{site}/nowhere", "http://169.254.169.254/")
    assert ran.returncode == 1
    assert [found["sources"][0]["url"] for found in json.loads(ran.stdout)] == [f"{site}/homes/1"]
    failures = [line for line in ran.stderr.splitlines() if line.startswith("propintel: ")]
    assert len(failures) == 3
    assert "FETCH_ALLOWED_PRIVATE_NETWORKS" in failures[2]


def test_the_targets_of_a_scrape_share_a_batch_budget(
    called: Propintel, site: str, broker: EmbeddedValkey, start_openai: Callable[[dict[str, Any]], str]
) -> None:
    """The batch budget allows one model call, so a model reads only one page per command."""
    key = "sk-simulator-abcdabcd0001"
    openai = {"OPENAI_API_KEYS": key, "OPENAI_BASE_URL": start_openai({"keys": [{"key": key, "rpm": 600}]})}
    for pages in ((1, 2, 3), (4, 5)):
        ran = called("scrape", *(f"{site}/homes/{n}" for n in pages), **openai, BUDGET_BATCH_MODEL_CALLS="1")
        assert ran.returncode == 0, ran.stderr
        assert len(json.loads(ran.stdout)) == len(pages)
        unread = [line for line in ran.stderr.splitlines() if "Not asked: " in line]
        assert len(unread) == len(pages) - 1, ran.stderr
        assert all("BUDGET_BATCH_MODEL_CALLS" in line for line in unread)


def test_the_database_is_migrated_once(called: Propintel) -> None:
    ran = called("db", "upgrade", "--format", "json")
    assert ran.returncode == 0
    first = json.loads(ran.stdout)
    assert first["after"]
    assert json.loads(called("db", "upgrade").stdout) == {"before": first["after"], "after": first["after"]}


def test_ctrl_c_ends_quietly(environment: Environment, home: Path) -> None:
    argv = [str(Path(sys.executable).with_name("propintel")), "keys", "list", "--follow", "--format", "json"]
    process = subprocess.Popen(
        argv, env=environment, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["total_keys"] == 0
    os.kill(process.pid, signal.SIGINT)
    _, shown = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "Traceback" not in shown
