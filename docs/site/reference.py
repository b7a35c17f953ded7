"""Writes docs/reference/ from the code: `make reference`. Nothing there is written by hand.

Settings from their class, commands from their help, routes from the OpenAPI document, metrics from their declarations,
errors from their tree, what the house is made of from where each part is declared.
"""

from __future__ import annotations

import importlib
import inspect
import math
import pkgutil
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args, get_origin

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from sqlalchemy import Table

from app.errors import PropertyIntelligenceError, every_kind
from app.property.fields.table import FIELDS, FieldSpec
from app.property.storage.migrations import versions
from app.property.storage.schema import HEAD
from app.property.storage.tables import metadata
from app.property.storage.types import Base
from app.services.reports.metrics.instruments import ALL, COUNTED, Label, Spec
from app.settings import AREAS, SECRETS_IN_FILES, Settings
from cli.commands import COMMANDS
from cli.failures import exit_code_of
from tasks import make_celery
from tasks._celery.config import LANES
from web.application import create_app
from web.errors import status_of
from worker.beat_schedule import beat_config

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
    """Every variable with what it may be, by area."""
    lines = ["# Settings", "", _WRITTEN.format(source="[`app/settings/`](../../app/settings/__init__.py)")]
    from_files = ", ".join(f"`{name}_FILE`" for name in SECRETS_IN_FILES)
    lines += [
        "Settings come from the environment or from `.env`; the environment wins. All are optional. A blank value",
        "means the default. `PROPINTEL_ENV_FILE` names a file to read instead of `.env`; if it is empty, none is.",
        "If a named file cannot be read, every command and process ends with exit code 2. A variable whose name is",
        "almost a setting's is reported when a process starts, and by `propintel doctor`.",
        "Secrets are never shown in logs.",
        "",
        "Keys come from the first of these that holds one: `OPENAI_API_KEYS_FILE`, `OPENAI_API_KEYS`,",
        "`OPENAI_API_KEY_1..n`, `OPENAI_API_KEY`.",
        "",
        "Other secrets can also come from a file, such as a secret mount. A variable with `_FILE` at its end names it:",
        f"{from_files}. The variable itself wins.",
    ]
    for area in AREAS.values():
        title, _, more = (inspect.getdoc(area) or "").partition(": ")
        lines += ["", f"## {title.rstrip('.')}", ""]
        lines += [f"{more[:1].upper()}{more[1:]}", ""] if more else []
        lines += _head("variable", "is", "default", "meaning")
        for variable, name in area.variables():
            field = area.model_fields[name]
            shown = "OPENAI_API_KEY_1..n" if variable == "OPENAI_NUMBERED_KEYS" else variable
            lines.append(_row(f"`{shown}`", _kind(field), _default(field), field.description))
    return "\n".join([*lines, ""])


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


# --- metrics --------------------------------------------------------------------------------------------------------

_UNITS = {
    "_timestamp_seconds": "seconds since 1970",
    "_seconds": "seconds",
    "_bytes": "bytes",
    "_usd": "US dollars",
}


_OF_POOL = ("propintel_openai_", "propintel_spent_", "propintel_budget_")


def metrics_page() -> str:
    """Every metric with its unit, what its labels say, and how many series it can have."""
    lines = ["# Metrics", "", _WRITTEN.format(source="`app/services/reports/metrics/metrics.toml`")]
    lines += [
        "What `GET /metrics` of any web process tells of the whole fleet; how to scrape it, and how exact it is:",
        "[Prometheus and Grafana](../prometheus.md). `key` is a key's mask, `limit_group` the name of a limit group,",
        "or the mask of a key that shares its limits with none. *Unit* is empty for a plain number. *Series* is how",
        "many there can be, of a histogram with those of its buckets; there are those that have occurred, and always",
        "those *from 0*.",
    ]
    read = [spec for spec in ALL if spec not in COUNTED]
    pool = [spec for spec in read if spec.name.startswith(_OF_POOL)]
    others = [spec for spec in read if spec not in pool]
    for title, text, specs in (
        ("Keys and money", "From the key pool's store in Redis; since when a key is known, from the database.", pool),
        ("Jobs, queues, alerts", "From the database and the broker, when they are asked.", others),
        ("What the processes count", "Summed over all processes of the fleet, in Redis.", COUNTED),
    ):
        lines += ["", f"## {title}", "", text, "", *_head("name", "type", "unit", "labels", "series", "meaning")]
        lines += [
            _row(f"`{spec.shown}`", spec.kind, _unit(spec), _labels(spec), _series(spec), spec.help) for spec in specs
        ]
    return "\n".join([*lines, ""])


def _unit(spec: Spec) -> str:
    named = next((unit for suffix, unit in _UNITS.items() if spec.name.endswith(suffix)), "")
    return named or ("by `unit`" if "unit" in spec.label_names else "")


def _labels(spec: Spec) -> str:
    return "; ".join(map(_label, spec.labels))


def _label(label: Label) -> str:
    """The label and all that it may say; where its name says as much, that alone."""
    if not label.words and label.others == f"{label.name.replace('_', ' ')}s":
        return f"`{label.name}`"
    said = [f"`{word}`" if word else "empty" for word in label.words]
    return f"`{label.name}`: " + ", ".join([*said, *([f"*{label.others}*"] if label.others else [])])


def _series(spec: Spec) -> str:
    """The most there can be, as a product: `keys × models × 3`."""
    labels = [label for label in spec.labels if not label.follows]
    factors = [
        f"({len(label.words)} + {label.others})" if label.words else label.others for label in labels if label.others
    ]
    number = math.prod(len(label.words) for label in labels if not label.others)
    if spec.kind == "histogram":
        number *= len(spec.bounds) + 3  # the bucket without bound, the sum, the count
    said = " × ".join([*factors, *([str(number)] if number > 1 or not factors else [])])
    return f"{said} (from 0)" if spec.begins else said


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


# --- fields ---------------------------------------------------------------------------------------------------------


def fields_page() -> str:
    """Every field by group, with what it holds."""
    lines = ["# Fields", "", _WRITTEN.format(source="[`fields.toml`](../../app/property/fields/fields.toml)")]
    lines += [
        "Names follow the [RESO Data Dictionary](https://ddwiki.reso.org); ours are prefixed `X_`. Areas are limited in"
    ]
    lines += ["square meters. A field that a page does not state is absent."]
    for group in dict.fromkeys(spec.group for spec in FIELDS.values()):
        lines += ["", f"## {group.capitalize()}", "", *_head("field", "holds", "is", "may be", "of")]
        lines += [_field(spec) for spec in FIELDS.values() if spec.group == group]
    return "\n".join([*lines, ""])


def _field(spec: FieldSpec) -> str:
    limits = ", ".join(f"`{value}`" for value in spec.values)
    if spec.range is not None:
        limits = (
            f"{spec.range[0]:,g} to {spec.range[1]:,.0f}"
            if spec.kind != "year"
            else f"{spec.range[0]} to {spec.range[1]}"
        )
    origin = "other fields" if spec.derived else ", ".join(f"{kind}s" for kind in spec.pages)
    return _row(f"`{spec.name}`", spec.type, spec.meaning, limits, origin)


# --- parts ----------------------------------------------------------------------------------------------------------

_ROOT = FOLDER.parents[1]
_DOORS = ("worker", "web", "cli", "tasks", "simulators")


def parts_page() -> str:
    """Packages, processes, tasks, tables and migrations, each in the words of its own docstring."""
    lines = ["# Parts", "", _WRITTEN.format(source="packages, Procfile, tasks, tables and migrations")]
    lines += ["How they go together: [architecture](../explanation/architecture.md)."]
    lines += ["", "## Packages", "", *_head("package", "is")]
    lines += [_row(f"`{name}`", _first_sentence(module)) for name, module in sorted(_packages())]
    contracts = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    lines += ["", "Held by import contracts:", ""]
    lines += [f"- {contract['name']}" for contract in contracts["contracts"]]
    lines += ["", "## Processes", "", "As the [Procfile](../deployment/procfile.md) starts them.", ""]
    lines += _head("process", "command")
    lines += [
        _row(name, f"`{command.strip()}`")
        for name, _, command in (line.partition(":") for line in (_ROOT / "Procfile").read_text("utf-8").splitlines())
    ]
    return "\n".join([*lines, "", *_tasks(), "", *_tables(), "", *_migrations(), ""])


def _packages() -> Iterator[tuple[str, ModuleType]]:
    for name in ("app", *_DOORS):
        package = importlib.import_module(name)
        yield name, package
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if found.ispkg and "migrations" not in found.name:
                yield found.name, importlib.import_module(found.name)


def _first_sentence(documented: object) -> str:
    """The first sentence of its docstring; of a task, without what it returns."""
    text = " ".join((inspect.getdoc(documented) or "").split("\n\n")[0].split())
    return re.split(r"(?<=\.) (?=[A-Z])|;? -> |: `", text)[0].rstrip(".;:")


def _tasks() -> list[str]:
    app, settings = make_celery(Settings.of()), Settings.of()
    app.loader.import_default_modules()
    seconds = {entry["task"]: entry["schedule"] for entry in beat_config(settings)["beat_schedule"].values()}
    rows = [
        (app.amqp.router.route({}, name)["queue"].name, seconds.get(name), name, task)
        for name, task in app.tasks.items()
        if name.startswith("tasks.")  # Celery has some of its own, and tests more
    ]
    lines = [
        "## Tasks",
        "",
        "*Every*: seconds between two that beat sends, with the default settings; empty: others send it.",
    ]
    lines += [f"Jobs wait in the lanes {', '.join(f'`{lane}`' for lane in LANES)}.", ""]
    lines += _head("queue", "task", "every", "does")
    return lines + [
        _row(f"`{queue}`", f"`{name}`", "" if every is None else f"{every:g}", _first_sentence(task.run))
        for queue, every, name, task in sorted(rows, key=lambda row: (row[0], row[2]))
    ]


def _tables() -> list[str]:
    mapped = {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}
    lines = ["## Tables", "", *_head("table", "holds")]
    return [*lines, *(_row(f"`{table.name}`", _first_sentence(mapped[table.name])) for table in _sorted_tables())]


def _sorted_tables() -> list[Table]:
    return sorted(metadata.tables.values(), key=lambda table: table.name)


def _migrations() -> list[str]:
    lines = [
        "## Migrations",
        "",
        f"The schema of this version is `{HEAD}`; `propintel db current` says a database's.",
        "",
    ]
    lines += _head("revision", "brings")
    for found in pkgutil.iter_modules(versions.__path__):
        module = importlib.import_module(f"{versions.__name__}.{found.name}")
        lines.append(_row(f"`{module.revision}`", _first_sentence(module)))
    return lines


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "commands.md": commands_page,
    "http-api.md": http_page,
    "metrics.md": metrics_page,
    "errors.md": errors_page,
    "fields.md": fields_page,
    "parts.md": parts_page,
}


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
