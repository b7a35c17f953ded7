"""Writes docs/reference/ from the code: `make reference`. Nothing there is written by hand.

Settings from their class, commands from their help, routes from the OpenAPI document, errors from their tree. The
metrics have a page of their own, docs/metrics.md, whose table tests compare with the code.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from app.errors import PropertyIntelligenceError, every_kind
from app.settings import LogSettings, Settings
from cli.commands import COMMANDS
from cli.failures import exit_code_of
from web.application import create_app
from web.errors import status_of

FOLDER = Path(__file__).parents[1] / "reference"
_WRITTEN = "Written by `make reference` from {source}; a test holds it to the code.\n"
_WIDTH = 100
#: what every answer is that is no success
_FAILURE = "[Failure](#failure)"
_BOUNDS = {"ge": "at least {}", "gt": "more than {}", "le": "at most {}", "lt": "less than {}"}


def _cell(text: object) -> str:
    """One cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def _row(*cells: object) -> str:
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _head(*names: str) -> list[str]:
    return [_row(*names), "|" + "---|" * len(names)]


# --- settings -------------------------------------------------------------------------------------------------------


def settings_page() -> str:
    """Every variable with what it may be, under the headings that stand as comments in the class."""
    lines = ["# Settings", "", _WRITTEN.format(source="[`app/settings/`](../../app/settings/__init__.py)")]
    lines += [
        "From the environment or `.env` (the environment wins). A blank one means its default. The README has them",
        "[on one screen](../../README.md#settings). What can be given as a secret is never shown in logs.",
    ]
    heading = ""
    for title, name in (*_fields_of(Settings), *_fields_of(LogSettings)):
        if title != heading:
            lines += ["", f"## {title[0].upper()}{title[1:]}", "", *_head("variable", "is", "default", "meaning")]
            heading = title
        field = Settings.model_fields[name]
        shown = "OPENAI_API_KEY_1..n" if name == "openai_numbered_keys" else name.upper()
        lines.append(_row(f"`{shown}`", _kind(field), _default(field), field.description))
    return "\n".join([*lines, ""])


def _fields_of(cls: type[LogSettings]) -> Iterator[tuple[str, str]]:
    """-> heading and field, in the order of the class's source."""
    heading = "more"
    for line in inspect.getsource(cls).splitlines():
        if found := re.fullmatch(r"    # --- (.+?)", line):
            heading = found[1].partition(":")[0]
        elif (found := re.match(r"    (\w+): ", line)) and found[1] in cls.model_fields:
            yield heading, found[1]


def _kind(field: FieldInfo) -> str:
    """What a value may be: type and bounds in words."""
    kinds = [kind for kind in get_args(field.annotation) or (field.annotation,) if kind is not type(None)]
    text = str(field.annotation)
    if get_origin(field.annotation) is Literal or any(get_origin(kind) is Literal for kind in kinds):
        words = [word for kind in kinds for word in (get_args(kind) or (kind,))]
        return ", ".join(f"`{word}`" for word in words)
    names = {"SecretStr": "secret", "bool": "`true` or `false`", "float": "number", "int": "whole number"}
    names |= {"tuple": "list", "Path": "path"}
    kind = next((word for name, word in names.items() if re.search(rf"\b{name}\b", text)), "text")
    bounds = [
        words.format(f"{getattr(bound, name):,}")
        for bound in (*field.metadata, *(meta for kind in kinds for meta in getattr(kind, "__metadata__", ())))
        for name, words in _BOUNDS.items()
        if getattr(bound, name, None) is not None
    ]
    return ", ".join([kind, *bounds])


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value in (None, "", (), []) or value is PydanticUndefined or isinstance(value, SecretStr):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{int(value) if isinstance(value, float) and value.is_integer() else value}`"


# --- commands -------------------------------------------------------------------------------------------------------


def commands_page() -> str:
    """The help of every command and subcommand, as a terminal of a hundred columns shows it."""
    lines = ["# Commands", "", _WRITTEN.format(source="the help of `propintel`")]
    lines += [
        "Results go to stdout, remarks and progress to stderr. Exit codes: 0 done, 1 the job failed, 2 wrong usage or",
        "configuration ([which error has which](errors.md)).",
    ]
    for name, lazy in COMMANDS.items():
        for title, command in _with_subcommands(f"propintel {name}", lazy.load()):
            context = typer.Context(command, info_name=title, terminal_width=_WIDTH, max_content_width=_WIDTH)
            lines += ["", f"## {title}", "", "```text", command.get_help(context).strip(), "```"]
    return "\n".join([*lines, ""])


def _with_subcommands(title: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield title, command
    for name, child in getattr(command, "commands", {}).items():
        yield from _with_subcommands(f"{title} {name}", child)


# --- HTTP -----------------------------------------------------------------------------------------------------------


def http_page() -> str:
    """Routes with their parameters and answers, and what is in them."""
    document = create_app(Settings).openapi()
    lines = [
        "# HTTP API",
        "",
        _WRITTEN.format(source="the OpenAPI document, which any web process has at `/openapi.json`"),
    ]
    lines += ["How to use it is shown [by example](../http-api.md).", "", *_head("route", "does")]
    routes = [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    lines += [_row(f"[`{title}`](#{_slug(title)})", operation["summary"]) for title, operation in routes]
    for title, operation in routes:
        lines += ["", f"## {title}", "", operation.get("description") or f"{operation['summary']}."]
        lines += _parameters(operation)
        if body := operation.get("requestBody"):
            kinds = ", ".join(f"`{kind}`: {_type(media['schema'])}" for kind, media in body["content"].items())
            lines += ["", f"Body: {kinds}"]
        lines += ["", *_head("status", "answer", "holds")]
        failures = []
        for status, answer in operation["responses"].items():
            held = [_type(media["schema"]) for media in answer.get("content", {}).values() if "schema" in media]
            if held == [_FAILURE]:
                failures.append(status)
            else:
                lines.append(_row(status, answer["description"], ", ".join(held)))
        lines += ["", f"Fails with {', '.join(sorted(failures))}: {_FAILURE}"] if failures else []
    lines += ["", "## What is in them"]
    for name, schema in sorted(document["components"]["schemas"].items()):
        lines += ["", f"### {name}", "", *_schema(schema)]
    return "\n".join([*lines, ""])


def _slug(title: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _parameters(operation: dict[str, Any]) -> list[str]:
    found = operation.get("parameters", [])
    rows = [
        _row(
            f"`{one['name']}`",
            one["in"],
            _type(one["schema"]),
            "yes" if one.get("required") else "",
            one.get("description", ""),
        )
        for one in found
    ]
    return ["", *_head("parameter", "in", "is", "required", "meaning"), *rows] if found else []


def _schema(schema: dict[str, Any]) -> list[str]:
    lines = [schema["description"], ""] if "description" in schema else []
    if "properties" not in schema:
        return [*lines, _type(schema)]
    required = schema.get("required", ())
    rows = [
        _row(f"`{name}`", _type(field), "yes" if name in required else "", field.get("description", ""))
        for name, field in schema["properties"].items()
    ]
    return [*lines, *_head("field", "is", "required", "meaning"), *rows]


def _type(schema: dict[str, Any]) -> str:
    """A schema in a few words, with a link where it has a name."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{_slug(name)})"
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_type(one) for one in schema[several]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    bounds = {"minimum": "at least {:,}", "maximum": "at most {:,}", "maxLength": "at most {:,} characters"}
    said = [words.format(schema[name]) for name, words in bounds.items() if name in schema]
    kind = schema.get("format") or schema.get("type") or "anything"
    return ", ".join([kind, *said])


# --- errors ---------------------------------------------------------------------------------------------------------


def errors_page() -> str:
    """Every code with where it shows and what it says."""
    lines = ["# Errors", "", _WRITTEN.format(source="[`app/errors/`](../../app/errors/__init__.py)")]
    lines += [
        "A code is the same word in the jobs table (`error`), in logs and in the body of an HTTP answer. *Again*: the",
        "same request may succeed later, so a job comes back to it by itself. *HTTP* is the status where a request can",
        "meet it, *exit* the code of a command that fails with it. What happens in a job is told by the job. Words in",
        "braces are the facts of the case.",
        "",
        *_head("code", "when", "again", "HTTP", "exit", "says"),
    ]
    lines += [
        _row(
            f"`{cls.code}`",
            (vars(cls).get("__doc__") or "").split("\n\n")[0],
            "yes" if cls.transient is True else "",
            status if (status := status_of(error := _without_facts(cls))) != 500 else "",
            exit_code_of(error),
            f"{cls.sentence} {cls.remedy}".replace("{", "\\{"),
        )
        for cls in sorted(every_kind(), key=lambda cls: cls.code)
    ]
    return "\n".join([*lines, ""])


def _without_facts(cls: type[PropertyIntelligenceError]) -> PropertyIntelligenceError:
    """An error to ask what becomes of its class."""
    return cls(*(None for _ in cls.fact_names))


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "http-api.md": http_page,
    "errors.md": errors_page,
}


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
