"""JSON pointers (RFC 6901), by which evidence names a place in a JSON body or in a page's state."""

from __future__ import annotations

from typing import Any


def below(pointer: str, key: str | int) -> str:
    """The pointer to the member or item `key` of what stands at `pointer`."""
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def key_of(token: str) -> str:
    """The key that one token of a pointer stands for."""
    return token.replace("~1", "/").replace("~0", "~")


def pointed(value: Any, pointer: str) -> Any:
    """What stands at `pointer` in `value`, else None."""
    for token in pointer.split("/")[1:]:
        key = key_of(token)
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value
