"""The Lua functions of `app/keypool/stores/lua`, run in this process. Meters, buckets, and charges are Lua tables."""

import re
from typing import Any

import pytest
from lupa import lua51

from app.keypool.breaker import Policy
from app.keypool.spending import NO_BUDGET
from app.keypool.stores.scripts import shared_text

NOW_US = 1_793_534_400_000_000


class LuaRules:
    """The Lua functions as attributes, such as `rules.meter_free_at(...)`. `C` is the table of constants."""

    def __init__(self) -> None:
        text = shared_text(Policy(), NO_BUDGET)
        names = ["C", *re.findall(r"^local function (\w+)", text, re.MULTILINE)]
        exported = ", ".join(f"{name} = {name}" for name in names)
        lua = lua51.LuaRuntime(register_eval=False, register_builtins=False)
        self.table = lua.table_from
        lua.globals().KEYS = self.table(["pool"])
        self._functions = lua.execute(f"{text}\nreturn {{{exported}}}")

    def __getattr__(self, name: str) -> Any:
        return self._functions[name]

    def meter(self, per_minute: float | None = None, capacity: float = 1, **fields: float) -> Any:
        """Return a full rate-limit meter whose burst equals its capacity. `fields` sets further one-letter fields."""
        usual = {"l": per_minute, "c": capacity, "a": capacity, "s": 1, **dict.fromkeys("fxpynig", 0.0)}
        return self.table({**usual, **fields})

    def bucket(self, requests: Any, tokens: Any) -> Any:
        guess = {"n": 0, "at": 0, "cut": 0}
        return self.table({"r": requests, "t": tokens, "cooldown": 0, "guess": self.table(guess)})

    def reading(self, limit: float, remaining: float, reset_us: float) -> Any:
        return self.table({"limit": limit, "remaining": remaining, "reset_us": reset_us})

    def charge(self, meter: Any = None) -> Any:
        """Return the charge that a lease stores for a meter, or an empty charge without a meter."""
        return self.table({field: meter[field] if meter else 0.0 for field in "fxpyn"})

    def copy(self, table: Any, **fields: Any) -> Any:
        return self.table({**dict(table.items()), **fields})


@pytest.fixture(scope="session")
def rules() -> LuaRules:
    return LuaRules()
