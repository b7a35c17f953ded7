"""The simulator uses OpenAI's formats of durations, errors, and strict schemas. It shows no key."""

import pytest

from simulators.openai import protocol
from simulators.openai.config import Config, ConfigError
from simulators.openai.schema import check_strict


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.017, "17ms"), (0.9996, "1s"), (59.9999, "1m0s"), (72.5, "1m12.5s"), (3600, "1h0m0s")],
)
def test_durations_are_printed_as_openai_prints_them(seconds: float, text: str) -> None:
    assert protocol.duration(seconds) == text


def test_the_message_of_a_bad_key_does_not_show_it() -> None:
    error = protocol.invalid_key("sk-simulator-secretsecretsecret1234", None)
    assert "secretsecret" not in error.message
    assert error.body()["error"].keys() == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": [], "additionalProperties": False},
        {
            "type": "object",
            "properties": {"a": {"type": "array", "items": {"type": "object", "properties": {}}}},
            "required": ["a"],
            "additionalProperties": False,
        },
    ],
)
def test_a_schema_that_violates_strict_mode_is_refused(schema: dict[str, object]) -> None:
    with pytest.raises(protocol.ApiError) as caught:
        check_strict("property", schema)
    assert (caught.value.status, caught.value.param) == (400, "response_format")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"keys": [{"key": "a", "rmp": 1}]}, "rmp"),
        ({"keys": [{"key": "a", "behavior": "sleepy"}]}, "sleepy"),
        ({"keys": [{"key": "a"}, {"key": "a"}]}, "twice"),
        ({"key": []}, "keys"),
        ({"keys": [], "server": {"enforcement": "hour"}}, "hour"),
    ],
)
def test_an_invalid_configuration_is_reported_by_name(given: object, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        Config.from_json(given)


def test_a_key_is_not_shown_in_its_configurations_repr() -> None:
    config = Config.from_json([{"key": "sk-simulator-secretsecret"}])
    assert "secret" not in repr(config)
