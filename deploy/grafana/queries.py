"""PromQL of the dashboard: the parts that its expressions have in common.

Every web door gives the figures of the whole fleet, so series are first made one of all doors (`max without (instance,
pod)`) and only then summed. Variables of the dashboard: `$job` the installation, `$key` and `$model` what is looked at,
`$top` how many series a panel shows at most; `$__range` and `$__rate_interval` are Grafana's.
"""

from __future__ import annotations

RECORDED_REQUESTS = "propintel:openai_requests:rate5m"


def series(name: str, *matchers: str) -> str:
    """The selector of `name` in the installation that is looked at."""
    return f"{name}{{{', '.join(('job="$job"', *matchers))}}}"


def gauge(name: str, *matchers: str) -> str:
    return _of_all_doors(series(name, *matchers))


def rate(name: str, *matchers: str) -> str:
    """A second's worth of a counter, over the shortest time that Grafana thinks safe."""
    return _of_all_doors(f"rate({series(name, *matchers)}[$__rate_interval])")


def increase(name: str, *matchers: str, over: str = "$__range") -> str:
    return _of_all_doors(f"increase({series(name, *matchers)}[{over}])")


def total(labels: str, expression: str) -> str:
    """The sum by `labels` ("" for one number)."""
    return f"sum by ({labels}) ({expression})" if labels else f"sum({expression})"


def requests(*matchers: str) -> str:
    """Requests a second, as the rules record them."""
    return series(RECORDED_REQUESTS, 'key=~"$key"', 'model=~"$model"', *matchers)


def only_top(expression: str, rank: str, by: str = "key", pick: str = "topk") -> str:
    """`expression` for the `$top` values of `by` whose `rank` is the highest (`pick="bottomk"`: the lowest).

    `rank` has to look at one moment, the end of what is shown: else a panel shows other series at each point of time.
    """
    return f"{expression} and on ({by}) {pick}($top, {rank})"


def busiest(expression: str) -> str:
    """`expression` for the keys with the most requests in the time that is shown."""
    average = f"avg_over_time({requests()}[$__range] @ end())"
    return only_top(expression, f"sum by (key) ({average})")


def quantile(share: float, labels: str, histogram: str, *matchers: str) -> str:
    """Of a histogram's observations, by `labels` ("" for all together)."""
    kept = f"le, {labels}" if labels else "le"
    return f"histogram_quantile({share}, {total(kept, rate(f'{histogram}_bucket', *matchers))})"


def _of_all_doors(expression: str) -> str:
    return f"max without (instance, pod) ({expression})"
