"""Values as people read them on the pages."""

from __future__ import annotations

import json
from typing import Any


def in_words(value: Any) -> str:
    """Yes and no, thousands apart, lists with commas, rows a line each."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}" if abs(value) >= 10_000 else f"{value}"
    if isinstance(value, list):
        if all(isinstance(item, dict) for item in value):
            return "\n".join(", ".join(f"{name} {in_words(part)}" for name, part in item.items()) for item in value)
        return ", ".join(in_words(item) for item in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
