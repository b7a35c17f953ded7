"""Docs name only existing metrics. The list of metrics is generated: docs/reference/metrics.md."""

from __future__ import annotations

import re

from app.services.reports.metrics.instruments import ALL
from tests.plugins.documented import ROOT, pages

_NAME = re.compile(r"propintel_[a-z][a-z_]*[a-z]")
_PARTS = ("_bucket", "_sum", "_count")


def test_no_page_names_a_missing_metric() -> None:
    known = {spec.shown for spec in ALL} | {spec.name + part for spec in ALL for part in _PARTS}
    unknown = {
        f"{page.relative_to(ROOT)}: {name}"
        for page in pages()
        for name in _NAME.findall(page.read_text(encoding="utf-8"))
        if name not in known
    }
    assert unknown == set()


def test_no_two_metrics_share_a_name() -> None:
    assert len({spec.name for spec in ALL}) == len(ALL)
