"""Build the dashboard's panels, with one function per kind of panel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

#: A variable of the dashboard, so that users can choose the data source.
DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
#: Maps each legend, such as "{{key}}", to its PromQL expression.
Lines = Mapping[str, str]
Panel = bargauge.Panel | stat.Panel | statetimeline.Panel | timeseries.Panel
#: Maps each value to its text and color.
Words = Mapping[int, tuple[str, str]]


def graph(
    title: str, lines: Lines, unit: str = "short", *, width: int = 8, about: str = "", stack: bool = False
) -> Panel:
    """Return a panel with lines over time, and a table with the latest and the highest value of each line."""
    legend = (
        common.VizLegendOptions()
        .display_mode(common_models.LegendDisplayMode.TABLE)
        .placement(common_models.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
        .sort_by("Max")
        .sort_desc(True)
    )
    tooltip = (
        common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI).sort(common_models.SortOrder.DESCENDING)
    )
    panel = (
        timeseries.Panel()
        .unit(unit)
        .min(0)
        .legend(legend)
        .tooltip(tooltip)
        .show_points(common_models.VisibilityMode.NEVER)
    )
    panel.fill_opacity(40 if stack else 0).line_width(1)
    if stack:
        panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
    return _filled(panel, title, lines, about, width=width, height=9)


def number(
    title: str,
    lines: Lines,
    unit: str = "short",
    *,
    steps: Sequence[tuple[float | None, str]] = ((None, "text"),),
    words: Words | None = None,
    name_only: bool = False,
    about: str = "",
) -> Panel:
    """Return a panel with the latest value in large digits. `steps` are pairs (lower bound or None, color)."""
    panel = stat.Panel().unit(unit).thresholds(_thresholds(steps)).graph_mode(common_models.BigValueGraphMode.NONE)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    if words:
        panel.mappings([_value_map(words)])
    if name_only:
        panel.text_mode(common_models.BigValueTextMode.NAME)
    return _filled(panel, title, lines, about, width=4, height=4, instant=True)


def bars(
    title: str, lines: Lines, unit: str, *, steps: Sequence[tuple[float | None, str]], width: int = 8, about: str = ""
) -> Panel:
    """Return a panel with the latest values as bars, one below another."""
    panel = bargauge.Panel().unit(unit).min(0).thresholds(_thresholds(steps))
    panel.color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
    panel.orientation(common_models.VizOrientation.HORIZONTAL).display_mode(common_models.BarGaugeDisplayMode.BASIC)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    return _filled(panel, title, lines, about, width=width, height=9, instant=True)


def timeline(title: str, lines: Lines, words: Words, *, about: str) -> Panel:
    """Return a panel with one strip for each series, colored by state."""
    panel = statetimeline.Panel().mappings([_value_map(words)]).show_value(common_models.VisibilityMode.NEVER)
    panel.merge_values(True).row_height(0.8).fill_opacity(70).line_width(0)
    return _filled(panel, title, lines, about, width=24, height=10)


def _filled(
    panel: Panel, title: str, lines: Lines, about: str, *, width: int, height: int, instant: bool = False
) -> Panel:
    panel.title(title).datasource(DATASOURCE).span(width).height(height)
    if about:
        panel.description(about)
    for ref_id, (legend, expression) in zip(ascii_uppercase, lines.items(), strict=False):
        query = prometheus.Dataquery().ref_id(ref_id).datasource(DATASOURCE).expr(expression).legend_format(legend)
        panel.with_target(query.instant() if instant else query.range())
    return panel


def _thresholds(steps: Sequence[tuple[float | None, str]]) -> dashboard.ThresholdsConfig:
    return (
        dashboard.ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(value=value, color=color) for value, color in steps])
    )


def _value_map(words: Words) -> ValueMap:
    options = {
        str(value): ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(words.items())
    }
    return ValueMap(options=options)
