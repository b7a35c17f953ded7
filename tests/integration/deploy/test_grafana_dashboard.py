"""Grafana's schema accepts the dashboard in deploy/grafana, and every panel shows data."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.cog.runtime import panelcfg_config
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel
from grafana_foundation_sdk.models.prometheus import Dataquery

from tests.integration.deploy.metrics_endpoint import KEYS, MetricsEndpoint
from tests.integration.deploy.prometheus_server import PrometheusServer
from tests.integration.deploy.vocabulary import DASHBOARD, GENERATOR, known_series, mistakes
from tests.plugins.waiting import wait_for

#: Values that replace variables in the dashboard's expressions: Grafana's built-in variables and the dashboard's own.
_VARIABLES = {"__rate_interval": "1m", "__range": "5m", "job": "propintel", "key": ".*", "model": ".*", "top": "10"}
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)\}")


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    return dict(json.loads(DASHBOARD.read_text()))


def _targets(dashboard: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target


def _filled(expression: str) -> str:
    return _VARIABLE.sub(lambda found: _VARIABLES[found[1] or found[2]], expression)


def test_the_committed_dashboard_matches_the_generator() -> None:
    printed = subprocess.run([sys.executable, GENERATOR], capture_output=True, text=True, check=True, timeout=300)
    assert printed.stdout == DASHBOARD.read_text()


def test_grafanas_schema_accepts_the_whole_dashboard(dashboard: dict[str, Any]) -> None:
    """Grafana drops fields that it does not know or that belong to another panel type."""
    register_default_plugins()
    types = {panel["type"] for panel in dashboard["panels"]} - {"row"}
    assert {name for name in types if panelcfg_config(name) is None} == set(), "Grafana does not have these panel types"
    read = Dashboard.from_json(dashboard)
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == dashboard
    queries = [query for panel in read.panels or [] if isinstance(panel, Panel) for query in panel.targets or []]
    assert {type(query) for query in queries} == {Dataquery}
    assert dashboard["schemaVersion"] == 41, "the schema version must match Grafana 11.6"


def test_panels_are_on_the_grid_and_do_not_overlap(dashboard: dict[str, Any]) -> None:
    """Grafana would move panels that overlap."""
    places = {panel["title"]: panel["gridPos"] for panel in dashboard["panels"]}
    assert len(places) == len(dashboard["panels"]), "two panels with one title"
    for title, place in places.items():
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24, title
    for (title, one), (other_title, other) in combinations(places.items(), 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, f"{title} overlaps {other_title}"


def test_no_data_source_is_fixed(dashboard: dict[str, Any]) -> None:
    """The data source is chosen at import, because its ID differs between installations."""
    sources = [panel["datasource"] for panel in dashboard["panels"] if panel["type"] != "row"]
    sources += [target["datasource"] for _, target in _targets(dashboard)]
    sources += [each["datasource"] for each in dashboard["templating"]["list"] if each["type"] == "query"]
    assert {source["uid"] for source in sources} == {"${datasource}"}


def test_used_and_defined_variables_match(dashboard: dict[str, Any]) -> None:
    used = {found[1] or found[2] for found in _VARIABLE.finditer(json.dumps(dashboard))}
    defined = {variable["name"] for variable in dashboard["templating"]["list"]}
    assert {name for name in used if not name.startswith("__")} == defined
    assert {name for name in used if name.startswith("__")} <= {"__rate_interval", "__range", "__all"}


def test_expressions_and_legends_use_existing_metrics_and_labels(dashboard: dict[str, Any]) -> None:
    known = known_series()
    labels = set().union(*(metric.labels for metric in known.values()))
    found = {}
    for title, target in _targets(dashboard):
        wrong = mistakes(_filled(target["expr"]), known)
        wrong += [
            f"no label {name}" for name in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]) if name not in labels
        ]
        if wrong:
            found[title] = wrong
    assert found == {}


def test_variables_use_existing_labels(dashboard: dict[str, Any]) -> None:
    known = known_series()
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"])
            assert found, variable["name"]
            assert mistakes(f"count by ({found[2]}) ({_filled(found[1])})", known) == [], variable["name"]


@pytest.mark.prometheus
def test_every_panel_shows_data_of_a_busy_fleet(
    dashboard: dict[str, Any], prometheus_server: PrometheusServer, healthy_metrics: MetricsEndpoint
) -> None:
    healthy_metrics.show_everything()
    healthy_metrics.set_state(KEYS[1], "dead")

    def empty() -> list[str]:
        queries = {f"{title}: {target['refId']}": _filled(target["expr"]) for title, target in _targets(dashboard)}
        return [name for name, expression in queries.items() if not prometheus_server.query(expression)]

    wait_for(empty, lambda names: not names, "empty")


@pytest.mark.prometheus
def test_the_timeline_shows_only_keys_that_were_unavailable(
    dashboard: dict[str, Any], prometheus_server: PrometheusServer, healthy_metrics: MetricsEndpoint
) -> None:
    """With hundreds of keys, the healthy ones would hide the others."""
    healthy_metrics.set_state(KEYS[1], "dead")
    (target,) = [target for title, target in _targets(dashboard) if title == "States of keys that were out of rotation"]
    query = _filled(target["expr"])
    samples = wait_for(lambda: prometheus_server.query(query), bool, "no state")
    assert [(sample["metric"], sample["value"][1]) for sample in samples] == [({"key": KEYS[1]}, "6")]
