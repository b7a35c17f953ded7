"""The key store for a single process without Redis."""

from collections.abc import Sequence
from typing import Any

from app.keypool.figures import Scope
from app.keypool.keys import ApiKey
from app.keypool.stores.local_server import LocalServer
from app.keypool.stores.script_store import ScriptStore
from app.keypool.stores.server_time import Now


class MemoryStore(ScriptStore):
    """`options` are passed to `ScriptStore`."""

    scope: Scope = "process"
    blocking = False
    _server: LocalServer

    def __init__(self, keys: Sequence[ApiKey], strategy: str, clock: Now, **options: Any) -> None:
        super().__init__(keys, strategy, LocalServer(), clock=clock, **options)
