"""Common parts of the dashboard's PromQL expressions.

Every web server exports the metrics of the whole fleet. So each series is first reduced to one per fleet (`max without
(instance, pod)`), and then summed. The dashboard has the variables `$job` (the installation), `$key` and `$model` (the
selection), and `$top` (the maximum number of series in a panel). `$__range` and `$__rate_interval` are variables of
Grafana.
"""

from __future__ import annotations

RECORDED_REQUESTS = "propintel:openai_requests:rate5m"


def series(name: str, *matchers: str) -> str:
    return f"{name}{{{', '.join(('job="$job"', *matchers))}}}"


def gauge(name: str, *matchers: str) -> str:
    return _across_web_servers(series(name, *matchers))


def rate(name: str, *matchers: str) -> str:
    """Return a counter's increase per second, over Grafana's recommended interval."""
    return _across_web_servers(f"rate({series(name, *matchers)}[$__rate_interval])")


def increase(name: str, *matchers: str, over: str = "$__range") -> str:
    return _across_web_servers(f"increase({series(name, *matchers)}[{over}])")


def total(labels: str, expression: str) -> str:
    """Return the sum by `labels`; "" gives the total."""
    return f"sum by ({labels}) ({expression})" if labels else f"sum({expression})"


def requests(*matchers: str) -> str:
    """Return the requests per second to OpenAI, as stored by the recording rules."""
    return series(RECORDED_REQUESTS, 'key=~"$key"', 'model=~"$model"', *matchers)


def only_top(expression: str, rank: str, by: str = "key", pick: str = "topk") -> str:
    """Return `expression` for the `$top` values of the label `by` with the highest `rank` (`pick="bottomk"`: the
    lowest).

    `rank` must be evaluated at the end of the shown time range, or else the panel shows other series at each point in
    time.
    """
    return f"{expression} and on ({by}) {pick}($top, {rank})"


def busiest(expression: str) -> str:
    average = f"avg_over_time({requests()}[$__range] @ end())"
    return only_top(expression, f"sum by (key) ({average})")


def quantile(share: float, labels: str, histogram: str, *matchers: str) -> str:
    """Return a quantile of a histogram's observations by `labels`; "" gives the quantile of all."""
    kept = f"le, {labels}" if labels else "le"
    return f"histogram_quantile({share}, {total(kept, rate(f'{histogram}_bucket', *matchers))})"


def _across_web_servers(expression: str) -> str:
    return f"max without (instance, pod) ({expression})"
