"""What a process reports: differences, each once, whatever becomes of a confirmation."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram

from app.services.reports.metrics.outbox import Outbox, decode, encode

_AWKWARD = ['say "hi"', "two\nlines", "back\\slash", "", "{a=1},b", "Straße 5 · 東京", "\u2028"]


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.mark.parametrize("value", _AWKWARD)
def test_any_label_value_comes_back_as_it_was(value: str) -> None:
    assert decode(encode("pages_total", {"outcome": value, "le": "+Inf"})) == (
        "pages_total",
        {"outcome": value, "le": "+Inf"},
    )


def test_one_series_has_one_text() -> None:
    """Two processes that name the labels in another order add to the same total."""
    assert encode("a", {"x": "1", "y": "2"}) == encode("a", {"y": "2", "x": "1"})
    assert len({encode("a", {"x": value}) for value in _AWKWARD}) == len(_AWKWARD)
    assert encode("a", {"x": '","y":"'}) != encode("a", {"x": "", "y": ""})


@pytest.mark.parametrize("field", ["", "no json", "[]", '["a"]', '["a",{"x":1}]', "[1,{}]", '{"a":{}}'])
def test_a_field_that_names_no_series_is_an_error(field: str) -> None:
    with pytest.raises(ValueError):
        decode(field)


def test_only_what_has_changed_is_reported_and_once(registry: CollectorRegistry) -> None:
    pages = Counter("pages", "-", ["outcome"], registry=registry)
    Counter("idle", "-", registry=registry)
    outbox = Outbox(registry)
    assert outbox.report() is None
    pages.labels("a").inc()
    pages.labels("b").inc(2)
    first = outbox.report()
    assert first is not None
    assert (first.number, first.counted) == (
        1,
        {encode("pages_total", {"outcome": "a"}): 1.0, encode("pages_total", {"outcome": "b"}): 2.0},
    )
    outbox.confirm()
    assert outbox.report() is None
    pages.labels("b").inc()
    second = outbox.report()
    assert second is not None
    assert (second.number, second.counted) == (2, {encode("pages_total", {"outcome": "b"}): 1.0})


def test_an_unconfirmed_report_stays_as_it_is_and_what_follows_goes_into_the_next(registry: CollectorRegistry) -> None:
    """It may have been added: under its number it must not say something else."""
    pages = Counter("pages", "-", registry=registry)
    outbox = Outbox(registry)
    pages.inc()
    sent = outbox.report()
    pages.inc(5)
    assert outbox.report() == sent
    outbox.confirm()
    following = outbox.report()
    assert following is not None
    assert (following.number, list(following.counted.values())) == (2, [5.0])


def test_what_was_counted_before_is_another_s_to_report(registry: CollectorRegistry) -> None:
    """As in a forked child, which begins with its parent's numbers."""
    pages = Counter("pages", "-", registry=registry)
    pages.inc(7)
    outbox = Outbox(registry)
    assert outbox.report() is None
    pages.inc()
    report = outbox.report()
    assert report is not None
    assert list(report.counted.values()) == [1.0]


def test_the_buckets_of_a_histogram_are_reported_where_they_grew(registry: CollectorRegistry) -> None:
    seconds = Histogram("seconds", "-", registry=registry, buckets=(1.0, 2.0, 5.0))
    outbox = Outbox(registry)
    seconds.observe(1.5)
    report = outbox.report()
    assert report is not None
    assert report.counted == {
        encode("seconds_bucket", {"le": "2.0"}): 1.0,
        encode("seconds_bucket", {"le": "5.0"}): 1.0,
        encode("seconds_bucket", {"le": "+Inf"}): 1.0,
        encode("seconds_count", {}): 1.0,
        encode("seconds_sum", {}): 1.5,
    }
