"""Parse and write OpenAI's JSON: chat completions, responses, embeddings, and models.

Source: https://platform.openai.com/docs/api-reference (2025-11). Responses have only the members that clients read.
"""

import base64
import hashlib
import itertools
import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from simulators.openai.answers import Answer
from simulators.openai.protocol import bad_request
from simulators.openai.schema import check_strict

_TIERS = ("auto", "default", "flex", "priority", "fast")
CHARACTERS_A_TOKEN = 4
DEFAULT_MODELS = ("gpt-4.1-mini", "gpt-4.1", "gpt-4o", "gpt-4o-mini", "gpt-4", "text-embedding-3-small")


@dataclass(frozen=True)
class ModelRequest:
    """A request in a form common to all endpoints.

    The token estimate is computed from `characters`. `prompt` is the SHA-256 of the messages, or "" for embeddings.
    `tier` is the requested `service_tier`. The server replaces "auto", the default, with the tier of the project.
    `limit` is the name of the parameter that limits the answer's length. `format` is the type of the response format.
    `instruction` is the text of all messages that are not the user's, and `whole` the text of all messages. The server
    fills in `cached_tokens` (`prompt_cache.py`).
    """

    model: str
    text: str
    characters: int
    max_tokens: float
    schema: Mapping[str, Any] | None = None
    as_json: bool = False
    stream: bool = False
    include_usage: bool = False
    prompt: str = ""
    tier: str = "auto"
    limit: str = ""
    format: str = "text"
    instruction: str = ""
    whole: str = ""
    cached_tokens: int = 0


def prompt_sha256(messages: Any) -> str:
    """Return the SHA-256 of the messages (compact JSON with sorted names), which identifies a question in
    `/control/prompts`."""
    return hashlib.sha256(json.dumps(messages, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(
            p.get("text", "") for p in content if isinstance(p, Mapping) and isinstance(p.get("text"), str)
        )
    return ""


def _model(body: Mapping[str, Any]) -> str:
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise bad_request("you must provide a model parameter")
    return model


def _schema(given: Any) -> tuple[Mapping[str, Any] | None, bool]:
    """Return the schema of a `json_schema` format, and whether the answer must be JSON. Raises `ApiError` 400."""
    if not isinstance(given, Mapping) or given.get("type") in (None, "text"):
        return None, False
    if given["type"] == "json_object":
        return None, True
    inner = given.get("json_schema", given)
    if not isinstance(inner, Mapping) or not isinstance(inner.get("schema"), Mapping) or not inner.get("name"):
        raise bad_request("Missing required parameter: 'response_format.json_schema'.", "response_format.json_schema")
    if inner.get("strict"):
        check_strict(str(inner["name"]), inner["schema"])
    return inner["schema"], True


def _tier(body: Mapping[str, Any]) -> str:
    given = body.get("service_tier")
    if given is None:
        return "auto"
    if given not in _TIERS:
        message = f"Invalid value: {given!r}. Supported values are: {', '.join(map(repr, _TIERS))}."
        raise bad_request(message, "service_tier", "invalid_value")
    return "priority" if given == "fast" else str(given)


def _first_number(body: Mapping[str, Any], *names: str) -> float:
    return next((float(body[n]) for n in names if isinstance(body.get(n), int | float)), 0.0)


def _format(given: Any) -> str:
    return str(given.get("type", "text")) if isinstance(given, Mapping) else "text"


def read_chat(body: Mapping[str, Any]) -> ModelRequest:
    """Parse a `POST /v1/chat/completions` body. Raises `ApiError` 400."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages or not all(isinstance(m, Mapping) for m in messages):
        raise bad_request("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    schema, as_json = _schema(body.get("response_format"))
    texts = [(m.get("role"), _text_of(m.get("content"))) for m in messages]
    options = body.get("stream_options")
    return ModelRequest(
        model=_model(body),
        text="\n".join(text for role, text in texts if role == "user"),
        characters=sum(len(text) for _, text in texts),
        max_tokens=_first_number(body, "max_completion_tokens", "max_tokens"),
        schema=schema,
        as_json=as_json,
        stream=bool(body.get("stream")),
        include_usage=isinstance(options, Mapping) and bool(options.get("include_usage")),
        prompt=prompt_sha256(messages),
        tier=_tier(body),
        limit=next((name for name in ("max_completion_tokens", "max_tokens") if name in body), ""),
        format=_format(body.get("response_format")),
        instruction="\n".join(text for role, text in texts if role != "user"),
        whole="".join(text for _, text in texts),
    )


def read_responses(body: Mapping[str, Any]) -> ModelRequest:
    """Parse a `POST /v1/responses` body. Raises `ApiError` 400."""
    given = body.get("input")
    if not isinstance(given, str | list) or not given:
        raise bad_request("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    text_options = body.get("text")
    schema, as_json = _schema(text_options.get("format") if isinstance(text_options, Mapping) else None)
    if isinstance(given, str):
        user, everything = given, given
    else:
        parts = [(m.get("role"), _text_of(m.get("content"))) for m in given if isinstance(m, Mapping)]
        user = "\n".join(text for role, text in parts if role == "user")
        everything = "\n".join(text for _, text in parts)
    return ModelRequest(
        model=_model(body),
        text=user,
        characters=len(everything) + len(_text_of(body.get("instructions"))),
        max_tokens=_first_number(body, "max_output_tokens"),
        schema=schema,
        as_json=as_json,
        stream=bool(body.get("stream")),
        prompt=prompt_sha256([body.get("instructions"), given]),
        tier=_tier(body),
        whole=_text_of(body.get("instructions")) + everything,
    )


def tokens_of(text: str) -> int:
    """Return the number of tokens in an answer: one per four characters, rounded up."""
    return -(-len(text) // CHARACTERS_A_TOKEN)


def chat_body(asked: ModelRequest, answer: Answer, *, number: int, created: int) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.content,
        "refusal": answer.refusal,
        "annotations": [],
    }
    return {
        "id": f"chatcmpl-{number:024x}",
        "object": "chat.completion",
        "created": created,
        "model": asked.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": answer.finish_reason}],
        "usage": _chat_usage(asked, answer),
        "service_tier": asked.tier,
        "system_fingerprint": "fp_simulator",
    }


def _chat_usage(asked: ModelRequest, answer: Answer) -> dict[str, Any]:
    prompt = -(-asked.characters // CHARACTERS_A_TOKEN)
    completion = tokens_of(answer.text) + answer.reasoning_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": asked.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": answer.reasoning_tokens, "audio_tokens": 0},
    }


def chat_events(asked: ModelRequest, answer: Answer, *, number: int, created: int) -> Iterator[str]:
    """Yield the server-sent events of a streamed chat completion, `[DONE]` last."""
    head = {
        "id": f"chatcmpl-{number:024x}",
        "object": "chat.completion.chunk",
        "created": created,
        "model": asked.model,
        "service_tier": asked.tier,
        "system_fingerprint": "fp_simulator",
    }

    def event(delta: Mapping[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event({**head, "choices": [choice]})

    yield event({"role": "assistant", "content": "", "refusal": None})
    name = "refusal" if answer.refusal else "content"
    for start in range(0, len(answer.text), 16):
        yield event({name: answer.text[start : start + 16]})
    yield event({}, answer.finish_reason)
    if asked.include_usage:
        yield _event({**head, "choices": [], "usage": _chat_usage(asked, answer)})
    yield "data: [DONE]\n\n"


def _event(data: Mapping[str, Any], name: str | None = None) -> str:
    return (f"event: {name}\n" if name else "") + f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


def response_body(asked: ModelRequest, answer: Answer, *, number: int, created: int) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "output_text", "text": answer.text, "annotations": []}
    if answer.refusal:
        part = {"type": "refusal", "refusal": answer.refusal}
    cut = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(answer.finish_reason)
    status = "incomplete" if cut else "completed"
    message = {"id": f"msg_{number:024x}", "type": "message", "role": "assistant", "status": status, "content": [part]}
    usage = _chat_usage(asked, answer)
    return {
        "id": f"resp_{number:024x}",
        "object": "response",
        "created_at": created,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": cut} if cut else None,
        "instructions": None,
        "metadata": {},
        "model": asked.model,
        "output": [message],
        "parallel_tool_calls": True,
        "service_tier": asked.tier,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": usage["prompt_tokens"],
            "input_tokens_details": {"cached_tokens": asked.cached_tokens},
            "output_tokens": usage["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
            "total_tokens": usage["total_tokens"],
        },
    }


def response_events(asked: ModelRequest, answer: Answer, *, number: int, created: int) -> Iterator[str]:
    """Yield the events of a streamed response that carry its text."""
    whole = response_body(asked, answer, number=number, created=created)
    empty = {**whole, "status": "in_progress", "output": [], "usage": None}
    yield _event({"type": "response.created", "sequence_number": 0, "response": empty}, "response.created")
    place = {"item_id": whole["output"][0]["id"], "output_index": 0, "content_index": 0}
    text = "refusal" if answer.refusal else "output_text"
    blank = {k: "" if k in ("text", "refusal") else v for k, v in whole["output"][0]["content"][0].items()}
    opened = {**whole["output"][0], "status": "in_progress", "content": []}
    step = itertools.count(1)

    def event(name: str, **data: Any) -> str:
        return _event({"type": name, "sequence_number": next(step), **data}, name)

    yield event("response.output_item.added", output_index=0, item=opened)
    yield event("response.content_part.added", **place, part=blank)
    for start in range(0, len(answer.text), 16):
        yield event(f"response.{text}.delta", **place, delta=answer.text[start : start + 16], logprobs=[])
    yield event("response.output_item.done", output_index=0, item=whole["output"][0])
    yield event("response.completed" if whole["status"] == "completed" else "response.incomplete", response=whole)


def read_embeddings(body: Mapping[str, Any]) -> tuple[ModelRequest, list[str]]:
    """Parse a `POST /v1/embeddings` body and return its texts. Raises `ApiError` 400."""
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) and t for t in texts):
        raise bad_request("'$.input' is invalid. Please check the API reference.", "input")
    text = "\n".join(texts)
    return ModelRequest(model=_model(body), text=text, characters=len(text), max_tokens=0), texts


def embeddings_body(body: Mapping[str, Any], asked: ModelRequest, texts: list[str]) -> dict[str, Any]:
    """Return the embeddings of `texts`. Each is a unit vector that depends only on its text."""
    size = int(_first_number(body, "dimensions") or 1536)
    vectors = [_vector(text, size) for text in texts]
    data = [
        {"object": "embedding", "index": i, "embedding": _packed(v) if body.get("encoding_format") == "base64" else v}
        for i, v in enumerate(vectors)
    ]
    used = tokens_of(asked.text)
    return {
        "object": "list",
        "data": data,
        "model": asked.model,
        "usage": {"prompt_tokens": used, "total_tokens": used},
    }


def _vector(text: str, size: int) -> list[float]:
    raw = hashlib.shake_256(text.encode()).digest(size)
    values = [byte / 127.5 - 1.0 for byte in raw]
    norm = sum(v * v for v in values) ** 0.5 or 1.0
    return [v / norm for v in values]


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def models_body(models: list[str] | None, created: int) -> dict[str, Any]:
    entries = models if models is not None else list(DEFAULT_MODELS)
    return {
        "object": "list",
        "data": [{"id": m, "object": "model", "created": created, "owned_by": "simulator"} for m in entries],
    }
