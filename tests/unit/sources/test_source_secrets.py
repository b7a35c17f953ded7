"""Secrets are inserted only into URLs that match their template, and are redacted. Unsafe templates are rejected."""

import json
import re
import traceback
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from pydantic import SecretStr

from app.errors import ConfigurationError
from app.errors.fetching import HostBusyError, HttpStatusError
from app.property.page import NotModified, Page
from app.property.sources.config import SourcesFile, read_sources
from app.property.sources.secrets import UrlSecrets, parse_secrets, secret_names_in
from app.property.sources.template import Template, problem_of
from app.redaction import redact
from app.services.reports.doctor.findings import State
from app.services.reports.doctor.machine import check_sources
from app.services.scraping.sources import SourceSecrets
from app.settings import Settings

SECRET = "Zq9+/x=&Lm'42-\"tail"
TEMPLATE = Template("https://gis.example/q?where=A%3D%27{street_line:sql}%27&token={secret:GIS_TOKEN}&f=json")
URL = "https://gis.example/q?where=A%3D%2712%20OAK%20ST%27&token=~secret.GIS_TOKEN~&f=json"
SECRETS = UrlSecrets({"GIS_TOKEN": SECRET})
AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_urls_contain_placeholders_and_only_the_request_contains_the_secret() -> None:
    assert TEMPLATE.needs == ("street_line",)
    assert TEMPLATE.secrets == ("GIS_TOKEN",)
    assert TEMPLATE.url({"street_line": "12 OAK ST"}) == URL
    assert secret_names_in(URL) == ("GIS_TOKEN",)
    assert SECRETS.reveal(URL) == URL.replace("~secret.GIS_TOKEN~", quote(SECRET, safe=""))
    assert SECRET not in repr(SECRETS)


@pytest.mark.parametrize(
    ("part", "other", "is_made"),
    [
        ("12%20OAK%20ST", "14%20ELM", True), ("gis.example", "evil.example", False), ("https", "http", False),
        ("/q?", "/redirect?", False), ("12%20OAK%20ST", "1&to=https://evil.example/", False),
        ("12%20OAK%20ST", "1%27&x", False), ("f=json", "f=json&to=evil", False),
    ],
)  # fmt: skip
def test_a_secret_is_sent_only_to_urls_of_its_template(tmp_path: Path, part: str, other: str, is_made: bool) -> None:
    """Anyone who may enqueue a URL can write a placeholder into it, so the rest of the URL must match a template."""
    url = URL.replace(part, other)
    assert TEMPLATE.made(url) is is_made
    settings = Settings.of(source_secrets=SecretStr(f"GIS_TOKEN={SECRET}"))
    secrets = SourceSecrets(settings, SourcesFile(sources_toml(tmp_path)).current).for_url(url)
    assert (secrets is not None) is is_made


def sources_toml(folder: Path, url: str = TEMPLATE.text) -> Path:
    path = folder / "sources.toml"
    path.write_text(f"[[area]]\nname = 'X'\n[[area.source]]\nname = 'A'\nkind = 'gis'\nurl = '''{url}'''\n")
    return path


PERCENT = quote(SECRET, safe="")
SMALL_DIGITS = re.sub("%..", lambda it: it[0].lower(), PERCENT)
JSON = json.dumps(SECRET)[1:-1]


@pytest.mark.parametrize(
    "written",
    [
        SECRET, PERCENT, SMALL_DIGITS, quote_plus(SECRET), quote(SECRET, safe="/=+&"), quote(SECRET[:4]) + SECRET[4:],
        escape(SECRET), escape(SECRET).replace("&#x27;", "&#39;"), JSON, JSON.replace("/", "\\/"),
    ],
)  # fmt: skip
def test_a_secret_in_a_response_is_removed_in_any_escaping(written: str) -> None:
    assert SECRETS.hide(f"<a href='/x?t={written}'>") == "<a href='/x?t=~secret.GIS_TOKEN~'>"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_no_part_of_a_page_contains_the_secret(encoding: str) -> None:
    text = f"<p>café {SECRET}</p>"
    opened = SECRETS.reveal(URL)
    page = Page(opened, opened + "&seen=1", "text/html", text, text.encode(encoding), AT, declared_url=opened)
    found = SECRETS.answer(URL, page)
    assert isinstance(found, Page)
    assert (found.url, found.final_url, found.declared_url) == (URL, URL + "&seen=1", URL)
    assert found.text == "<p>café ~secret.GIS_TOKEN~</p>"
    body = found.body if encoding != "utf-16" else found.text.encode()
    assert found.body == body
    assert SECRET.encode(encoding)[2:] not in found.body
    still = SECRETS.answer(URL, NotModified(opened, opened, AT))
    assert (still.url, still.final_url) == (URL, URL)


def fails_with(opened: str) -> None:
    try:
        raise ValueError(opened)
    except ValueError as exc:
        raise HttpStatusError(opened, 403) from exc


def test_an_error_loses_its_secret_and_cause_but_keeps_type_and_facts() -> None:
    opened = SECRETS.reveal(URL)
    with pytest.raises(HttpStatusError) as caught, SECRETS.hidden_in_errors():
        fails_with(opened)
    assert caught.value.facts == {"url": URL, "status": 403}
    assert "Lm" not in "".join(traceback.format_exception(caught.value, chain=True))
    with pytest.raises(HostBusyError) as busy, SECRETS.hidden_in_errors():
        raise HostBusyError(opened, 3.5, 1.0)
    assert busy.value.args == (URL, 3.5, 1.0)


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        (["gis=longenough"], "entry 1 is not NAME=value"),
        (["A=longenough", "longenough"], "entry 2 is not NAME=value"),
        (["A=longenough", "A=longenough2"], "has A twice"),
        (["A=tooshrt"], "value of A is shorter than 8"),
        (["A=long enough"], "ASCII without blanks"),
    ],
)
def test_an_invalid_secret_is_reported_by_position_and_never_shown(entries: list[str], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as caught:
        parse_secrets(entries, "SOURCE_SECRETS")
    assert not any(word in str(caught.value) for word in ("longenough", "tooshrt", "long enough"))


def test_secrets_in_the_file_take_precedence_are_reloaded_and_are_redacted(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text("# of the county\nGIS_TOKEN=from-the-file-1\n\n")
    settings = Settings.of(source_secrets=SecretStr("GIS_TOKEN=from-the-env,B=another-one"), source_secrets_file=file)
    assert {"from-the-env", "another-one"} <= set(settings.secrets()), "secrets are redacted in every process"
    secrets = SourceSecrets(settings, SourcesFile(sources_toml(tmp_path)).current)
    assert secrets.values(("GIS_TOKEN", "B")) == {"GIS_TOKEN": "from-the-file-1", "B": "another-one"}
    file.write_text("GIS_TOKEN=from-the-file-2")
    assert secrets.values(("GIS_TOKEN",)) == {"GIS_TOKEN": "from-the-file-2"}
    assert redact("it was from-the-file-1, is from-the-file-2") == "it was [redacted], is [redacted]"
    with pytest.raises(ConfigurationError, match=r"has no OTHER.*SOURCE_SECRETS_FILE"):
        secrets.values(("OTHER",))
    file.unlink()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        secrets.values(("GIS_TOKEN",))


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("https://x.example/?q={city}&t={secret:gis}", "{secret:gis}"),
        ("https://x.example/?q={city}&t={secret}", "{secret}"),
        ("https://{secret:GIS}.example/?q={city}", "in its host"),
        ("https://x.example/?t={secret:GIS}", "no placeholder"),
    ],
)
def test_a_secret_has_a_name_and_its_place(template: str, problem: str) -> None:
    assert problem in str(problem_of(template))


@pytest.mark.parametrize(
    "parameter", ["token", "api_key", "key", "apikey", "access_token", "X-Amz-Signature", "password"]
)
def test_a_secret_in_clear_text_is_refused_without_showing_it(tmp_path: Path, parameter: str) -> None:
    path = sources_toml(tmp_path, f"https://x.example/?q={{city}}&{parameter}=hunter2hunter2&f=json")
    with pytest.raises(ConfigurationError) as caught:
        read_sources(path)
    text = str(caught.value)
    for part in ("1 (A) url", f"as {parameter}", "{secret:NAME}", "SOURCE_SECRETS"):
        assert part in text
    assert "hunter2" not in text


def test_the_doctor_reports_missing_and_possible_secrets(tmp_path: Path) -> None:
    sources_toml(tmp_path, "https://x.example/?parcel_key={parcel_number}&layer=3f2504e0-4f89-41d3-9a0c&token=")
    assert check_sources(Settings.of(propintel_home=tmp_path)).state is State.OK
    sources_toml(tmp_path, "http://x.example/?q={city}&sortkey=asc&token={secret:GIS_TOKEN}")
    with pytest.raises(ConfigurationError, match="has no GIS_TOKEN"):
        check_sources(Settings.of(propintel_home=tmp_path))
    found = check_sources(Settings.of(propintel_home=tmp_path, source_secrets=SecretStr("GIS_TOKEN=long-enough")))
    assert found.state is State.WARNING
    assert "A has a fixed sortkey" in found.detail
    assert "without encryption" in found.detail
