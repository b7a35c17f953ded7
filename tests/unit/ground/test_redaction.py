"""What counts as a secret, by its shape and by its value, and what must be left as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.keypool.keys import load_keys, mask
from app.redaction import protect, redact, redact_urls
from app.settings import load_settings

_KEY = "sk-proj-" + "A1b2C3d4" * 6
_JWT = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiZXhlYyJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"a {_KEY} b", "a [redacted] b"),
        ("sess-0123456789abcdefghij", "[redacted]"),
        (f"OPENAI_API_KEY={_KEY}", "OPENAI_API_KEY=[redacted]"),
        (rf"'line\n{_KEY}\nnext'", r"'line\n[redacted]\nnext'"),
        (rf"\x1b{_KEY}", r"\x1b[redacted]"),
        (rf"\u0020{_KEY}", r"\u0020[redacted]"),
        (f"?next=%20{_KEY}", "?next=%20[redacted]"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer [redacted]"),
        ("'authorization': 'Basic bWU6aHVudGVyMg=='", "'authorization': 'Basic [redacted]'"),
        ("redis://:hunter2@cache:6379/0", "redis://:[redacted]@cache:6379/0"),
        ("postgresql+psycopg://me:p@ss@db/x", "postgresql+psycopg://me:[redacted]@db/x"),
        ("whsec_" + "QUJD" * 10, "[redacted]"),
        (f"token {_JWT}.", "token [redacted]."),
    ],
)
def test_secrets_are_known_by_their_shape(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Using OpenAI key: sk-proj-abc...xyz1",
        "sk-svcacct-abc...xyz1 and sk-admin-abc...xyz1 and key-0123abcd",
        "sk-proj-abc...xyz1#0123abcd",
        "disk-usage-of-the-whole-fleet, task-0123456789abcdef0123",
        "https://example.com:8443/a@b and redis://cache:6379/0",
        "a bearer of bad news",
    ],
)
def test_masks_and_what_merely_resembles_a_secret_stay(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("secret", ["correct horse/battery:staple", 'with"quote\\and-back', "exactly8", _KEY])
@pytest.mark.parametrize("around", ["{}", "x{}y", "pass={}&", "'{}'"])
def test_a_protected_value_is_found_wherever_it_stands(secret: str, around: str) -> None:
    """Whatever characters it holds, and with letters directly before and after it."""
    protect([secret])
    assert redact(around.format(secret)) == around.format("[redacted]")


def test_a_protected_value_is_found_as_it_is_written_in_json_python_and_urls() -> None:
    protect(['a "b"/c\n', "grün+gelb=&"])
    for written in (r"a \"b\"/c\n", "a%20%22b%22%2Fc%0A", 'a "b"/c\\n', "gr%C3%BCn%2Bgelb%3D%26", r"gr\u00fcn+gelb=&"):
        assert redact(f"<{written}>") == "<[redacted]>"


def test_of_two_values_that_begin_alike_each_is_replaced_whole() -> None:
    protect(["hunter-2000", "hunter-2000-and-one", "hunter-3000"])
    assert redact("hunter-2000-and-one hunter-2000-and hunter-3000") == "[redacted] [redacted]-and [redacted]"


def test_a_key_is_shown_as_its_mask_whatever_else_protects_it() -> None:
    protect([_KEY], shown=mask)
    protect([_KEY])
    assert redact(f"with {_KEY}!") == f"with {mask(_KEY)}!"


def test_a_short_value_hides_no_innocent_word() -> None:
    protect(["", "test"])
    assert redact("the latest test") == "the latest test"


def test_of_urls_neither_login_nor_query_is_shown() -> None:
    shown = redact_urls("GET https://me:hunter2@example.com/a/b?token=1 and http://user@host/x?y")
    assert shown == "GET https://example.com/a/b?[redacted] and http://host/x?[redacted]"


def test_loading_the_settings_protects_every_secret_in_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also the keys of forms that are not in use, and passwords that are encoded in their URL."""
    file = tmp_path / "keys"
    file.write_text("key-of-the-file-aaaaaaaa\n# key-in-a-comment\n")
    values = {
        "OPENAI_API_KEYS_FILE": str(file),
        "OPENAI_API_KEYS": "first.key.of.the.list,second.key.of.the.list",
        "OPENAI_API_KEY_1": "numbered/key/aaaaaaaaaaaaa",
        "OPENAI_API_KEY": "single:key:aaaaaaaaaaaaaaa",
        "OPENAI_PROXY": "http://me:proxy-password@proxy:3128",
        "REDIS_URL": "redis://:redis%2Fpassword@cache/0",
        "DATABASE_URL": "postgresql://me:database-password@db/x",
        "JWT_SECRET": "jwt secret of more than thirty-two bytes",
        "WEBHOOK_SECRET": "whsec_" + "QUJD" * 10,
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=collector-password,tenant=1",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    load_keys(load_settings())
    keys = ["key-of-the-file-aaaaaaaa", "first.key.of.the.list", "second.key.of.the.list", "numbered/key/aaaaaaaaaaaaa"]
    for key in (*keys, "single:key:aaaaaaaaaaaaaaa"):
        assert redact(f"({key})") == f"({mask(key)})"
    for secret in ("proxy-password", "redis/password", "redis%2Fpassword", "database-password", "collector-password"):
        assert redact(f"({secret})") == "([redacted])"
    for name in ("JWT_SECRET", "WEBHOOK_SECRET"):
        assert redact(f"({values[name]})") == "([redacted])"
    assert redact("redis://cache/0 postgresql://db/x http://proxy:3128 tenant") == (
        "redis://cache/0 postgresql://db/x http://proxy:3128 tenant"
    )


def test_keys_that_come_while_the_process_runs_are_protected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys"
    file.write_text("old.key.aaaaaaaaaaaaaaaa\n")
    monkeypatch.setenv("OPENAI_API_KEYS_FILE", str(file))
    settings = load_settings()
    load_keys(settings)
    file.write_text("new.key.bbbbbbbbbbbbbbbb\n")
    load_keys(settings)
    assert redact("old.key.aaaaaaaaaaaaaaaa new.key.bbbbbbbbbbbbbbbb") == " ".join(
        mask(key) for key in ("old.key.aaaaaaaaaaaaaaaa", "new.key.bbbbbbbbbbbbbbbb")
    )


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "word",
    ["eyJ", "-eyJ", "eyJ.", "sk-", "x", "a.", "://", "://a:", "Bearer ", "authorization ", "whsec_", "http://a:"],
)
def test_a_hostile_line_of_a_megabyte_is_read_at_once(word: str) -> None:
    """Strangers choose what an access log shows: a pattern that takes the square of the length would take hours."""
    line = word * (1_000_000 // len(word))
    assert len(redact(line)) > 0
    assert len(redact_urls(line)) > 0


def test_the_scheme_of_a_url_may_be_in_capitals() -> None:
    assert redact_urls("HTTPS://me:secret@host/x?token=1 x") == "HTTPS://host/x?[redacted] x"
