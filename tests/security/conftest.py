"""Fixtures of the security tests: test sites, host names, fetchers, workers, a broker, settings, and a web server."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from app.redis.embedded_valkey import EmbeddedValkey
from app.settings import Settings
from tests.integration.fetch.conftest import fetcher, make_fetcher, make_names, make_site, site
from tests.integration.workers.conftest import make_fleet
from tests.plugins.waiting import wait_until
from web import create_app

__all__ = ["fetcher", "make_fetcher", "make_fleet", "make_names", "make_site", "site"]
#: `serve(uvicorn_options, **settings)` returns the server's port
Serve = Callable[..., int]


@pytest.fixture
def make_settings(tmp_path: Path, patient: None) -> Callable[..., Settings]:
    """Return a function that makes settings. By default, they have a temporary home and a JWT secret."""

    def make(**changes: Any) -> Settings:
        given = {"propintel_home": tmp_path / "home", "jwt_secret": "0123456789abcdef0123456789abcdef"}
        return Settings.of(**{**given, **changes})

    return make


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path / "home") as valkey:
        yield valkey


@pytest.fixture
def serve(make_settings: Callable[..., Settings]) -> Iterator[Serve]:
    """Yield a function that starts the web app with uvicorn in a thread, by default without `proxy_headers`."""
    with contextlib.ExitStack() as running:

        def start(options: dict[str, Any] | None = None, **changes: Any) -> int:
            settings = make_settings(**changes)
            chosen = {"proxy_headers": False} if options is None else options
            config = uvicorn.Config(create_app(lambda: settings), port=0, log_config=None, **chosen)
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, daemon=True)
            thread.start()

            def stop() -> None:
                server.should_exit = True
                thread.join()

            running.callback(stop)
            wait_until(lambda: server.started or not thread.is_alive(), 20)
            assert server.started
            port: int = server.servers[0].sockets[0].getsockname()[1]
            return port

        yield start
