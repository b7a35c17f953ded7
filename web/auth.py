"""Who may call which route: every route below `/api/v1` needs a token, and each names the roles it serves.

What a token is and whether it holds is `app.services.access`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from app.errors import InvalidTokenError, RoleNotAllowedError
from app.services.access import Caller, Role
from web.context import context_of

#: May see what keys and money do.
MANAGEMENT = (Role.EXEC, Role.MANAGER)
#: May enqueue and cancel jobs, and read what they brought.
OPERATIONS = (Role.EXEC, Role.MANAGER, Role.OPERATOR)

#: Describes the token in /docs; judging it is `AuthenticatedRoute`'s.
bearer_scheme = HTTPBearer(auto_error=False, bearerFormat="JWT", description="`propintel token --role manager`")


class AuthenticatedRoute(APIRoute):
    """A route that knows its caller before it reads the body: strangers cannot make it read or parse anything."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def authenticated(request: Request) -> Response:
            request.state.caller = await run_in_threadpool(_caller, request)
            return await handle(request)

        return authenticated


def allow(*roles: Role) -> Any:
    """The dependency of a route that serves these roles only; 403 for all others."""

    def check(request: Request) -> Caller:
        caller: Caller = request.state.caller
        if caller.role not in roles:
            raise RoleNotAllowedError(caller.role, ", ".join(roles))
        return caller

    return Security(check)


def _caller(request: Request) -> Caller:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    verifier = context_of(request).verifier
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidTokenError("the request has none")
    return verifier.verify(token.strip())
