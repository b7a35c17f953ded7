"""Server and client certificates for tests, which no client trusts by default."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Tls:
    """TLS contexts of a server and its client, and the host names that clients sent in SNI."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    seen_names: list[str | None]


def make_tls(folder: Path, host: str = "homes.example") -> Tls:
    """Create a self-signed certificate for `host` in `folder/server.pem`, and return TLS contexts that use it."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _unsigned(key, host, issuer=_name(host))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(_private(key) + certificate.public_bytes(serialization.Encoding.PEM))
    seen: list[str | None] = []
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    server.sni_callback = lambda _socket, name, _context: seen.append(name)
    return Tls(server, ssl.create_default_context(cafile=str(pem)), seen)


def make_client(server: Path, folder: Path) -> tuple[Path, Path]:
    """Create a client certificate signed by the certificate in `server`. Return the files of certificate and key."""
    pem = server.read_bytes()
    signer = serialization.load_pem_private_key(pem, None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    signed = _unsigned(key, "client", issuer=x509.load_pem_x509_certificate(pem).subject).sign(signer, hashes.SHA256())
    certificate, secret = folder / "client.pem", folder / "client.key"
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(_private(key))
    return certificate, secret


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _unsigned(key: ec.EllipticCurvePrivateKey, subject: str, *, issuer: x509.Name) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
