"""Print the Grafana dashboard, whose panels show the web server's metrics and the rules of deploy/prometheus.

The output is committed: `python deploy/grafana/make_dashboard.py > deploy/grafana/dashboard.json`.
"""

from __future__ import annotations

import itertools
import json
import sys

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)
from panels import DATASOURCE
from rows import http, jobs, keys, money, overview

ROWS = {"Overview": overview, "Keys": keys, "Jobs": jobs, "Money": money, "HTTP": http}


def build() -> dashboard.Dashboard:
    built = (
        dashboard.Dashboard("Property intelligence")
        .uid("property-intelligence")
        .description("The pool of OpenAI keys, jobs, money and HTTP of property-intelligence (docs/prometheus.md).")
        .tags(["property-intelligence", "openai", "celery"])
        .time("now-6h", "now")
        .refresh("30s")
        .timezone("utc")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .editable()
        .variables(_variables())
    )
    ids = itertools.count(1)
    for title, panels in ROWS.items():
        built.with_row(dashboard.Row(title).id(next(ids)))
        for panel in panels():
            built.with_panel(panel.id(next(ids)))
    return built


def _variables() -> list[Builder[VariableModel]]:
    key = _query_variable("key", "Key", 'label_values(propintel_openai_key_state{job="$job"}, key)')
    model = _query_variable("model", "Model", 'label_values(propintel_openai_requests_total{job="$job"}, model)')
    everything = VariableOption(text="All", value="$__all", selected=True)
    for variable in (key, model):
        variable.multi(True).include_all(True).all_value(".*").current(everything)
    top = dashboard.CustomVariable("top").label("Series at most").values("5,10,20,50")
    return [
        dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"),
        _query_variable("job", "Installation", "label_values(propintel_build_info, job)"),
        key,
        model,
        top.current(VariableOption(text="10", value="10", selected=True)),
    ]


def _query_variable(name: str, label: str, query: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


if __name__ == "__main__":
    json.dump(build().build(), sys.stdout, cls=JSONEncoder, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
