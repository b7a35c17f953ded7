"""A property page's charts match its prices and locations, measured against the charts' own scales."""

from datetime import date
from typing import Any

import pytest

from app.property.storage.properties.tables import SourceRow
from web.pages.dated_prices import DatedPrice, dated_prices
from web.pages.locator import SIZE, Seen, distance, locator
from web.pages.price_chart import PriceChart, price_chart, short


def _source(url: str, **values: Any) -> SourceRow:
    return SourceRow(url=url, record=values, evidence={})


def _price(day: date, price: float, *, is_sale: bool = False) -> DatedPrice:
    return DatedPrice(day, day.isoformat(), price, "", is_sale, ("https://a.example/",))


def test_prices_of_all_sources_are_ordered_and_without_duplicates() -> None:
    history = [
        {"date": "2019-06-14", "price": 412000, "event": "Sold"},
        {"date": "2005-10", "price": 250000, "event": "Listed"}, {"date": "2001", "event": "Listed"}, {"price": 5},
        {"date": "soon", "price": 5}, {"date": "0001-01-01", "price": 5}, {"date": "2002", "price": "5"},
    ]  # fmt: skip
    found = dated_prices(
        [
            _source("https://a.example/", X_PriceHistory=history),
            _source("https://b.example/", CloseDate="2019-06-14", ClosePrice=412000.0),
            _source("https://c.example/", CloseDate="2019-06-14", ClosePrice=421000),
            _source("https://d.example/", ClosePrice=9),
        ]
    )
    assert [(row.date_text, row.price, row.is_sale, row.sources) for row in found] == [
        ("2005-10", 250000, False, ("https://a.example/",)),
        ("2019-06-14", 412000, True, ("https://a.example/", "https://b.example/")),
        ("2019-06-14", 421000, True, ("https://c.example/",)),
    ]


@pytest.mark.parametrize(
    ("event", "is_sale"),
    [
        ("Sold", True), ("Sale", True), ("Warranty deed", True), ("Last sale", True), ("Closed", True),
        ("Listed for sale", False), ("Sale pending", False), ("Price change", False), ("Back on sale", False),
        ("", False), ("Sold agreed", False), ("Sale fell through", False),
    ],
)  # fmt: skip
def test_only_a_completed_sale_counts_as_sold(event: str, is_sale: bool) -> None:
    row = {"date": "2019", "price": 5, "event": event}
    (found,) = dated_prices([_source("https://a.example/", X_PriceHistory=[row])])
    assert found.is_sale is is_sale


def _value_at(chart: PriceChart, y: float) -> float:
    low, high = chart.y_ticks[0], chart.y_ticks[-1]
    size = {"K": 1e3, "M": 1e6, "B": 1e9}
    top = float(high.text.rstrip("KMB")) * size.get(high.text[-1], 1)
    return (y - low.place) / (high.place - low.place) * top


@pytest.mark.parametrize("most", [8, 99, 1_250, 412_000, 512_345, 1_200_000, 3e9])
def test_a_price_is_drawn_at_its_place_on_the_axes(most: float) -> None:
    years = [2001, 2005, 2012, 2019, 2026]
    rows = [_price(date(year, 1, 1), most * n / 5) for n, year in enumerate(years, start=1)]
    chart = price_chart(rows)
    assert chart is not None
    assert [_value_at(chart, dot.y) for dot in chart.dots] == pytest.approx([row.price for row in rows], rel=0.02)
    assert 3 <= len(chart.y_ticks) <= 6
    x_of = dict(zip(years, (dot.x for dot in chart.dots), strict=True))
    place_of = {int(tick.text): tick.place for tick in chart.x_ticks}
    assert len(place_of) <= 9
    assert {year: place_of[year] for year in place_of if year in x_of} == pytest.approx(
        {year: x for year, x in x_of.items() if year in place_of}
    )
    assert all(0 <= dot.x <= 100 and 0 <= dot.y <= chart.height for dot in chart.dots)


def test_prices_of_one_day_are_drawn_and_one_price_makes_no_chart() -> None:
    day = date(2020, 5, 5)
    assert price_chart([_price(day, 5)]) is None
    assert price_chart([]) is None
    chart = price_chart([_price(day, 100), _price(day, 200, is_sale=True)])
    assert chart is not None
    assert chart.dots[0].x == chart.dots[1].x
    assert chart.dots[0].y > chart.dots[1].y
    assert [dot.is_sale for dot in chart.dots] == [False, True]


def test_amounts_and_distances_are_short() -> None:
    assert list(map(short, (0, 450, 250_000, 1_200_000, 3e9))) == ["0", "450", "250K", "1.2M", "3B"]
    assert list(map(distance, (0.4, 40, 1500, 2.5e6))) == ["0 m", "40 m", "1.5 km", "2,500 km"]


def test_places_are_drawn_relative_to_the_chosen_one() -> None:
    """At 60 degrees north, a thousandth of a degree is 111.2 m of latitude and half of that of longitude."""
    drawn = locator(
        [
            Seen(1, 60.0, 10.0, True),
            Seen(2, 60.001, 10.0, False),
            Seen(3, 60.0, 10.002, False),
            Seen(4, 59.999, 9.998, False),
        ]
    )
    assert drawn is not None
    here, north, east, southwest = drawn.pins
    assert (here.x, here.y, here.meters, here.direction) == (SIZE / 2, SIZE / 2, 0, "")
    assert (north.x, north.direction) == (SIZE / 2, "N")
    assert north.meters == pytest.approx(111.19, abs=0.1)
    assert (east.y, east.direction) == (SIZE / 2, "E")
    assert east.meters == pytest.approx(111.19, abs=0.1)
    assert east.x - here.x == pytest.approx(here.y - north.y, abs=0.2)
    assert southwest.direction == "SW"
    assert southwest.x < here.x
    assert southwest.y > here.y
    meters = float(drawn.bar_text.removesuffix(" m"))
    assert drawn.bar / meters == pytest.approx((here.y - north.y) / north.meters, rel=0.01)
    assert all(0 < pin.x < SIZE and 0 < pin.y < SIZE for pin in drawn.pins)
    assert 0 < drawn.bar < SIZE / 2


def test_places_across_the_date_line_are_close() -> None:
    drawn = locator([Seen(1, 0.0, 179.9995, True), Seen(2, 0.0, -179.9995, False)])
    assert drawn is not None
    assert drawn.pins[1].meters == pytest.approx(111.19, abs=0.1)
    assert drawn.pins[1].direction == "E"


def test_without_a_chosen_place_nothing_is_drawn() -> None:
    assert locator([Seen(1, 1.0, 1.0, False)]) is None
    assert locator([]) is None
