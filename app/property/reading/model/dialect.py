"""How a server of chat completions has to be asked, which it teaches by what it refuses and how it answers.

An answer is bounded by `max_completion_tokens` at OpenAI and Azure, whose reasoning models refuse `max_tokens`, and by
`max_tokens` anywhere else: Ollama (issue 7125), llama.cpp's Python server (issue 1907) and LM Studio ignore the newer
name without a word, and the answer would have no bound; Mistral and older vLLM refuse it (422, 400). Servers that know
both get the one that all of them know. Whichever is refused, the other one is sent from then on.
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

#: what JSON mode is a step down from, and what is one from JSON mode
_NEXT: dict[Shape, Shape] = {"json_schema": "json_object", "json_object": "text"}
_OTHER: dict[Limit, Limit] = {"max_completion_tokens": "max_tokens", "max_tokens": "max_completion_tokens"}
_NEWER = (".openai.com", ".azure.com")
#: tokens of reasoning: the least that is left once a model reasons, what it gets when nothing else is known of it (the
#: API's documentation advises 25,000 for any task; reading a page is a small one), and the most
_LEAST_ROOM, _FIRST_ROOM, _MOST_ROOM = 2_048, 16_384, 32_768
#: how much more than it used is left: some pages need more thought than others
_SPARE = 4
#: statuses of refusals; 500 is how llama.cpp's Python server says what it does not know
_REFUSED = (400, 422, 500)
#: of a 429: a request larger than a key's tokens a minute never gets through
_MORE_THAN_A_MINUTE = "too large"
#: of a refusal: the parameter is the trouble, and not its value
_UNKNOWN = re.compile(
    r"not supported|unsupported|not support|unknown|unrecogni[sz]ed|unexpected|extra|not (?:permitted|allowed)"
    r"|forbidden|cannot find",
    re.IGNORECASE,
)
_FORMAT = re.compile(r"response_format|json_schema|json_object|structured.outputs?", re.IGNORECASE)
_TOO_LARGE = re.compile(r"too large|context (?:length|window|size)|at most|maximum|exceed", re.IGNORECASE)
_TOLD = "\nAnswer with one JSON object and nothing else. It follows this JSON schema:\n"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one server takes, for one model.

    `limit` is what bounds an answer, `shape` the `response_format`; `tells_schema`: the instruction holds the schema as
    well. `room` is how many tokens a model that reasons may spend beside its answer, `most_room` as many as the server
    allows. `refused` are the limits that it does not know.
    """

    limit: Limit = "max_completion_tokens"
    shape: Shape = "json_schema"
    tells_schema: bool = False
    room: int = 0
    most_room: int = _MOST_ROOM
    refused: frozenset[str] = frozenset()

    @classmethod
    def of(cls, base_urls: Iterable[str]) -> Dialect:
        """What to begin with at these servers."""
        hosts = [urlsplit(url).hostname or "" for url in base_urls]
        return cls("max_completion_tokens" if all(host.endswith(_NEWER) for host in hosts) else "max_tokens")

    def most_tokens(self, prompt: Prompt) -> int:
        """What an answer may have in all, reasoning included."""
        return prompt.max_completion_tokens + self.room

    def body(self, model: str, prompt: Prompt) -> dict[str, Any]:
        """What is asked, as the body of a chat completion: in a call of its own, or in a line of a batch's file."""
        messages = prompt.messages
        if self.tells_schema:
            instruction = {**messages[0], "content": messages[0]["content"] + _TOLD + as_sent(prompt.schema)}
            messages = [instruction, *messages[1:]]
        body = {"model": model, "messages": messages, self.limit: self.most_tokens(prompt)}
        if self.shape == "json_schema":
            schema = {"name": "property", "strict": True, "schema": prompt.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif self.shape == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    def after_refusal(self, status: int, said: str) -> Dialect | None:
        """How to ask again after an error of `status` that said this; None: asking in another way would not help."""
        if self.room and (_TOO_LARGE.search(said) if status in _REFUSED else _MORE_THAN_A_MINUTE in said):
            return replace(self, room=self.room // _SPARE, most_room=self.room // _SPARE)
        if status not in _REFUSED:
            return None
        other = _OTHER[self.limit]
        if re.search(rf"\b{self.limit}\b", said) and _UNKNOWN.search(said) and other not in self.refused:
            return replace(self, limit=other, refused=self.refused | {self.limit})
        if _FORMAT.search(said) and self.shape in _NEXT:
            return replace(self, shape=_NEXT[self.shape], tells_schema=True)
        return None

    def with_more_room(self) -> Dialect:
        """For a model that was cut off before it had begun to answer."""
        return replace(self, room=min(self.most_room, max(_FIRST_ROOM, 2 * self.room)))

    def with_room_for(self, reasoning_tokens: int) -> Dialect:
        """For a model that spent so many tokens on reasoning: room grows at once, and shrinks by halves."""
        if reasoning_tokens <= 0:
            return self
        wanted = min(self.most_room, max(_LEAST_ROOM, _SPARE * reasoning_tokens))
        return replace(self, room=max(wanted, self.room // 2))


#: what is asked of OpenAI, as long as nothing else is known of it
AT_FIRST = Dialect()


def refused_because(exc: openai.APIStatusError) -> str:
    """What an error says: the parameter that it names, and its words."""
    return f"{exc.param or ''} {exc.message}"
