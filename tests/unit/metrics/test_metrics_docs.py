"""docs/metrics.md names exactly the metrics that there are, as they are."""

from __future__ import annotations

import re
from pathlib import Path

from app.services.metrics.exposition import ALL

_DOCUMENT = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| `(propintel_\w+)` \| (\w+) \| (.*?) \| (.+) \|$", re.M)


def test_the_document_and_the_code_agree_on_every_metric() -> None:
    rows = [
        (name, kind, tuple(re.findall(r"`(\w+)`", labels)), text)
        for name, kind, labels, text in _ROW.findall(_DOCUMENT)
    ]
    assert sorted(rows) == sorted((spec.shown, spec.kind, spec.labels, spec.help) for spec in ALL)


def test_the_text_speaks_of_no_other_metric() -> None:
    assert set(re.findall(r"propintel_[a-z_]+[a-z]", _DOCUMENT)) == {spec.shown for spec in ALL}


def test_no_two_metrics_share_a_name() -> None:
    assert len({spec.name for spec in ALL}) == len(ALL)
