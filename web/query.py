"""Refuse query parameters that a route does not know, because an ignored filter would answer with other rows."""

from collections.abc import Callable
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from app.choices import suggestion
from app.plurals import counted
from app.property.urls.tracking import is_tracking

_SHOWN_CHARS = 80


def query_check(route: APIRoute, *, takes_tracking: bool = False) -> Callable[[Request], None]:
    """Return a function that raises `RequestValidationError` if the query has a parameter that `route` does not
    declare, or one parameter twice. With `takes_tracking`, tracking parameters such as `utm_source` are ignored.
    """
    names = sorted(_names(route.dependant))

    def check(request: Request) -> None:
        given = [name for name, _ in request.query_params.multi_items()]
        wanted = [name for name in given if not (takes_tracking and is_tracking(name))]
        problems = {name: problem for name in wanted if (problem := _problem(name, wanted.count(name), names))}
        if problems:
            errors = [{"type": "query", "loc": ("query", name), "msg": text} for name, text in problems.items()]
            raise RequestValidationError(errors)

    return check


def _names(dependant: Dependant) -> set[str]:
    own: set[Any] = {field.alias for field in dependant.query_params}
    return own.union(*map(_names, dependant.dependencies))


def _problem(name: str, times: int, names: list[str]) -> str | None:
    if name in names:
        return None if times == 1 else f"is given {counted(times, 'time')}. Give it once"
    if not names:
        return "is not known here. This path takes no query parameters"
    return f"is not known here. {suggestion(name[:_SHOWN_CHARS], names) or f'Known are {", ".join(names)}'}"
