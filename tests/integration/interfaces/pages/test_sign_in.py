"""Users sign in with a token and sign out, in a browser and with an HTTP client."""

import re
from collections.abc import Callable

import httpx2
import jwt
import pytest
import redis
from playwright.sync_api import Page

from app.redis.embedded_valkey import EmbeddedValkey
from tests.integration.interfaces.conftest import SECRET, Environment, Propintel, Token

pytestmark = pytest.mark.usefixtures("broker")


def _sign_in(web: str, token: str, **headers: str) -> httpx2.Response:
    data = {"token": token, "wanted": "/jobs"}
    return httpx2.post(f"{web}/sign-in", data=data, headers=headers, trust_env=False, verify=False, timeout=120)


def test_a_token_opens_the_requested_page(web: str, new_page: Callable[..., Page], token: Token) -> None:
    page = new_page()
    page.goto(f"{web}/sign-in?next=/docs")
    page.get_by_label("Token").fill(token("manager"))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{web}/docs")
    cookie = page.context.cookies()[0]
    assert cookie["name"] == "propintel"
    assert cookie["httpOnly"] is True
    assert cookie["sameSite"] == "Strict"


def test_an_unknown_role_cannot_sign_in(web: str) -> None:
    claims = {"iss": "property-intelligence", "aud": "property-intelligence", "exp": 4_000_000_000}
    for more in ({"role": "visitor"}, {}):
        answer = _sign_in(web, jwt.encode({**claims, **more}, SECRET, "HS256"))
        assert (answer.status_code, "may not do this" in answer.text) == (403, True)
        assert "set-cookie" not in answer.headers


@pytest.fixture
def proxy(environment: Environment) -> None:
    environment["TRUSTED_PROXIES"] = "127.0.0.1"


@pytest.mark.usefixtures("proxy")
def test_over_tls_the_cookie_is_secure_and_bound_to_the_host(web: str, called: Propintel) -> None:
    """The cookie expires together with the token."""
    token = called("token", "--role", "reader", "--subject", "tester", "--ttl", "30m").stdout.strip()
    answer = _sign_in(web, token, **{"X-Forwarded-Proto": "https"})
    assert answer.status_code == 303
    cookie = answer.headers["set-cookie"]
    assert 1_700 < int(re.search(r"Max-Age=(\d+)", cookie)[1]) <= 1_800
    assert cookie.startswith("__Host-propintel=")
    assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_signing_out_also_ends_copies_of_the_session(web: str, token: Token) -> None:
    with httpx2.Client(timeout=120, base_url=web, trust_env=False) as client:
        assert client.post("/sign-in", data={"token": token("manager")}).status_code == 303
        stolen = dict(client.cookies)
        assert client.get("/").status_code == 200
        assert client.post("/sign-out").status_code == 303
        assert client.get("/").headers["location"] == "/sign-in"
    with httpx2.Client(timeout=120, base_url=web, cookies=stolen, trust_env=False) as thief:
        assert thief.get("/").headers["location"] == "/sign-in"


def test_another_site_cannot_sign_a_user_in(web: str, token: Token) -> None:
    fetched = [{"Sec-Fetch-Site": site} for site in ("cross-site", "same-site")]
    for headers in (*fetched, *({"Origin": one} for one in ("https://evil.example", "https://[", "null"))):
        answer = _sign_in(web, token("manager"), **headers)
        assert (answer.status_code, "does not belong to your session" in answer.text) == (403, True), headers
        assert "set-cookie" not in answer.headers


def test_signing_in_never_redirects_to_another_site(web: str, token: Token) -> None:
    elsewhere = ("https://evil.example/", "//evil.example", "//[evil.example", "/\\evil.example")
    for wanted in (*elsewhere, "javascript:alert(1)", "/a\nb", "evil"):
        data = {"token": token("manager"), "wanted": wanted}
        answer = httpx2.post(f"{web}/sign-in", data=data, trust_env=False, timeout=120)
        assert answer.headers["location"] == "/", wanted


def test_redis_stores_neither_token_nor_cookie(web: str, token: Token, broker: EmbeddedValkey) -> None:
    signed = token("manager")
    answer = _sign_in(web, signed)
    cookie = answer.headers["set-cookie"].split("=", 1)[1].split(";", 1)[0]
    with redis.Redis.from_url(broker.url) as client:
        names = [name.decode() for name in client.scan_iter("propintel:page-session:*")]
        stored = " ".join([*names, *(client.get(name).decode() for name in names)])
    assert len(names) == 1
    assert signed not in stored
    assert cookie not in stored


def test_every_page_forbids_scripts_of_other_sites(web: str) -> None:
    answer = httpx2.get(f"{web}/sign-in", trust_env=False, timeout=120)
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"


def test_failed_sign_ins_are_limited(web: str) -> None:
    answers = [_sign_in(web, f"guess-{i}") for i in range(70)]
    assert {answer.status_code for answer in answers} == {403, 429}
    assert answers[-1].headers["RateLimit-Policy"] == '"stranger";q=60;w=60'
    assert "Retry-After" in answers[-1].headers


def test_without_redis_signing_in_fails_with_a_reason(web: str, token: Token, broker: EmbeddedValkey) -> None:
    broker.stop()
    answer = _sign_in(web, token("manager"))
    assert answer.status_code == 503
    assert "No broker answers" in answer.text
    assert "Retry-After" in answer.headers


def test_static_files_with_a_version_may_be_cached(web: str) -> None:
    text = httpx2.get(f"{web}/sign-in", trust_env=False, timeout=120).text
    address = re.search(r'src="(/static/vendor/htmx\.min\.js\?v=[0-9a-f]{12})"', text)[1]
    script = httpx2.get(web + address, trust_env=False, timeout=120)
    assert script.status_code == 200
    assert "immutable" in script.headers["cache-control"]
    assert httpx2.get(f"{web}/static/../application.py", trust_env=False, timeout=120).status_code == 404
