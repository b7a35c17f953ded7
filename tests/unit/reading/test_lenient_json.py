"""JSON is read in the forms that sites use: in scripts, with mistakes, and inside other JSON."""

import json

import pytest

from app.property.reading import lenient_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"postalCode":, "b": 2}', {"postalCode": None, "b": 2}),
        ('{"a": [1, 2,], "b": 3,}', {"a": [1, 2], "b": 3}),
        ('<!-- {"a": 1} -->', {"a": 1}),
        ('//<![CDATA[\n{"a": 1}\n//]]>', {"a": 1}),
        ("{a: 'x', b: [1]}", {"a": "x", "b": [1]}),
        ('{"a": "line\nbreak"}', {"a": "line\nbreak"}),
        ("", None),
    ],
)
def test_broken_json_is_repaired(text: str, value: object) -> None:
    assert lenient_json.loads(text) == value


@pytest.mark.parametrize(
    "script",
    [
        'window.__STATE__ = {"listing": {"id": 5, "price": 100000, "note": "padding padding padding"}};',
        "var STATE = {listing: {id: 5, price: 100000, note: 'padding padding padding padding'}};",
        "w.x = JSON.parse(" + json.dumps(json.dumps({"listing": {"id": 5, "price": 100000, "note": "padding"}})) + ");",
        'x.y = "{\\"listing\\": {\\"id\\": 5, \\"price\\": 100000, \\"note\\": \\"padding padding\\"}}"',
    ],
)
def test_assigned_objects_are_found_in_scripts(script: str) -> None:
    values = [value for _, _, value in lenient_json.assignments(script)]
    assert values
    assert values[0]["listing"]["id"] == 5
    assert values[0]["listing"]["price"] == 100000


def test_json_in_json_in_json_is_unpacked() -> None:
    inner = '{"c": {"price": 7, "text": "padding"}}'
    middle = {"b": inner}
    outer = {"a": json.dumps(middle)}
    assert lenient_json.unpacked(outer) == {"a": {"b": {"c": {"price": 7, "text": "padding"}}}}


@pytest.mark.parametrize(
    ("script", "values"),
    [
        (
            "new Map({ el: 'map', center: { lat: 43.65, lng: -116.45 }, marker: { title: '6203 W Tamsin Ct' } });",
            [{"el": "map", "center": {"lat": 43.65, "lng": -116.45}, "marker": {"title": "6203 W Tamsin Ct"}}],
        ),
        # not read: an object without a place, an object with code, and text outside of a call
        ("slider({ speed: 400, loop: true, arrows: false, easing: 'linear', pauseOnHover: true });", []),
        ("init({ lat: 43.65, lng: -116.45, onLoad: function () { return 1; }, padding: 'padding padding' });", []),
        ("lat: 43.65, lng: -116.45", []),
    ],
)
def test_function_arguments_that_name_a_place_are_read(script: str, values: list[object]) -> None:
    assert [value for _, value in lenient_json.arguments(script)] == values
