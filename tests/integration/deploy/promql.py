"""A small PromQL parser that finds metric names, matchers, and labels.

promtool checks whether an expression is valid.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*') | (?P<number>[0-9][\w.]*) | (?P<name>[a-zA-Z_][\w:]*)"""
    r""" | (?P<sign>=~|!~|!=|[^\s\w])""",
    re.VERBOSE,
)
_WORDS = frozenset({"and", "or", "unless", "bool", "offset", "inf", "nan"})
_AGGREGATIONS = frozenset({"sum", "max", "min", "avg", "count", "topk", "bottomk", "quantile", "group", "count_values"})
_LABEL_LISTS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})


@dataclass(frozen=True)
class References:
    """Names in an expression: `matchers` are (metric, label, operator, value); `labels` are in groupings and joins."""

    metrics: frozenset[str]
    matchers: tuple[tuple[str, str, str, str], ...]
    labels: frozenset[str]


def references(expression: str) -> References:
    """Return the names that `expression` uses."""
    tokens = [(found.lastgroup or "", found.group()) for found in _TOKEN.finditer(expression)]
    metrics: set[str] = set()
    labels: set[str] = set()
    matchers: list[tuple[str, str, str, str]] = []
    place = 0
    while place < len(tokens):
        kind, text = tokens[place]
        following = tokens[place + 1][1] if place + 1 < len(tokens) else ""
        if kind == "name" and text in _LABEL_LISTS:
            end = _end(tokens, place, ")") if following == "(" else place
            labels |= {word for sort, word in tokens[place + 1 : end] if sort == "name"}
            place = end
        elif kind == "name" and following == "{":
            end = _end(tokens, place, "}")
            metrics.add(text)
            inside = [word for _, word in tokens[place + 2 : end] if word != ","]
            parts = zip(inside[::3], inside[1::3], inside[2::3], strict=True)
            matchers += [(text, label, sign, value[1:-1]) for label, sign, value in parts]
            place = end
        elif kind == "name" and following != "(" and text.lower() not in _WORDS | _AGGREGATIONS:
            metrics.add(text)
        place += 1
    return References(frozenset(metrics), tuple(matchers), frozenset(labels))


def _end(tokens: list[tuple[str, str]], place: int, closing: str) -> int:
    return next(index for index in range(place, len(tokens)) if tokens[index][1] == closing)
