"""The dashboard of deploy/grafana: what Grafana would read of it, and whether its panels would show anything."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.cog.runtime import panelcfg_config
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel
from grafana_foundation_sdk.models.prometheus import Dataquery

from tests.integration.deploy.metrics_endpoint import KEYS, DoorMetrics
from tests.integration.deploy.files import DASHBOARD, GENERATOR
from tests.integration.deploy.prometheus_server import PrometheusServer, wait_for
from tests.integration.deploy.vocabulary import known_series, mistakes

#: what Grafana puts in their place, and the variables of the dashboard as they are set at first
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


def test_the_committed_dashboard_is_what_the_generator_prints() -> None:
    """Nobody edits one without the other."""
    printed = subprocess.run([sys.executable, GENERATOR], capture_output=True, text=True, check=True, timeout=300)
    assert printed.stdout == DASHBOARD.read_text()


def test_grafanas_own_types_read_all_of_it(dashboard: dict[str, Any]) -> None:
    """A field that Grafana does not know is lost on the way, as is one that is not its panel's."""
    register_default_plugins()
    types = {panel["type"] for panel in dashboard["panels"]} - {"row"}
    assert {name for name in types if panelcfg_config(name) is None} == set(), "types of panels that Grafana lacks"
    read = Dashboard.from_json(dashboard)
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == dashboard
    queries = [query for panel in read.panels or [] if isinstance(panel, Panel) for query in panel.targets or []]
    assert {type(query) for query in queries} == {Dataquery}
    assert dashboard["schemaVersion"] == 41, "that of Grafana 11.6"


def test_panels_have_ids_of_their_own(dashboard: dict[str, Any]) -> None:
    """Links and alerts of Grafana know panels by id."""
    ids = Counter(panel["id"] for panel in dashboard["panels"])
    assert [number for number, count in ids.items() if count > 1] == []


def test_panels_lie_on_the_grid_and_not_on_each_other(dashboard: dict[str, Any]) -> None:
    """The grid is 24 columns wide; Grafana would push apart what overlaps, in an order of its own."""
    places = {panel["title"]: panel["gridPos"] for panel in dashboard["panels"]}
    assert len(places) == len(dashboard["panels"]), "two panels with one title"
    for title, place in places.items():
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24, title
    for (title, one), (other_title, other) in combinations(places.items(), 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, f"{title} lies on {other_title}"


def test_rows_follow_the_questions_of_an_operator(dashboard: dict[str, Any]) -> None:
    """From the state of the whole to the doors."""
    rows = [panel["title"] for panel in dashboard["panels"] if panel["type"] == "row"]
    assert rows == ["Overview", "Keys", "Jobs", "Money", "HTTP"]


def test_no_data_source_is_named(dashboard: dict[str, Any]) -> None:
    """It is chosen where the dashboard is imported: a uid is of one Grafana only."""
    sources = [panel["datasource"] for panel in dashboard["panels"] if panel["type"] != "row"]
    sources += [target["datasource"] for _, target in _targets(dashboard)]
    sources += [each["datasource"] for each in dashboard["templating"]["list"] if each["type"] == "query"]
    assert {source["uid"] for source in sources} == {"${datasource}"}


def test_every_variable_that_is_used_is_defined(dashboard: dict[str, Any]) -> None:
    """And the other way round; Grafana's own begin with two underscores."""
    used = {found[1] or found[2] for found in _VARIABLE.finditer(json.dumps(dashboard))}
    defined = {variable["name"] for variable in dashboard["templating"]["list"]}
    assert {name for name in used if not name.startswith("__")} == defined
    assert {name for name in used if name.startswith("__")} <= {"__rate_interval", "__range", "__all"}


def test_expressions_and_legends_speak_of_metrics_and_labels_that_there_are(dashboard: dict[str, Any]) -> None:
    """A panel about a metric that nobody exports stays empty, and nobody notices."""
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


def test_variables_are_values_of_labels_that_there_are(dashboard: dict[str, Any]) -> None:
    """`label_values(selector, label)`."""
    known = known_series()
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"])
            assert found, variable["name"]
            assert mistakes(f"count by ({found[2]}) ({_filled(found[1])})", known) == [], variable["name"]


@pytest.mark.prometheus
def test_promtool_accepts_every_expression(dashboard: dict[str, Any], promtool: str, tmp_path: Path) -> None:
    """As a recording rule each, so that one run reads them all."""
    expressions = {_filled(target["expr"]): title for title, target in _targets(dashboard)}
    rules = [
        {"record": f"panel:{number}", "expr": expression, "labels": {"panel": title}}
        for number, (expression, title) in enumerate(expressions.items())
    ]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.prometheus
def test_every_panel_shows_something_of_a_fleet_at_work(
    dashboard: dict[str, Any], prometheus_server: PrometheusServer, door_metrics: DoorMetrics
) -> None:
    """Joins and filters match: with every metric exported, and a key that is dead, no query comes back empty."""
    door_metrics.show_everything()
    door_metrics.set_state(KEYS[1], "dead")

    def empty() -> list[str]:
        queries = {f"{title}: {target['refId']}": _filled(target["expr"]) for title, target in _targets(dashboard)}
        return [name for name, expression in queries.items() if not prometheus_server.query(expression)]

    wait_for(empty, lambda names: not names, "empty")


@pytest.mark.prometheus
def test_the_timeline_shows_keys_that_were_out_of_rotation_and_no_other(
    dashboard: dict[str, Any], prometheus_server: PrometheusServer, door_metrics: DoorMetrics
) -> None:
    """With hundreds of keys, those that are in order would hide the few that are not."""
    door_metrics.set_state(KEYS[1], "dead")
    (target,) = [target for title, target in _targets(dashboard) if title == "States of keys that were out of rotation"]
    query = _filled(target["expr"])
    samples = wait_for(lambda: prometheus_server.query(query), bool, "no state")
    assert [(sample["metric"], sample["value"][1]) for sample in samples] == [({"key": KEYS[1]}, "6")]
