"""A deployed server rejects malicious tokens and requests with normal error responses."""

import base64
import contextlib
import hmac
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from app.redis.embedded_valkey import EmbeddedValkey
from tests.plugins.warm_start import WarmParent

from .conftest import SECRET, WEB, Environment, Server, Serving, answers, environment_of, running, until_true

JOBS = "/api/v1/jobs"
US = "property-intelligence"
CLAIMS: dict[str, Any] = {"role": "manager", "sub": "somebody", "iss": US, "aud": US, "exp": 4_000_000_000}


def _part(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _signed(head: dict[str, Any], claims: object = CLAIMS, key: bytes = SECRET.encode()) -> str:
    """Return a token signed with HMAC-SHA-256, whatever `alg` in its header says."""
    text = f"{_part(head)}.{_part(claims)}"
    return f"{text}.{base64.urlsafe_b64encode(hmac.digest(key, text.encode(), 'sha256')).rstrip(b'=').decode()}"


class WebServer(Server):
    def get(self, token: str, path: str = JOBS) -> httpx2.Response:
        return httpx2.get(self.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=300)

    def post(self, content: bytes, **headers: str) -> httpx2.Response:
        token = _signed({"alg": "HS256", "typ": "JWT"})
        head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
        return httpx2.post(self.url + JOBS, content=content, headers=head, timeout=300)


@pytest.fixture(scope="module")
def web_server(warm_parent: WarmParent, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """Start one server for all tests, so that it must survive all attacks."""
    home = tmp_path_factory.mktemp("attacked")
    environment = environment_of(home) | {"API_RATE_LIMIT_PER_MINUTE": "0"}
    with EmbeddedValkey(home / "state"), running(warm_parent, WEB, environment, home, home / "log") as server:
        web_server = WebServer(**vars(server))
        yield web_server
        assert web_server.get(_signed({"alg": "HS256", "typ": "JWT"})).status_code == 200
        assert "Traceback" not in server.log.read_text()


def _recognizable(token: str) -> str:
    """Return the token's longest part, or the whole token if all parts are short."""
    part = max(token.split("."), key=len)
    return part[:40] if len(part) >= 16 else token


def _assert_refused(web_server: WebServer, answer: httpx2.Response, token: str, status: int = 401) -> None:
    body = answer.json()
    assert (answer.status_code, body["success"], set(body["error"])) == (status, False, {"code", "message"})
    for text in (answer.text, str(answer.headers), web_server.log.read_text()):
        assert _recognizable(token) not in text


def test_invalid_tokens_are_refused_and_never_repeated(web_server: WebServer) -> None:
    good = _signed({"alg": "HS256", "typ": "JWT"})
    assert web_server.get(good).status_code == 200
    head = {"alg": "HS256", "typ": "JWT"}
    foreign = rsa.generate_private_key(65537, 2048)
    evil = {**json.loads(RSAAlgorithm.to_jwk(foreign.public_key())), "kid": "evil"}
    refused = {
        **{f"alg {alg}": f"{_part({'alg': alg})}.{_part(CLAIMS)}." for alg in ("none", "None", "NONE", "nOnE", "")},
        "alg none with a signature": _signed({"alg": "none"}),
        "no alg": _signed({"typ": "JWT"}),
        "another hash": jwt.encode(CLAIMS, SECRET * 2, algorithm="HS512"),
        "an asymmetric one": jwt.encode(CLAIMS, foreign, algorithm="RS256", headers={"jwk": evil}),
        "an empty key": _signed(head, key=b""),
        "a path as kid, its file the key": _signed({**head, "kid": "../../../../dev/null"}, key=b""),
        "a changed claim": ".".join([good.split(".")[0], _part({**CLAIMS, "role": "exec"}), good.split(".")[2]]),
        "half a signature": good[:-20],
        "no signature": good.rpartition(".")[0] + ".",
        "two parts": good.rpartition(".")[0],
        "an extension it must understand": _signed({**head, "crit": ["b64", "evil"], "evil": 1}),
        "crit that is no list": _signed({**head, "crit": "exp"}),
        "claims that are no object": _signed(head, [1, 2]),
        "claims that are no JSON": _signed(head, "nonsense"),
        "garbage": "x" * 5000,
        "an encrypted one": ".".join(["e30"] * 5),
    }
    for why, token in refused.items():
        answer = web_server.get(token)
        assert answer.status_code == 401, (why, answer.text)
        _assert_refused(web_server, answer, token)


def test_urls_in_a_token_are_never_fetched(environment: Environment, serving: Serving) -> None:
    """URLs and keys in tokens are ignored (RFC 8725, 3.10). HS256 tokens signed with the public key are rejected."""
    ours, stranger = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    asked, provided = {"ours": [], "evil": []}, {}

    def answer(path: str) -> tuple[int, bytes]:
        asked[path.split("/")[1]].append(path)
        return 200, provided.get(path, b"{}")

    with answers(answer) as provider:
        public = json.loads(RSAAlgorithm.to_jwk(ours.public_key()))
        provided["/ours/jwks.json"] = json.dumps({"keys": [{**public, "kid": "ours", "use": "sig"}]}).encode()
        theirs = {**json.loads(RSAAlgorithm.to_jwk(stranger.public_key())), "kid": "ours"}
        provided["/evil/jwks.json"] = json.dumps({"keys": [theirs]}).encode()
        evil = f"{provider.address}/evil"
        settings = {"JWT_JWKS_URL": f"{provider.address}/ours/jwks.json", "API_RATE_LIMIT_PER_MINUTE": "0"}
        with serving(*WEB, environment={**environment, **settings}) as server:
            web_server = WebServer(**vars(server))
            good = jwt.encode(CLAIMS, ours, algorithm="RS256", headers={"kid": "ours"})
            assert web_server.get(good).status_code == 200
            info = serialization.PublicFormat.SubjectPublicKeyInfo
            encodings = (serialization.Encoding.PEM, serialization.Encoding.DER)
            pem, der = (ours.public_key().public_bytes(encoding, info) for encoding in encodings)
            headers: dict[str, dict[str, Any]] = {
                "jku": {"kid": "ours", "jku": f"{evil}/jwks.json"},
                "jku instead of a kid": {"jku": f"{evil}/jwks.json"},
                "x5u": {"kid": "ours", "x5u": f"{evil}/cert.pem"},
                "jwk": {"kid": "ours", "jwk": theirs},
                "a URL as kid": {"kid": f"{evil}/jwks.json"},
                "a path as kid": {"kid": "../../../../dev/null"},
                "SQL as kid": {"kid": "ours' UNION SELECT 'x"},
            }
            tokens = {
                why: jwt.encode(CLAIMS, stranger, algorithm="RS256", headers=head) for why, head in headers.items()
            }
            for name, key in (("PEM", pem), ("PEM without its end of line", pem.strip()), ("DER", der)):
                tokens[f"HS256 with the public key as {name}"] = _signed({"alg": "HS256", "kid": "ours"}, key=key)
            tokens["HS256 with our own secret"] = _signed({"alg": "HS256"})
            for why, token in tokens.items():
                answer = web_server.get(token)
                assert answer.status_code == 401, (why, answer.text)
                _assert_refused(web_server, answer, token)
            assert asked["evil"] == []
            assert set(asked["ours"]) == {"/ours/jwks.json"}


def test_a_token_is_accepted_only_in_one_header(web_server: WebServer) -> None:
    good = _signed({"alg": "HS256"})
    for query in (f"?token={good}", f"?access_token={good}", f"?authorization=Bearer%20{good}"):
        assert httpx2.get(web_server.url + JOBS + query, timeout=120).status_code == 401
    assert httpx2.get(web_server.url + JOBS, cookies={"token": good}, timeout=120).status_code == 401
    twice = httpx2.get(web_server.url + JOBS, headers=[("Authorization", f"Bearer {good}")] * 2, timeout=120)
    assert (twice.status_code, twice.json()["error"]["code"]) == (401, "unauthenticated")
    until_true(lambda: web_server.log.read_text().count("GET /api/v1/jobs") >= 5, "the access log")
    assert good.split(".")[2] not in web_server.log.read_text()


# --- size and content of requests


def _raw(web_server: WebServer, head: bytes) -> bytes:
    """Send raw bytes that no HTTP client would send."""
    host, port = web_server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=300) as connection:
        with contextlib.suppress(OSError):  # the server may close the connection before it has read everything
            connection.sendall(head)
        with contextlib.suppress(OSError):
            return connection.recv(4096)
    return b""


@pytest.mark.parametrize(("role", "status"), [(None, b"401"), ("reader", b"403"), ("nobody", b"403")])
def test_the_body_of_a_refused_request_is_not_read(web_server: WebServer, role: str | None, status: bytes) -> None:
    """The request announces four million bytes but sends none, so a server that reads the body would hang."""
    token = f"Authorization: Bearer {_signed({'alg': 'HS256'}, {**CLAIMS, 'role': role})}\r\n" if role else ""
    head = f"Host: localhost\r\n{token}Content-Type: application/json\r\nContent-Length: 4000000\r\n\r\n"
    assert _raw(web_server, f"POST {JOBS} HTTP/1.1\r\n{head}".encode()).split()[1:2] == [status]


def test_a_megabyte_of_headers_is_refused_and_the_server_survives(web_server: WebServer) -> None:
    for headers in (b"Authorization: Bearer " + b"x" * 2**20, b"".join(b"X-%d: y\r\n" % n for n in range(80_000))):
        answer = _raw(web_server, b"GET /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n\r\n")
        assert answer == b"" or answer.split()[1] in (b"400", b"431")


def _bodies() -> dict[str, bytes]:
    """Return request bodies by name: JSON that breaks parsers, and text that databases reject."""
    url = b'"http://homes.example/1"'
    return {
        "brackets 1,000,000 deep": b"[" * 1_000_000,
        "objects 100,000 deep": b'{"targets":' * 100_000,
        "brackets closed": b"[" * 100_000 + b"]" * 100_000,
        "deep in a field": b'{"targets": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "a number of 100,000 digits": b'{"targets": [%s], "priority": %s}' % (url, b"9" * 100_000),
        "a number of 4,000 digits": b'{"targets": [%s], "priority": %s}' % (url, b"9" * 4000),
        "an exponent": b'{"targets": [%s], "priority": 1e999}' % url,
        "NaN": b'{"targets": [%s], "priority": NaN}' % url,
        "Infinity": b'{"targets": [%s], "priority": -Infinity}' % url,
        "a doubled name": b'{"targets": [%s], "priority": 1, "priority": 2}' % url,
        "NUL in a target": b'{"targets": ["http://homes.example/\\u0000"]}',
        "NUL at the end of a target": b'{"targets": ["http://homes.example/1\\u0000"]}',
        "NUL in the callback": b'{"targets": [%s], "callback_url": "http://hooks.example/\\u0000"}' % url,
        "half a surrogate pair in a target": b'{"targets": ["http://homes.example/\\ud800"]}',
        "half a surrogate pair in a name": b'{"targets": [%s], "\\udfff": 1}' % url,
        "half a surrogate pair in the callback": b'{"targets": [%s], "callback_url": "http://h.example/\\ud800"}' % url,
        "bytes that are no UTF-8": b'{"targets": ["http://homes.example/\xff\xfe"]}',
        "an endless name": b'{"targets": [%s], "%s": 1}' % (url, b"x" * 1_000_000),
        "a bare NUL": b"\x00",
        "two values": b"{} {}",
        "no object": b'"text"',
        "a comment": b'{"targets": [%s] /* none */}' % url,
    }


def test_bodies_that_break_parsers_or_databases_are_422(web_server: WebServer) -> None:
    for why, body in _bodies().items():
        answer = web_server.post(body)
        assert answer.status_code == 422, (why, answer.text[:300])
        assert set(answer.json()["error"]) == {"code", "message"}, why
        assert len(answer.text) < 2000, why


def test_a_body_of_another_type_is_415(web_server: WebServer) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        answer = web_server.post(b'{"targets": ["http://homes.example/1"]}', **{"Content-Type": content_type})
        assert (answer.status_code, answer.headers["accept"]) == (415, "application/json"), content_type


def test_names_and_times_that_no_database_can_store_are_422(web_server: WebServer) -> None:
    token = _signed({"alg": "HS256"})
    paths = ["jobs/%00", "jobs/%ff", "batches/%00", "properties/a%00b", "jobs/" + "x" * 65, "jobs?batch=%00"]
    paths += ["jobs?cursor=%00", "batches?cursor=%ff", "jobs?limit=" + "9" * 5000]
    moments = ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "1e3", "0", "2026-01-01T00:00:00", "now"]
    for path in [*paths, *(f"properties?changed_since={moment}" for moment in moments)]:
        answer = web_server.get(token, f"/api/v1/{path}")
        assert (answer.status_code, answer.json()["success"]) == (422, False), path
