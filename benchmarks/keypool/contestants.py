"""The contestants of the benchmark."""

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.keypool.processes import PEERS_PYTHON


@dataclass(frozen=True)
class Entry:
    """A contestant: `module` in `worker/contestants`, built with `option`. `pooled` is False for the baseline."""

    name: str
    label: str
    module: str
    option: str = ""
    ours: bool = False
    uses_redis: bool = True
    pooled: bool = True

    @property
    def python(self) -> Path:
        return Path(sys.executable) if self.ours else PEERS_PYTHON


ENTRIES: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry("ours", "this project", "ours", ours=True),
        Entry("sdk", "SDK rotating keys itself", "rotating_sdk", uses_redis=False),
        Entry("litellm_shuffle", "LiteLLM Router, simple-shuffle", "litellm_router", "simple-shuffle"),
        Entry("litellm_usage", "LiteLLM Router, usage-based-routing-v2", "litellm_router", "usage-based-routing-v2"),
        Entry("token_throttle", "token-throttle, limits given", "token_throttle_peer"),
        Entry("bare", "bare SDK, one unlimited key", "bare_sdk", ours=True, uses_redis=False, pooled=False),
    )
}
