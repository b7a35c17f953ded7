"""Start the county's sites, each on its own loopback address, and an OpenAI simulator with matching searches."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from urllib.parse import urlsplit

from simulators.county.county import SEED, County, make_county
from simulators.county.operator import openai_config
from simulators.county.server import CountyServer
from simulators.county.sites import SITES
from simulators.openai.config import Config
from simulators.openai.server import OpenAISimulator
from simulators.serving import BackgroundServer


class RunningCounty:
    """A context manager for the county and its servers, which run in threads of this process.

    `roots` maps the key of each site to its address, without a final slash. The OpenAI simulator uses port `port` + 1.
    If `port` is 0, the system chooses all ports. Raises `OSError` if the machine's only loopback address is 127.0.0.1,
    or a port is in use.
    """

    def __init__(self, seed: int = SEED, port: int = 0) -> None:
        self.county: County = make_county(seed)
        self.server = CountyServer(self.county)
        hosts = [site.host for site in SITES]
        self._sites = BackgroundServer(self.server.app, host=hosts[0], also=hosts[1:], port=port)
        self.port = urlsplit(self._sites.address).port
        self.roots: Mapping[str, str] = {site.key: f"http://{site.host}:{self.port}" for site in SITES}
        config = Config.from_json(openai_config(self.county, self.roots))
        self.openai = OpenAISimulator(config)
        self._openai = BackgroundServer(self.openai.app, self.openai.stopping, port=port and port + 1)
        self.openai_address = self._openai.address
        self._running = ExitStack()

    def __enter__(self) -> RunningCounty:
        self._running.enter_context(self._sites)
        self._running.enter_context(self._openai)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()
