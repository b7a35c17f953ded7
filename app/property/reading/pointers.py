"""Build and follow JSON pointers (RFC 6901), which locate evidence in a JSON body or a page's state."""

from typing import Any


def below(pointer: str, key: str | int) -> str:
    """Return the pointer to the member or item `key` of the value at `pointer`."""
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def key_of(token: str) -> str:
    """Return the key or index that a pointer's token encodes."""
    return token.replace("~1", "/").replace("~0", "~")


def pointed(value: Any, pointer: str) -> Any:
    """Return the value at `pointer` in `value`, or None if the pointer leads nowhere."""
    for token in pointer.split("/")[1:]:
        key = key_of(token)
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value
