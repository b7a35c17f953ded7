"""What the readers of values share: the type of their answers, and a raw value as text."""

from __future__ import annotations

from typing import Any

Value = tuple[str, Any, str | None]  # field, value, unit


def text_of(raw: Any) -> str:
    if isinstance(raw, list):
        return ", ".join(str(v) for v in raw)
    return str(raw)
