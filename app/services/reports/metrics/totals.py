"""The fleet's counts in Redis: one hash for all processes, to which each adds its reports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from importlib import resources

import redis
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from app.services.reports.metrics.outbox import Report, decode
from app.services.reports.metrics.specs import Spec

_NAME = "{propintel}:metrics"
#: a report whose confirmation was lost is sent again within seconds of the next connection
_REMEMBERED_SECONDS = 7 * 86_400
#: totals to which nobody adds are forgotten
_KEPT_SECONDS = 35 * 86_400


class Totals:
    """Raises `redis.RedisError` as the connection does. Thread-safe as far as that is."""

    def __init__(self, connection: redis.Redis) -> None:
        self._connection = connection
        script = resources.files("app.services.reports.metrics").joinpath("lua", "add.lua").read_text(encoding="utf-8")
        self._add = connection.register_script(script)

    def add(self, process: str, report: Report) -> None:
        """Add a report of `process` (a name that no other process has or had). Repeating it adds nothing."""
        pairs = [part for series, grown in report.counted.items() for part in (series, repr(grown))]
        names = (_NAME, f"{_NAME}:reported:{process}")
        self._add(keys=names, args=(report.number, _REMEMBERED_SECONDS, _KEPT_SECONDS, *pairs))

    def read(self) -> dict[str, float]:
        """All series and their totals."""
        found: dict[bytes, bytes] = self._connection.hgetall(_NAME)  # type: ignore[assignment]
        return {series.decode(): float(total) for series, total in found.items()}

    def close(self) -> None:
        self._connection.close()


def families(specs: Iterable[Spec], totals: Mapping[str, float] | None) -> list[Metric]:
    """Every family of `specs` with its samples in `totals`; one without labels, or that `begins`, has at least its 0s.

    Series of metrics that this version does not know are left out. None: nobody knows the totals now, so there is no
    sample; a 0 would look as if all had begun anew.
    """
    if totals is None:
        return [spec.family() for spec in specs]
    found: _Found = defaultdict(list)
    for series, total in sorted(totals.items()):
        try:
            name, labels = decode(series)
        except ValueError:
            continue
        found[name].append((labels, total))
    return [_histogram(spec, found) if spec.kind == "histogram" else _counter(spec, found) for spec in specs]


_Found = defaultdict[str, list[tuple[dict[str, str], float]]]


def _counter(spec: Spec, found: _Found) -> Metric:
    zeros = dict.fromkeys(spec.first, 0.0)
    return spec.family(zeros | _by_labels(found[spec.shown], spec.label_names))


def _histogram(spec: Spec, found: _Found) -> Metric:
    family = spec.family()
    bounds = [*map(floatToGoString, spec.bounds), "+Inf"]
    counted = _by_labels(found[f"{spec.name}_bucket"], (*spec.label_names, "le"))
    sums = _by_labels(found[f"{spec.name}_sum"], spec.label_names)
    for values in sorted({labels[:-1] for labels in counted} or ({()} if not spec.labels else set())):
        labels = dict(zip(spec.label_names, values, strict=True))
        for bound in bounds:  # one in which nothing ever was has not been reported
            total = counted.get((*values, bound), 0.0)
            family.samples.append(Sample(f"{spec.name}_bucket", {**labels, "le": bound}, total))
        family.samples.append(Sample(f"{spec.name}_count", labels, counted.get((*values, "+Inf"), 0.0)))
        family.samples.append(Sample(f"{spec.name}_sum", labels, sums.get(values, 0.0)))
    return family


def _by_labels(
    samples: Iterable[tuple[Mapping[str, str], float]], names: tuple[str, ...]
) -> dict[tuple[str, ...], float]:
    """The samples that have these labels and no other: an older version may have counted by others."""
    return {tuple(labels[n] for n in names): total for labels, total in samples if set(labels) == set(names)}
