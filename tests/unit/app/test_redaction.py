"""Secrets are recognized by their form or by their value, and other text stays unchanged."""

import base64
import random
import string
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from app.keypool.keys import load_keys, mask
from app.redaction import looks_random, origin_of, protect, redact, redact_urls, shown_url
from app.settings import load_settings

_KEY = "sk-proj-" + "A1b2C3d4" * 6
#: A fake signature, as in the signed URLs of Azure's Logic Apps, Functions, and Teams.
_SIGNATURE = "q7RtZ-x0bK3mVd9_LwY2hNs8uEoFj5Cg1aPi6TnXk4M"
_JWT = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiZXhlYyJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"a {_KEY} b", "a [redacted] b"), ("sess-0123456789abcdefghij", "[redacted]"),
        (f"OPENAI_API_KEY={_KEY}", "OPENAI_API_KEY=[redacted]"),
        (rf"'line\n{_KEY}\nnext'", r"'line\n[redacted]\nnext'"), (rf"\x1b{_KEY}", r"\x1b[redacted]"),
        (rf"\u0020{_KEY}", r"\u0020[redacted]"), (f"?next=%20{_KEY}", "?next=%20[redacted]"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer [redacted]"),
        ("'authorization': 'Basic bWU6aHVudGVyMg=='", "'authorization': 'Basic [redacted]'"),
        ("redis://:hunter2@cache:6379/0", "redis://:[redacted]@cache:6379/0"),
        ("postgresql+psycopg://me:p@ss@db/x", "postgresql+psycopg://me:[redacted]@db/x"),
        ("whsec_" + "QUJD" * 10, "[redacted]"), (f"token {_JWT}.", "token [redacted]."),
        (f"POST /run?version=2016-06-01&sig={_SIGNATURE} 500", "POST /run?version=2016-06-01&sig=[redacted] 500"),
        (f"'https://f.example/api/hook?code={_SIGNATURE}'", "'https://f.example/api/hook?code=[redacted]'"),
        ("/spaces/A?key=wXyZ-1234&token=wXyZ-5678", "/spaces/A?key=[redacted]&token=[redacted]"),
        ("/x?a=1&amp;X-Amz-Signature=0123456789", "/x?a=1&amp;X-Amz-Signature=[redacted]"),
        ("/x?a=1&api%2Dkey=0123456789", "/x?a=1&api%2Dkey=[redacted]"),
    ],
)  # fmt: skip
def test_secrets_are_recognized_by_their_shape(text: str, shown: str) -> None:
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
        "GET /x?code=200&page=12345678&postcode=12345678&key-id=12345678&keyword=riverside",
        "which code=12345678?",
    ],
)
def test_masks_and_text_that_resembles_a_secret_stay(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("secret", ["correct horse/battery:staple", 'with"quote\\and-back', "exactly8", _KEY])
@pytest.mark.parametrize("around", ["{}", "x{}y", "pass={}&", "'{}'"])
def test_a_protected_value_is_found_anywhere(secret: str, around: str) -> None:
    protect([secret])
    assert redact(around.format(secret)) == around.format("[redacted]")


def test_a_protected_value_is_found_in_json_python_and_url_escapes() -> None:
    protect(['a "b"/c\n', "grün+gelb=&"])
    for written in (r"a \"b\"/c\n", "a%20%22b%22%2Fc%0A", 'a "b"/c\\n', "gr%C3%BCn%2Bgelb%3D%26", r"gr\u00fcn+gelb=&"):
        assert redact(f"<{written}>") == "<[redacted]>"


def test_two_values_with_a_common_beginning_are_each_replaced_whole() -> None:
    protect(["hunter-2000", "hunter-2000-and-one", "hunter-3000"])
    assert redact("hunter-2000-and-one hunter-2000-and hunter-3000") == "[redacted] [redacted]-and [redacted]"


def test_a_key_is_shown_as_its_mask_even_if_also_protected_without_one() -> None:
    protect([_KEY], shown=mask)
    protect([_KEY])
    assert redact(f"with {_KEY}!") == f"with {mask(_KEY)}!"


def test_a_short_value_is_not_redacted_inside_words() -> None:
    protect(["", "test"])
    assert redact("the latest test") == "the latest test"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:hunter2@host:6379/0", "redis://host:6379/0"),
        ("rediss://user:hunt@er2@host/0", "rediss://host/0"),
        ("redis://:it's hunter2@host/0", "redis://host/0"),
        ("redis://host/0?password=hunter2", "redis://host/0?password=[redacted]"),
        ("unix:///r.sock?db=1&Password=hunter2&x=y", "unix:///r.sock?db=1&Password=[redacted]&x=y"),
        ("unix://:hunter2@/run/r.sock?db=1", "unix:///run/r.sock?db=1"),
        ("redis+socket://:hunter2@/run/r.sock?virtual_host=0", "redis+socket:///run/r.sock?virtual_host=0"),
        ("postgresql://me@/x?host=/run/pg&sslpassword=hunter2", "postgresql:///x?host=/run/pg&sslpassword=[redacted]"),
        ("sqlite:////var/a@b#c.sqlite3", "sqlite:////var/a@b#c.sqlite3"),
        ("https://gateway.example/v1?sig=s&x=1", "https://gateway.example/v1?sig=[redacted]&x=1"),
        ("https://api.example.com/v1", "https://api.example.com/v1"),
    ],
)
def test_a_url_of_the_settings_is_shown_without_login_and_secrets(url: str, shown: str) -> None:
    assert shown_url(url) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:hunter2@hooks.example:8443/services/T0/x?y#z", "https://hooks.example:8443"),
        ("HTTPS://hooks.example?sig=x", "https://hooks.example"),
        ("no URL but a secret", "[redacted]"),
    ],
)
def test_only_the_origin_of_a_webhook_is_shown(url: str, shown: str) -> None:
    assert origin_of(url) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET https://me:hunter2@a.example/b?token=1 OK", "GET https://a.example/b?[redacted] OK"),
        ("see https://me:hunt@er2@host/x and <http://a@b/c>", "see https://host/x and <http://b/c>"),
        ("HTTPS://me:secret@host/x?token=1 x", "HTTPS://host/x?[redacted] x"),
    ],
)
def test_urls_in_texts_are_shown_without_login_and_query(text: str, shown: str) -> None:
    assert redact_urls(text) == shown


def test_loading_the_settings_protects_every_secret_in_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("key-of-the-file-aaaaaaaa\n# key-in-a-comment\n")
    values = {
        "OPENAI_API_KEYS_FILE": str(file), "OPENAI_API_KEYS": "first.key.of.the.list,second.key.of.the.list",
        "OPENAI_API_KEY_1": "numbered/key/aaaaaaaaaaaaa", "OPENAI_API_KEY": "single:key:aaaaaaaaaaaaaaa",
        "OPENAI_PROXY": "http://me:proxy-password@proxy:3128", "REDIS_URL": "redis://:redis%2Fpassword@cache/0",
        "DATABASE_URL": "postgresql://me:database-password@db/x",
        "JWT_SECRET": "jwt secret of more than thirty-two bytes", "WEBHOOK_SECRET": "whsec_" + "QUJD" * 10,
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=collector-password,tenant=1",
    }  # fmt: skip
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


_ORDINARY = """IncomingWebhook PropertyIntelligenceAlerts propertyintelligencealertreceiver us-east-1-production
/api/v1/hooks/alerts2024 application/json property-intelligence-alerts oauth2callback 12345678 internationalization"""


@pytest.mark.parametrize("text", _ORDINARY.split())
def test_words_do_not_look_random(text: str) -> None:
    assert not looks_random(text)


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(lambda rng: rng.randbytes(16).hex(), id="hex"),
        pytest.param(lambda rng: str(uuid.UUID(int=rng.getrandbits(128), version=4)), id="uuid"),
        pytest.param(lambda rng: base64.urlsafe_b64encode(rng.randbytes(32)).decode().rstrip("="), id="base64url"),
        pytest.param(lambda rng: base64.b64encode(rng.randbytes(32)).decode(), id="base64"),
        pytest.param(lambda rng: "".join(rng.choices(string.ascii_letters + string.digits, k=24)), id="slack"),
    ],
)
def test_random_tokens_look_random(draw: Callable[[random.Random], str]) -> None:
    """At least 99 of 100 tokens are recognized, in each form common in headers and webhook paths."""
    rng = random.Random(11)
    assert sum(looks_random(draw(rng)) for _ in range(2000)) >= 1980


_WORDS = "GET /hook is true, /api/webhooks answers application/json in production, disabled, as operator of postgres"


def test_ordinary_words_in_headers_paths_and_passwords_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "OTEL_EXPORTER_OTLP_HEADERS": "x-a=true,x-tenant=production,accept=application%2Fjson,x-auth-mode=disabled",
        "ALERT_WEBHOOK_URL": "https://hooks.example/api/webhooks?wait=operator",
        "DATABASE_URL": "postgresql://postgres:postgres@db.example/postgres",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    load_settings()
    assert redact(_WORDS) == _WORDS
    assert redact(f"no answer of {values['ALERT_WEBHOOK_URL']}") == "no answer of [redacted]"


@pytest.mark.parametrize(
    ("name", "value", "secrets_in_it"),
    [
        ("OTEL_EXPORTER_OTLP_HEADERS", f"x-tenant=homes,authorization=Bearer%20{_SIGNATURE}", [_SIGNATURE]),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=collector-password", ["collector-password"]),
        ("OTEL_EXPORTER_OTLP_HEADERS", f"x-honeycomb-team={_SIGNATURE}", [_SIGNATURE]),
        ("OTEL_EXPORTER_OTLP_HEADERS", f"uptrace-dsn=https://{_SIGNATURE}@api.example?grpc=4317", [_SIGNATURE]),
        ("ALERT_WEBHOOK_URL", f"https://h.example/run?sp=%2Ftriggers&sig={_SIGNATURE}", [_SIGNATURE]),
        ("ALERT_WEBHOOK_URL", "https://h.example/api?code=not-random&x=y", ["not-random"]),
        ("ALERT_WEBHOOK_URL", f"https://h.example/hook?id={_SIGNATURE}", [_SIGNATURE]),
        ("ALERT_WEBHOOK_URL", "https://h.example/T01/k3Jd8sLq0WmZx7VtRb5NyPc2", ["k3Jd8sLq0WmZx7VtRb5NyPc2"]),
        ("OPENAI_BASE_URL", "https://me:gateway-password@gateway.example/v1", ["gateway-password"]),
        ("JWT_JWKS_URL", f"https://idp.example/keys?code={_SIGNATURE}", [_SIGNATURE]),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:collector-password@127.0.0.1:4318", ["collector-password"]),
        ("JWT_SECRET", "a://of no URL but a JWT secret of 32", ["a://of no URL but a JWT secret of 32"]),
    ],
)
def test_a_secret_part_of_a_setting_is_hidden_everywhere(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, secrets_in_it: list[str]
) -> None:
    monkeypatch.setenv(name, value)
    load_settings()
    for secret in secrets_in_it:
        assert redact(f"({secret})") == "([redacted])"


_BEGINNINGS = (
    "eyJ", "-eyJ", "eyJ.", "sk-", "x", "a.", "://", "://a:", "Bearer ", "authorization ", "whsec_", "http://a:",
)  # fmt: skip


@pytest.mark.timeout(20)
@pytest.mark.parametrize("word", [*_BEGINNINGS, "?", "?a", "&a=", "?key=", "http://@", "://@?", "?%"])
def test_a_hostile_line_of_a_megabyte_is_redacted_quickly(word: str) -> None:
    """Strangers choose parts of access log lines. A pattern with quadratic time would take hours for such a line."""
    line = word * (1_000_000 // len(word))
    assert len(redact(line)) > 0
    assert len(redact_urls(line)) > 0
    assert len(shown_url(line)) > 0
