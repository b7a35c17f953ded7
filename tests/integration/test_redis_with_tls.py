"""Every Redis client checks TLS certificates, and Sentinel is refused, as docs/runbooks/scale-out.md says."""

from collections.abc import Iterator
from pathlib import Path

import kombu.exceptions
import pytest
import redis
from pydantic import SecretStr

from app.errors import ConfigurationError
from app.services.keys.store import connect_store
from app.settings import Settings, load_settings
from tasks import make_celery
from tests.integration.fetch.certificates import make_tls
from tests.plugins.ports import free_port
from tests.plugins.redis_fixtures import running_server, tls_options


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    make_tls(tmp_path, "localhost")
    return tmp_path / "server.pem"


@pytest.fixture
def tls_url(tmp_path: Path, certificate: Path) -> Iterator[str]:
    """Yield the URL of a Redis that accepts only TLS. The URL does not name the certificate authority."""
    port = str(free_port())
    folder = tmp_path / "redis"
    folder.mkdir()
    options = tls_options(port, certificate, auth_clients="no")
    url = f"rediss://localhost:{port}/0"
    with running_server(folder, f"{url}?ssl_ca_certs={certificate}", *options):
        yield url


@pytest.mark.redis_server
def test_a_trusted_certificate_works_for_pool_broker_and_results(tls_url: str, certificate: Path) -> None:
    """The certificate is checked even without `ssl_cert_reqs` in the URL."""
    url = f"{tls_url}?ssl_ca_certs={certificate}"
    assert connect_store(url).ping()
    celery = make_celery(Settings.of(redis_url=SecretStr(url)))
    with celery.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, timeout=300)
    assert celery.backend.client.ping()


@pytest.mark.redis_server
def test_an_untrusted_certificate_is_refused(tls_url: str) -> None:
    with pytest.raises(redis.ConnectionError, match="certificate verify failed"):
        connect_store(tls_url).ping()
    celery = make_celery(Settings.of(redis_url=SecretStr(tls_url)))
    with celery.connection_for_write() as connection, pytest.raises(kombu.exceptions.OperationalError):
        connection.ensure_connection(max_retries=1, timeout=300)


def test_sentinel_is_refused_at_startup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "sentinel://host:26379/0")
    with pytest.raises(ConfigurationError, match="REDIS_URL"):
        load_settings()
