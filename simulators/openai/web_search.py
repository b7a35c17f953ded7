"""Simulate the `web_search` tool of `/v1/responses`, with results from a configured table.

The table is a list of entries. A request gets the first entry whose `match` words all appear in its user text, ignoring
case and punctuation. If no entry matches, the model says that it found nothing.

    {"match": "12 fictional ave anytown",              # or a list of such texts, one of which must match
     "lines": [                                        # the lines of the answer
       {"text": "YearBuilt: 1987", "url": "http://...", "title": "..."},   # cited: a marker and its url_citation
       {"text": "Roof: Slate", "url": "http://...", "cited": false},       # URL in the text without a citation
       {"text": "It is a fine house."}],
     "sources": ["http://..."]}                        # pages read in addition to the cited ones

The table is part of the configuration (`"searches": [...]` beside `"keys"`). `POST /control/searches` replaces it. `GET
/control/searches` lists each answered search, oldest first, as `{"text", "allowed_domains", "entry"}`; `entry` is the
entry's index in the table, or null if none matched. `/control/stats` counts searches as `web_searches`. Answers are not
filtered: like a model's, they may be wrong and may cite pages outside the allowed domains.

As in OpenAI's responses (guide "Web search", reference of the Responses API, 2026-11), a line's citation is a Markdown
link in brackets after the line. The annotation's `start_index` and `end_index` enclose this link. `sources` are
returned only if `include` requests them. An answer in the format `json_schema` has no annotations. The format
`json_object` is rejected.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from simulators.openai.answers import Answer
from simulators.openai.config import ConfigError
from simulators.openai.protocol import bad_request

_TOOLS = ("web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11")
SOURCES = "web_search_call.action.sources"
_MOST_DOMAINS = 100
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", re.IGNORECASE)
_NOTHING = "I searched the web and found no page about this."
_LINE_KEYS, _ENTRY_KEYS = {"text", "url", "title", "cited"}, {"match", "lines", "sources"}


@dataclass(frozen=True)
class Search:
    """A web search that a request asks for. If `with_sources`, the response must list the pages read."""

    allowed_domains: tuple[str, ...] = ()
    with_sources: bool = False
    annotated: bool = True


@dataclass(frozen=True)
class Line:
    text: str
    url: str = ""
    title: str = ""
    cited: bool = True


@dataclass(frozen=True)
class Entry:
    """A row of the table. A request matches if its text contains all words of one set in `match`."""

    match: tuple[frozenset[str], ...]
    lines: tuple[Line, ...]
    sources: tuple[str, ...] = ()


def read_search(body: Mapping[str, Any]) -> Search | None:
    """Return the search that a `POST /v1/responses` body requests, or None. Raises `ApiError` 400."""
    tools = body.get("tools")
    given = [t for t in tools if isinstance(t, Mapping)] if isinstance(tools, list) else []
    tool = next((t for t in given if t.get("type") in _TOOLS), None)
    if tool is None:
        return None
    options = body.get("text")
    answer_format = options.get("format") if isinstance(options, Mapping) else None
    kind = answer_format.get("type") if isinstance(answer_format, Mapping) else None
    if kind == "json_object":
        raise bad_request("Web Search cannot be used with JSON mode.", "tools")
    include = body.get("include")
    return Search(
        allowed_domains=_domains(tool),
        with_sources=isinstance(include, list) and SOURCES in include,
        annotated=kind != "json_schema",
    )


def _domains(tool: Mapping[str, Any]) -> tuple[str, ...]:
    filters = tool.get("filters")
    domains = filters.get("allowed_domains") if isinstance(filters, Mapping) else None
    if domains is None:
        return ()
    where = "tools[0].filters.allowed_domains"
    if str(tool["type"]).startswith("web_search_preview"):
        raise bad_request(
            "Unsupported parameter: 'filters' is not supported with the preview tool.", "tools[0].filters"
        )
    if not isinstance(domains, list) or not all(isinstance(d, str) and _DOMAIN.fullmatch(d) for d in domains):
        raise bad_request(f"Invalid '{where}': domains are written without scheme, port and path.", where)
    if len(domains) > _MOST_DOMAINS:
        raise bad_request(f"Invalid '{where}': array too long. At most {_MOST_DOMAINS} domains are allowed.", where)
    return tuple(domains)


class Searches:
    def __init__(self, table: Any = ()) -> None:
        self.asked: list[dict[str, Any]] = []
        self.replace(table)

    def replace(self, table: Any) -> None:
        """Replace the table of answers. Raises `ConfigError` if `table` is invalid."""
        if not isinstance(table, list | tuple):
            raise ConfigError("searches is a list of answers")
        self._table = tuple(_entry(given) for given in table)

    def answer(self, text: str, search: Search) -> Entry:
        """Record the search, and return the first entry that matches `text`, or a reply without results."""
        words = _words(text)
        place = next((n for n, one in enumerate(self._table) if any(match <= words for match in one.match)), None)
        self.asked.append({"text": text, "allowed_domains": list(search.allowed_domains), "entry": place})
        return Entry((), (Line(_NOTHING),)) if place is None else self._table[place]


def _entry(given: Any) -> Entry:
    if not isinstance(given, Mapping) or set(given) - _ENTRY_KEYS:
        raise ConfigError(f"an answer of a search has {', '.join(sorted(_ENTRY_KEYS))}, not {given!r}")
    texts = [given["match"]] if isinstance(given.get("match"), str) else given.get("match")
    lines = given.get("lines", [])
    if not isinstance(texts, list) or not texts or not all(isinstance(t, str) and _words(t) for t in texts):
        raise ConfigError("match of a search is a text, or a list of texts")
    if not isinstance(lines, list) or any(not isinstance(n, Mapping) or set(n) - _LINE_KEYS for n in lines):
        raise ConfigError(f"lines of a search is a list of objects with {', '.join(sorted(_LINE_KEYS))}")
    return Entry(
        tuple(_words(text) for text in texts), tuple(Line(**line) for line in lines), tuple(given.get("sources", ()))
    )


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.casefold()))


def text_and_citations(entry: Entry, search: Search) -> tuple[str, list[dict[str, Any]]]:
    text, citations = "", []
    for line in entry.lines:
        text += ("\n" if text else "") + line.text
        if not line.url:
            continue
        text += " "
        start = len(text)
        text += f"([{urlsplit(line.url).hostname}]({line.url}))"
        if line.cited and search.annotated:
            citations.append(
                {
                    "type": "url_citation",
                    "start_index": start,
                    "end_index": len(text),
                    "url": line.url,
                    "title": line.title or line.url,
                }
            )
    return text, citations


def with_search(body: dict[str, Any], entry: Entry, search: Search, said: Answer) -> dict[str, Any]:
    """Return `body` with a web search call before its message, and with citations."""
    _, citations = text_and_citations(entry, search)
    action: dict[str, Any] = {"type": "search", "query": "property record", "queries": ["property record"]}
    if search.with_sources:
        looked_at = dict.fromkeys([*entry.sources, *_cited(entry)])
        action["sources"] = [{"type": "url", "url": url} for url in looked_at]
    call = {"id": f"ws_{body['id'][5:]}", "type": "web_search_call", "status": "completed", "action": action}
    for part in (part for item in body["output"] for part in item["content"]):
        if part["type"] == "output_text":
            part["annotations"] = [c for c in citations if c["end_index"] <= len(said.text)]
    return {**body, "output": [call, *body["output"]], "tools": [{"type": "web_search"}]}


def _cited(entry: Entry) -> Iterator[str]:
    return (line.url for line in entry.lines if line.url and line.cited)
