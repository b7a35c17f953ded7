"""An in-process replacement for Redis that runs the pool's Lua scripts, with Redis's Lua version (5.1).

The same admission rules therefore apply with and without Redis. A property-based test (`tests/property_based`) compares
this server with Redis.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from lupa import lua51
from redis.exceptions import NoScriptError

#: Expired values are removed when the number of values with an expiry time has doubled and exceeds this minimum.
_FEWEST_TO_SWEEP = 1_024


class LocalServer:
    """Keeps hashes, sets, sorted sets, and strings by name. Thread-safe. One script runs at a time.

    It has the methods of a Redis client that `ScriptStore` needs. Its commands behave as in
    https://redis.io/docs/latest/commands, except for results that no script uses. There is no TIME command, so scripts
    get the time as an argument.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._values: dict[str, Any] = {}
        self._expires_at: dict[str, float] = {}
        self._sweep_at = _FEWEST_TO_SWEEP
        self._scripts: dict[str, Callable[[Any, Any], Any]] = {}
        self._lua = lua51.LuaRuntime(register_eval=False, register_builtins=False)
        self._table = self._lua.table_from
        names = self._lua.globals()
        names.redis = self._table({"call": self._call})
        names.cjson = self._table(
            {
                "decode": lambda text: self._table(json.loads(text), recursive=True),
                "encode": lambda table: json.dumps(_as_json(table), separators=(",", ":")),
            }
        )
        self._commands: dict[str, Callable[..., Any]] = {
            name.removeprefix("_do_").upper(): getattr(self, name) for name in dir(self) if name.startswith("_do_")
        }

    # --- methods of a Redis client

    def evalsha(self, sha: str, count: int, *parts: str | float) -> Any:
        if sha not in self._scripts:
            raise NoScriptError("No matching script")
        texts = [part if isinstance(part, str) else repr(part) for part in parts]
        with self._lock:
            return _as_lists(self._scripts[sha](self._table(texts[:count]), self._table(texts[count:])))

    def eval(self, text: str, count: int, *parts: str | float) -> Any:
        sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
        with self._lock:
            self._scripts[sha] = self._lua.execute(f"return function(KEYS, ARGV)\n{text}\nend")
        return self.evalsha(sha, count, *parts)

    def hget(self, name: str, field: str) -> str | None:
        return self.hmget(name, [field])[0]

    def hmget(self, name: str, fields: list[str]) -> list[str | None]:
        with self._lock:
            return [self._read(name, {}).get(field) for field in fields]

    def has_member(self, name: str, member: str) -> bool:
        with self._lock:
            return member in self._read(name, {})

    def hashes(self) -> Mapping[str, Mapping[str, str]]:
        with self._lock:
            return {
                name: dict(value)
                for name in list(self._values)
                if isinstance(value := self._read(name, None), dict) and isinstance(next(iter(value.values()), 0), str)
            }

    def close(self) -> None:
        """Do nothing, because there are no connections."""

    # --- values

    def _call(self, command: str, *arguments: Any) -> Any:
        return self._commands[command](*map(_text, arguments))

    def _read(self, name: str, otherwise: Any) -> Any:
        if self._expires_at.get(name, 0.0) and self._expires_at[name] <= time.monotonic():
            self._do_del(name)
        return self._values.get(name, otherwise)

    def _write(self, name: str, empty: Any) -> Any:
        value = self._read(name, None)
        if value is None:
            value = self._values[name] = empty
        return value

    def _drop_if_empty(self, name: str) -> None:
        if not self._values.get(name, True):
            self._do_del(name)

    def _ranked(self, name: str) -> list[tuple[float, str]]:
        return sorted((score, member) for member, score in self._read(name, {}).items())

    # --- commands for all types

    def _do_del(self, *names: str) -> int:
        for name in names:
            self._expires_at.pop(name, None)
        return sum(self._values.pop(name, None) is not None for name in names)

    def _do_exists(self, name: str) -> int:
        return int(self._read(name, None) is not None)

    def _do_pexpire(self, name: str, milliseconds: str) -> int:
        if self._read(name, None) is None:
            return 0
        self._expires_at[name] = time.monotonic() + float(milliseconds) / 1000
        if len(self._expires_at) > self._sweep_at:
            for one in list(self._expires_at):
                self._read(one, None)
            self._sweep_at = max(_FEWEST_TO_SWEEP, 2 * len(self._expires_at))
        return 1

    # --- strings

    def _do_get(self, name: str) -> str | bool:
        return self._read(name, False)  # type: ignore[no-any-return]

    def _do_set(self, name: str, value: str, *options: str) -> bool:
        if "NX" in options and self._read(name, None) is not None:
            return False
        self._do_del(name)
        self._values[name] = value
        if "PX" in options:
            self._do_pexpire(name, options[options.index("PX") + 1])
        return True

    # --- hashes

    def _do_hget(self, name: str, field: str) -> str | bool:
        return self._read(name, {}).get(field, False)  # type: ignore[no-any-return]

    def _do_hmget(self, name: str, *fields: str) -> Any:
        found = self._read(name, {})
        return self._table([found.get(field, False) for field in fields])

    def _do_hgetall(self, name: str) -> Any:
        return self._table([part for pair in self._read(name, {}).items() for part in pair])

    def _do_hset(self, name: str, *pairs: str) -> int:
        self._write(name, {}).update(zip(pairs[::2], pairs[1::2], strict=True))
        return len(pairs) // 2

    def _do_hsetnx(self, name: str, field: str, value: str) -> int:
        return int(self._write(name, {}).setdefault(field, value) is value)

    def _do_hincrby(self, name: str, field: str, by: str) -> int:
        found = self._write(name, {})
        number = int(found.get(field, "0")) + int(by)
        found[field] = str(number)
        return number

    def _do_hdel(self, name: str, *fields: str) -> int:
        removed = sum(self._read(name, {}).pop(field, None) is not None for field in fields)
        self._drop_if_empty(name)
        return removed

    # --- sets

    def _do_sadd(self, name: str, member: str) -> int:
        found = self._write(name, set())
        found.add(member)
        return len(found)

    def _do_srem(self, name: str, member: str) -> int:
        self._read(name, set()).discard(member)
        self._drop_if_empty(name)
        return 1

    def _do_smembers(self, name: str) -> Any:
        return self._table(sorted(self._read(name, set())))

    # --- sorted sets

    def _do_zadd(self, name: str, *parts: str) -> int:
        *options, score, member = parts
        found, at = self._write(name, {}), float(score)
        known = found.get(member)
        if known is None or not ("NX" in options or ("LT" in options and at >= known)):
            found[member] = at
        return int(known is None)

    def _do_zrem(self, name: str, member: str) -> int:
        removed = self._read(name, {}).pop(member, None) is not None
        self._drop_if_empty(name)
        return int(removed)

    def _do_zcard(self, name: str) -> int:
        return len(self._read(name, {}))

    def _do_zscore(self, name: str, member: str) -> str | bool:
        score = self._read(name, {}).get(member)
        return False if score is None else _text(score)

    def _do_zrange(self, name: str, start: str, stop: str, *options: str) -> Any:
        ranked, last = self._ranked(name), int(stop)
        chosen = ranked[int(start) : last + 1 if last >= 0 else max(0, len(ranked) + last + 1)]
        if options:
            return self._table([part for score, member in chosen for part in (member, _text(score))])
        return self._table([member for _, member in chosen])

    def _do_zrangebyscore(self, name: str, lowest: str, highest: str) -> Any:
        return self._table(self._between(name, lowest, highest))

    def _do_zrevrangebyscore(self, name: str, highest: str, lowest: str, *limit: str) -> Any:
        found = self._between(name, lowest, highest)[::-1]
        return self._table(found[int(limit[1]) :][: int(limit[2])] if limit else found)

    def _do_zremrangebyscore(self, name: str, lowest: str, highest: str) -> int:
        found = self._between(name, lowest, highest)
        for member in found:
            del self._values[name][member]
        self._drop_if_empty(name)
        return len(found)

    def _between(self, name: str, lowest: str, highest: str) -> list[str]:
        low, high = (float(bound.lstrip("(")) for bound in (lowest, highest))
        return [
            member
            for score, member in self._ranked(name)
            if low <= score <= high
            and not (lowest[0] == "(" and score == low)
            and not (highest[0] == "(" and score == high)
        ]


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.17g}"


def _as_json(value: Any) -> Any:
    """Convert a Lua value to JSON as Redis does: a table with no entry 1 becomes an object, and other tables become
    lists.
    """
    if lua51.lua_type(value) != "table":
        return value
    if value[1] is None:
        return {name: _as_json(part) for name, part in value.items()}
    return [_as_json(part) for part in value.values()]


def _as_lists(reply: Any) -> Any:
    if lua51.lua_type(reply) == "table":
        return [_as_lists(part) for part in reply.values()]
    return reply
