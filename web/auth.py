"""Authentication and roles. Every route below `/api/v1` needs a token and declares the roles that may call it."""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request, Response, Security
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from app.access.rate_limits import Allowance
from app.access.tokens import Caller, Role, TokenVerifier, not_for_other_machines
from app.errors.requests import IdentityProviderError, InvalidTokenError, RoleNotAllowedError, TooManyRequestsError
from app.settings.forms import is_loopback
from app.strict_json import parse
from web.context import context_of
from web.envelope import COMMON
from web.query import query_check

#: The roles that may manage keys and alerts, purge data, and delete recipes.
MANAGEMENT = (Role.EXEC, Role.MANAGER)
#: The roles that may enqueue, cancel, and retry jobs, watch targets, and split or join properties.
OPERATIONS = (*MANAGEMENT, Role.OPERATOR)
#: The roles that may read jobs, batches, properties, changes, watches, and recipes.
READING = (*OPERATIONS, Role.READER)
_RIGHTS = {"manage": MANAGEMENT, "operate": OPERATIONS, "read": READING}

#: Only documents the token in /docs. `AuthenticatedRoute` verifies tokens.
_bearer_scheme = HTTPBearer(
    auto_error=False, bearerFormat="JWT", description="`propintel token --role manager --subject NAME`"
)


class StrictRequest(Request):
    """A request that parses its body as strict JSON. FastAPI answers invalid JSON with 422."""

    async def json(self) -> Any:
        return parse(await self.body())


class AuthenticatedRoute(APIRoute):
    """A route that checks the token, the rate limit, the role, and the query's names before it reads the body."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        check_role, check_query = role_check(self), query_check(self)

        async def authenticated(request: Request) -> Response:
            await run_in_threadpool(_admit, request)
            check_role(request)
            check_query(request)
            if self.body_field is not None:
                _check_content_type(request)
            return await handle(StrictRequest(request.scope, request.receive))

        return authenticated


@dataclass(frozen=True, slots=True)
class _Roles:
    served: tuple[Role, ...]

    async def __call__(self, request: Request) -> Caller:
        caller: Caller = request.state.caller
        return caller

    def check(self, caller: Caller) -> None:
        if caller.role not in self.served:
            raise RoleNotAllowedError(caller.role, ", ".join(self.served))


def allow(*roles: Role) -> Any:
    """Return a route dependency that admits only these roles and provides the caller.

    `role_check` enforces the roles before FastAPI resolves the dependency.
    """
    return Security(_Roles(roles))


#: Types of the caller parameter: `Operator` for routes that operators may call, `Manager` for management only.
Operator = Annotated[Caller, allow(*OPERATIONS)]
Manager = Annotated[Caller, allow(*MANAGEMENT)]


def api_router(path: str, tag: str, roles: Sequence[Role] = ()) -> APIRouter:
    """Return a router for the routes at and below `path`. If `roles` is empty, each route declares its own roles."""
    return APIRouter(
        prefix=path,
        tags=[tag],
        route_class=AuthenticatedRoute,
        dependencies=[Security(_bearer_scheme), *([allow(*roles)] if roles else [])],
        responses=COMMON,
    )


def role_check(route: APIRoute) -> Callable[[Request], None]:
    """Return a function that raises `RoleNotAllowedError` unless each `allow` of the route admits the caller.

    The caller is `request.state.caller`. Raises `TypeError` if the route has no `allow`.
    """
    roles = _roles_of(route.dependant)
    if not roles:
        raise TypeError(f"The route {route.path} names no roles: give it `allow(...)`")

    def check(request: Request) -> None:
        for served in roles:
            served.check(request.state.caller)

    return check


def _roles_of(dependant: Dependant) -> list[_Roles]:
    found = [dependant.call] if isinstance(dependant.call, _Roles) else []
    return found + [roles for part in dependant.dependencies for roles in _roles_of(part)]


def rights_of(role: str) -> list[str]:
    """Return which of the rights "manage", "operate", and "read" the role has."""
    return [name for name, roles in _RIGHTS.items() if role in roles]


def _admit(request: Request) -> None:
    with strangers_counted(request):
        caller = _caller(request)
    count_request(request, caller)
    request.state.caller = caller


@contextmanager
def strangers_counted(request: Request) -> Iterator[None]:
    """If the `with` block rejects a token, count a failure for the client's IP address.

    Raises `TooManyRequestsError` if the address has sent too many requests without a valid token.
    """
    try:
        yield
    except (InvalidTokenError, IdentityProviderError):
        with _exhausted_allowance(request):
            context_of(request).rate_limits.count_failure(request.client.host if request.client else "")
        raise


def count_request(request: Request, caller: Caller) -> None:
    """Count one request of `caller`, for the rate limit and the RateLimit headers.

    Raises `TooManyRequestsError` if the caller exceeds the limit.
    """
    with _exhausted_allowance(request):
        request.state.allowance = context_of(request).rate_limits.count_request(caller.id)


@contextmanager
def _exhausted_allowance(request: Request) -> Iterator[None]:
    try:
        yield
    except TooManyRequestsError as exc:
        request.state.allowance = Allowance.used_up(exc)
        raise


def _caller(request: Request) -> Caller:
    headers = request.headers.getlist("authorization")
    verifier = verifier_for(request)
    if len(headers) > 1:
        raise InvalidTokenError("the request has several")
    scheme, _, token = (headers or [""])[0].partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise InvalidTokenError("the request has none")
    return verifier.verify(token.strip())


def verifier_for(request: Request) -> TokenVerifier:
    """Return the token verifier. Raises `ConfigurationError` if its only secret is the one that `up` created and the
    client did not connect to a loopback address.
    """
    verifier = context_of(request).verifier
    address, _port = request.scope.get("server") or ("", None)  # the local address that the client connected to
    if verifier.loopback_only and not is_loopback(address):
        raise not_for_other_machines()
    return verifier


def _check_content_type(request: Request) -> None:
    """Raise HTTP 415 for a body that is not declared as JSON. FastAPI would parse some of these bodies."""
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if has_body and media_type != "application/json":
        raise HTTPException(
            415, "The body must be JSON: send Content-Type: application/json.", {"Accept": "application/json"}
        )
