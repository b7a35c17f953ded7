"""Learn which request format a chat completion server accepts, from its error responses and answers.

At OpenAI and Azure, `max_completion_tokens` limits the tokens of an answer, and their reasoning models reject
`max_tokens`. Many other servers need `max_tokens`. Ollama (issue 7125), llama.cpp's Python server (issue 1907), and LM
Studio silently ignore `max_completion_tokens`, so the answer would have no limit. Mistral and older vLLM reject
`max_completion_tokens` (HTTP 422 and 400). If a server rejects one of the two parameters, the other is sent from then
on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlsplit

import openai

from app.property.reading.model.prompt import Prompt, as_sent

Limit = Literal["max_completion_tokens", "max_tokens"]
Shape = Literal["json_schema", "json_object", "text"]

_NEXT: dict[Shape, Shape] = {"json_schema": "json_object", "json_object": "text"}
_OTHER: dict[Limit, Limit] = {"max_completion_tokens": "max_tokens", "max_tokens": "max_completion_tokens"}
_NEWER = (".openai.com", ".azure.com")
#: Tokens for reasoning that are added to the limit: the minimum once a model reasons, the first amount after an answer
#: was cut off, and the maximum. OpenAI's documentation advises 25,000 for any task, but reading a page is a small task.
_LEAST_ROOM, _FIRST_ROOM, _MOST_ROOM = 2_048, 16_384, 32_768
#: The limit for reasoning is this many times the reasoning tokens of the last answer, because some pages need more.
_SPARE = 4
#: HTTP statuses that mean the server rejects the request's format. llama.cpp's Python server uses 500.
_REFUSED = (400, 422, 500)
#: Words in a 429 response to a request that exceeds the key's tokens per minute on its own. Such a request fails again
#: unless its token limit is lowered.
_MORE_THAN_A_MINUTE = "too large"
#: Matches words in an error message that reject a parameter itself, and not only its value.
_UNKNOWN = re.compile(
    r"not supported|unsupported|not support|unknown|unrecogni[sz]ed|unexpected|extra|not (?:permitted|allowed)"
    r"|forbidden|cannot find",
    re.IGNORECASE,
)
_FORMAT = re.compile(r"response_format|json_schema|json_object|structured.outputs?", re.IGNORECASE)
_TOO_LARGE = re.compile(r"too large|context (?:length|window|size)|at most|maximum|exceed", re.IGNORECASE)
_JSON_REQUEST = "\nAnswer with one JSON object and nothing else. It follows this JSON schema:\n"


@dataclass(frozen=True, slots=True)
class Dialect:
    """The request format of one server and model.

    `limit` is the parameter that limits an answer's tokens. `shape` is the type of the `response_format`. If
    `tells_schema` is true, the instruction contains the schema. `room` is the number of tokens for reasoning beyond the
    answer, and `most_room` is its maximum at this server. `refused` are the limit parameters that the server rejected.
    """

    limit: Limit = "max_completion_tokens"
    shape: Shape = "json_schema"
    tells_schema: bool = False
    room: int = 0
    most_room: int = _MOST_ROOM
    refused: frozenset[str] = frozenset()

    @classmethod
    def of(cls, base_urls: Iterable[str]) -> Dialect:
        """Return the first format to try with the servers at `base_urls`."""
        hosts = [urlsplit(url).hostname or "" for url in base_urls]
        return cls("max_completion_tokens" if all(host.endswith(_NEWER) for host in hosts) else "max_tokens")

    def most_tokens(self, prompt: Prompt) -> int:
        return prompt.max_completion_tokens + self.room

    def body(self, model: str, prompt: Prompt) -> dict[str, Any]:
        """Return the request body of a chat completion, for a single call or a line of a batch file."""
        messages = prompt.messages
        if self.tells_schema:
            instruction = {**messages[0], "content": messages[0]["content"] + _JSON_REQUEST + as_sent(prompt.schema)}
            messages = [instruction, *messages[1:]]
        body = {"model": model, "messages": messages, self.limit: self.most_tokens(prompt)}
        if self.shape == "json_schema":
            schema = {"name": "property", "strict": True, "schema": prompt.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif self.shape == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    def after_refusal(self, status: int, message: str) -> Dialect | None:
        """Return the format for a retry after this error response; None if no other format would help."""
        if self.room and (_TOO_LARGE.search(message) if status in _REFUSED else _MORE_THAN_A_MINUTE in message):
            return replace(self, room=self.room // _SPARE, most_room=self.room // _SPARE)
        if status not in _REFUSED:
            return None
        other = _OTHER[self.limit]
        if re.search(rf"\b{self.limit}\b", message) and _UNKNOWN.search(message) and other not in self.refused:
            return replace(self, limit=other, refused=self.refused | {self.limit})
        if _FORMAT.search(message) and self.shape in _NEXT:
            return replace(self, shape=_NEXT[self.shape], tells_schema=True)
        return None

    def with_more_room(self) -> Dialect:
        """Return the format with more tokens for reasoning, for use after an answer was cut off."""
        return replace(self, room=min(self.most_room, max(_FIRST_ROOM, 2 * self.room)))

    def with_room_for(self, reasoning_tokens: int) -> Dialect:
        """Return the format with a limit for reasoning derived from the last answer's `reasoning_tokens`.

        The limit is lowered by at most half per answer.
        """
        if reasoning_tokens <= 0:
            return self
        wanted = min(self.most_room, max(_LEAST_ROOM, _SPARE * reasoning_tokens))
        return replace(self, room=max(wanted, self.room // 2))


#: The format for OpenAI, used until an error response or answer shows that another is needed.
INITIAL_DIALECT = Dialect()


def refused_because(exc: openai.APIStatusError) -> str:
    """Return the parameter and the message of an error as one text."""
    return f"{exc.param or ''} {exc.message}"
