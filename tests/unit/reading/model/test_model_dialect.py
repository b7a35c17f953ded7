"""The request format that each model server accepts is learned from its error messages."""

from dataclasses import replace

import pytest

from app.property.reading.model.dialect import INITIAL_DIALECT, Dialect
from app.property.reading.model.prompt import SCHEMA, Prompt

ELSEWHERE = Dialect.of(["http://127.0.0.1:8080/v1"])
ROOMY = INITIAL_DIALECT.with_more_room()
PROMPT = Prompt(
    [{"role": "system", "content": "Read."}, {"role": "user", "content": "x"}], SCHEMA, "x", ("Roof",), 80, 10, 5
)  # fmt: skip


@pytest.mark.parametrize(
    ("url", "limit"),
    [
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://eu.api.openai.com/v1", "max_completion_tokens"),
        ("https://one.openai.azure.com/openai/v1", "max_completion_tokens"),
        ("http://127.0.0.1:11434/v1", "max_tokens"),
        ("https://api.openai.com.example.net/v1", "max_tokens"),
        ("https://gateway.example/api.openai.com/v1", "max_tokens"),
    ],
)
def test_openai_gets_the_newer_token_limit_and_other_servers_the_common_one(url: str, limit: str) -> None:
    assert Dialect.of([url]).limit == limit
    assert Dialect.of([url, "http://127.0.0.1:8080/v1"]).limit == "max_tokens"


_OLDER = {"limit": "max_tokens", "refused": frozenset({"max_completion_tokens"})}
_NEWER = {"limit": "max_completion_tokens", "refused": frozenset({"max_tokens"})}
_JSON, _TEXT = ({"shape": shape, "tells_schema": True} for shape in ("json_object", "text"))
_LESS = {"room": ROOMY.room // 4, "most_room": ROOMY.room // 4}
#: Shortened error messages of real servers.
_USE_NEWER = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
)
_EXTRA = (
    "[{'type': 'extra_forbidden', 'loc': ('body', 'max_completion_tokens'), 'msg': 'Extra inputs are not permitted'}]"
)
_DETAIL = '{"detail":[{"loc":["body","max_completion_tokens"],"msg":"Extra inputs are not permitted","input":32000}]}'
_NO_SCHEMA = "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."
_ONLY_TEXT = "'response_format.type' must be 'json_schema' or 'text'"
_LITERAL = "{'loc': ['body', 'response_format', 'type'], 'msg': \"Input should be 'text'\", 'input': 'json_schema'}"
_AT_MOST = "max_tokens is too large: 17000. This model supports at most 16384 completion tokens."
_PER_MINUTE = "Request too large for gpt-5-mini on tokens per min (TPM): Limit 9000, Requested 17412."


@pytest.mark.parametrize(
    ("status", "dialect", "message", "wanted"),
    [
        (400, ELSEWHERE, f"max_tokens {_USE_NEWER}", _NEWER),
        (400, INITIAL_DIALECT, _EXTRA, _OLDER),
        (422, INITIAL_DIALECT, _DETAIL, _OLDER),
        (400, INITIAL_DIALECT, f"response_format {_NO_SCHEMA}", _JSON),
        (400, replace(INITIAL_DIALECT, shape="json_object"), _ONLY_TEXT, _TEXT),
        (500, INITIAL_DIALECT, _LITERAL, _JSON),
        (400, ROOMY, _AT_MOST, _LESS),
        (429, ROOMY, _PER_MINUTE, _LESS),
    ],
)
def test_a_format_is_learned_from_messages_of_real_servers(
    status: int, dialect: Dialect, message: str, wanted: dict[str, object]
) -> None:
    learned = dialect.after_refusal(status, message)
    assert learned is not None
    assert {name: getattr(learned, name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("status", "dialect", "message"),
    [
        (400, ELSEWHERE, "max_tokens is too large: 900. This model's maximum context length is 512 tokens."),
        (400, INITIAL_DIALECT, "This model's maximum context length is 8192 tokens, and you requested 9000."),
        (429, INITIAL_DIALECT, "Rate limit reached for gpt-4.1-mini on tokens per min (TPM): Limit 30000, Used 29000."),
        (429, ROOMY, "Rate limit reached for gpt-4.1-mini on tokens per min (TPM): Limit 30000, Used 29000."),
        (401, INITIAL_DIALECT, "Incorrect API key provided. response_format is not supported."),
        (400, replace(INITIAL_DIALECT, shape="text"), "response_format is not supported"),
        (
            400,
            replace(ELSEWHERE, refused=frozenset({"max_completion_tokens"})),
            "Unsupported parameter: 'max_tokens' is not supported with this model.",
        ),
    ],
)
def test_nothing_is_learned_if_no_format_would_help(status: int, dialect: Dialect, message: str) -> None:
    assert dialect.after_refusal(status, message) is None


def test_in_json_mode_the_instruction_holds_the_schema() -> None:
    """JSON mode requires the word "JSON" in the messages. The model knows the fields only from the schema."""
    body = replace(INITIAL_DIALECT, shape="json_object", tells_schema=True).body("m", PROMPT)
    assert body["response_format"] == {"type": "json_object"}
    assert "JSON" in body["messages"][0]["content"]
    assert '"enum":["ListingId",' in body["messages"][0]["content"]
    assert "enum" not in PROMPT.messages[0]["content"]


def test_the_answer_limit_grows_at_once_is_bounded_and_shrinks_by_halves() -> None:
    assert ROOMY.with_room_for(100).room == ROOMY.room // 2
    assert INITIAL_DIALECT.with_room_for(2_500).room == 10_000
    assert INITIAL_DIALECT.with_room_for(10**9).room == ROOMY.most_room
    assert replace(ROOMY, most_room=5_000).with_more_room().room == 5_000
    settled = ROOMY
    for _ in range(20):
        settled = settled.with_room_for(100)
    assert settled.room == 2_048
