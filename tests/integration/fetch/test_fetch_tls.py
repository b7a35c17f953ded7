"""HTTPS: the connection goes to the checked address, the certificate is the name's."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.errors import ConnectionFailedError, FetchError


@dataclass
class Tls:
    server: ssl.SSLContext
    client: ssl.SSLContext
    seen_names: list[str | None]


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    """A certificate for homes.example, trusted by the client context only."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "homes.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("homes.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    seen: list[str | None] = []
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    server.sni_callback = lambda _socket, name, _context: seen.append(name)
    return Tls(server, ssl.create_default_context(cafile=str(pem)), seen)


def test_the_name_is_sent_and_its_certificate_checked(
    make_site: Callable[..., Any], make_fetcher: Callable[..., Any], make_names: Any, tls: Tls
) -> None:
    site = make_site(context=tls.server)
    site.page("/")
    fetcher = make_fetcher("127.0.0.0/8", resolver=make_names(homes_example=["127.0.0.1"]), ssl_context=tls.client)
    page = fetcher.fetch(f"https://homes.example:{site.port}/")
    assert "Elm" in page.text
    assert set(tls.seen_names) == {"homes.example"}
    assert site.headers[-1]["Host"] == f"homes.example:{site.port}"


def test_a_certificate_of_another_name_is_refused(
    make_site: Callable[..., Any], make_fetcher: Callable[..., Any], make_names: Any, tls: Tls
) -> None:
    site = make_site(context=tls.server)
    site.page("/")
    fetcher = make_fetcher("127.0.0.0/8", resolver=make_names(other_example=["127.0.0.1"]), ssl_context=tls.client)
    with pytest.raises(FetchError, match=r"certificate is not accepted \(Hostname mismatch") as caught:
        fetcher.fetch(f"https://other.example:{site.port}/")
    assert not caught.value.transient
    assert site.hits == []


def test_an_unknown_issuer_is_refused(
    make_site: Callable[..., Any], make_fetcher: Callable[..., Any], make_names: Any, tls: Tls
) -> None:
    """The default trust is the machine's own, which does not know this certificate."""
    site = make_site(context=tls.server)
    fetcher = make_fetcher("127.0.0.0/8", resolver=make_names(homes_example=["127.0.0.1"]))
    with pytest.raises(FetchError, match="certificate is not accepted"):
        fetcher.fetch(f"https://homes.example:{site.port}/")
    assert site.hits == []


def test_https_to_a_plain_server_is_a_connection_error(site: Any, make_fetcher: Callable[..., Any]) -> None:
    with pytest.raises(ConnectionFailedError):
        make_fetcher("127.0.0.0/8").fetch(f"https://127.0.0.1:{site.port}/")
