"""Each threat of the documented threat model has an existing test or is marked as not defended."""

from __future__ import annotations

import re
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_TABLE = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (_ROOT / "docs" / "security.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| threat ")
]


def test_every_threat_has_a_test_or_is_not_defended() -> None:
    assert len(_TABLE) > 30
    for threat, defense, *tested in _TABLE:
        named = re.findall(r"`(tests/[^`]+)`", tested[0]) if tested else []
        assert named or "**Not defended" in defense, threat
        for path in named:
            assert (_ROOT / path).exists(), (threat, path)
