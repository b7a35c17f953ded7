"""Who may call which route: every route below `/api/v1` needs a token, and each names the roles it serves.

What a token is and whether it holds is `app.services.access`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException, Request, Response, Security
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from app.errors import IdentityProviderError, InvalidTokenError, RoleNotAllowedError, TooManyRequestsError
from app.services.access import Caller, Role
from app.services.rate_limits import Allowance
from web.context import context_of
from web.strict_json import StrictRequest

#: May see what keys and money do.
MANAGEMENT = (Role.EXEC, Role.MANAGER)
#: May enqueue, cancel and retry jobs.
OPERATIONS = (*MANAGEMENT, Role.OPERATOR)
#: May see jobs, batches and properties.
READING = (*OPERATIONS, Role.READER)
_RIGHTS = {"manage": MANAGEMENT, "operate": OPERATIONS, "read": READING}

#: Describes the token in /docs; judging it is `AuthenticatedRoute`'s.
bearer_scheme = HTTPBearer(auto_error=False, bearerFormat="JWT", description="`propintel token --role manager`")


class AuthenticatedRoute(APIRoute):
    """A route that knows its caller, has counted him and serves his role before it reads the body: strangers, those who
    ask too often and those who may not cannot make it read or parse anything."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        roles = _roles_of(self.dependant)
        if not roles:
            raise TypeError(f"The route {self.path} does not say whom it serves: give it `allow(...)`")

        async def authenticated(request: Request) -> Response:
            await run_in_threadpool(_admit, request)
            for served in roles:
                served.check(request)
            if self.body_field is not None:
                _check_content_type(request)
            return await handle(StrictRequest(request.scope, request.receive))

        return authenticated


@dataclass(frozen=True, slots=True)
class _Roles:
    """Whom a route serves. As a dependency it gives the caller, whom `AuthenticatedRoute` has let in."""

    served: tuple[Role, ...]

    async def __call__(self, request: Request) -> Caller:
        caller: Caller = request.state.caller
        return caller

    def check(self, request: Request) -> None:
        """Raises `RoleNotAllowedError`."""
        role = request.state.caller.role
        if role not in self.served:
            raise RoleNotAllowedError(role, ", ".join(self.served))


def allow(*roles: Role) -> Any:
    """The dependency of an `AuthenticatedRoute` that serves these roles only; 403 for all others. It is the caller."""
    return Security(_Roles(roles))


def _roles_of(dependant: Dependant) -> list[_Roles]:
    """What `allow` says anywhere among the dependencies of a route."""
    found = [dependant.call] if isinstance(dependant.call, _Roles) else []
    return found + [roles for part in dependant.dependencies for roles in _roles_of(part)]


def rights_of(role: str) -> list[str]:
    """What the role may do, in words: "manage" (keys and money), "operate" (jobs), "read"."""
    return [name for name, roles in _RIGHTS.items() if role in roles]


def _admit(request: Request) -> None:
    """Note who asks and what is left of his limit.

    Raises `InvalidTokenError`, `IdentityProviderError` or `TooManyRequestsError`.
    """
    limits = context_of(request).rate_limits
    try:
        try:
            caller = _caller(request)
        except (InvalidTokenError, IdentityProviderError):  # nobody could be recognised
            limits.count_failure(request.client.host if request.client else "")
            raise
        request.state.allowance = limits.count_request(caller.id)
    except TooManyRequestsError as exc:
        request.state.allowance = Allowance.used_up(exc)
        raise
    request.state.caller = caller


def _caller(request: Request) -> Caller:
    headers = request.headers.getlist("authorization")
    verifier = context_of(request).verifier
    if len(headers) > 1:
        raise InvalidTokenError("the request has several")
    scheme, _, token = (headers or [""])[0].partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidTokenError("the request has none")
    return verifier.verify(token.strip())


def _check_content_type(request: Request) -> None:
    """415 for a body of another type; FastAPI would take its bytes for the value."""
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if has_body and media_type != "application/json":
        raise HTTPException(
            415, "The body must be JSON: send Content-Type: application/json.", {"Accept": "application/json"}
        )
