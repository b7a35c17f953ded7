"""The route classes of pages, which check session, role, and CSRF token, and show errors as HTML pages."""

import hmac
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from app.access.page_sessions import PageSession
from app.errors import PropertyIntelligenceError
from app.errors.ids import UnknownIdError
from app.errors.requests import ForgedRequestError
from app.property.storage.ids import IdKind, find_id
from web.auth import count_request, role_check
from web.context import Context, context_of
from web.errors import answer_to, problem_of
from web.limits import MAX_BODY_BYTES
from web.pages.rendering import page, wants_fragment
from web.query import query_check

_SAFE_METHODS = ("GET", "HEAD")
CSRF_FIELD = "csrf"
SIGN_IN_PATH = "/sign-in"


class PageRoute(APIRoute):
    """A route that answers errors with HTML pages, and rejects forms that were sent from another site."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle, admit = super().get_route_handler(), self.admission()

        async def served(request: Request) -> Response:
            try:
                await admit(request)
                return await handle(request)
            except SignInNeededError:
                return _to_sign_in(request)
            except (PropertyIntelligenceError, RequestValidationError, HTTPException) as exc:
                return await run_in_threadpool(error_page, request, exc)

        return served

    def admission(self) -> Callable[[Request], Awaitable[None]]:
        """Return a check that runs before FastAPI reads the request and rejects forms that another site sent."""
        return _refuse_forged


class SignedInRoute(PageRoute):
    """A page for signed-in callers with a role that the route's `allow` admits.

    The session is in `request.state.page_session`. Forms must contain the session's CSRF token, and each sent form
    counts toward the caller's rate limit.
    """

    def admission(self) -> Callable[[Request], Awaitable[None]]:
        check_role, check_query = role_check(self), query_check(self, takes_tracking=True)

        async def admit(request: Request) -> None:
            await _refuse_forged(request)
            session = await run_in_threadpool(find_session, request)
            if session is None:
                raise SignInNeededError
            request.state.page_session, request.state.caller = session, session.caller
            check_role(request)
            check_query(request)
            if request.method not in _SAFE_METHODS:
                # a pasted list may be as large as the largest body; FastAPI reuses this parsed form
                sent = (await request.form(max_part_size=MAX_BODY_BYTES)).get(CSRF_FIELD)
                if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), session.csrf.encode()):
                    raise ForgedRequestError
                await run_in_threadpool(count_request, request, session.caller)

        return admit


class SignInNeededError(Exception):
    """The request has no valid session."""


def cookie_name(request: Request) -> str:
    """Return the session cookie's name. Over TLS, `__Host-` stops sibling domains from setting it (RFC 6265bis)."""
    return "__Host-propintel" if request.url.scheme == "https" else "propintel"


def find_session(request: Request) -> PageSession | None:
    """Return the session of the request's cookie, or None. Raises `BrokerUnavailableError` if Redis does not answer."""
    sent = request.cookies.get(cookie_name(request), "")
    return context_of(request).page_sessions.find(sent) if sent else None


def see_other(path: str) -> RedirectResponse:
    """Return a redirect that answers a form, so that reloading the page does not send the form again."""
    return RedirectResponse(path, 303, {"Cache-Control": "no-store"})


def inner_path(wanted: str, otherwise: str = "/") -> str:
    """Return `wanted` if it is a path of this site, else `otherwise`. This prevents redirects to other sites."""
    inside = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted and wanted.isprintable()
    return wanted if inside else otherwise


def full_id(context: Context, typed: str, kind: IdKind) -> str:
    """Return the ID that begins with `typed`, such as a short ID of the terminal, or `typed` if there is none.

    Raises `AmbiguousIdError`.
    """
    try:
        return find_id(context.stores.database, typed, kind)
    except UnknownIdError:  # the store's error has no advice for a terminal
        return typed


async def _refuse_forged(request: Request) -> None:
    if request.method not in _SAFE_METHODS and not _from_here(request):
        raise ForgedRequestError


def _from_here(request: Request) -> bool:
    """Return whether the request comes from a page of this site, or from a client that is not a browser.

    Only browsers send Sec-Fetch-Site or Origin. A client that is not a browser is accepted, because it cannot be
    tricked into sending the user's cookie.
    """
    if (site := request.headers.get("sec-fetch-site")) is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2] == request.headers.get("host")


def _to_sign_in(request: Request) -> Response:
    if wants_fragment(request):
        return Response(status_code=401, headers={"HX-Refresh": "true"})
    there = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    wanted = f"?next={quote(there)}" if request.method in _SAFE_METHODS and there != "/" else ""
    return see_other(SIGN_IN_PATH + wanted)


def error_page(request: Request, exc: Exception) -> Response:
    if isinstance(exc, PropertyIntelligenceError):
        status, message, headers = answer_to(request, exc)
        headers.pop("WWW-Authenticate", None)  # a browser would prompt for a password
    elif isinstance(exc, HTTPException):
        status, message, headers = exc.status_code, str(exc.detail), dict(exc.headers or {})
        if status == 404:
            message = f"There is no page at {request.url.path}."
    else:
        assert isinstance(exc, RequestValidationError)  # noqa: S101 (there is no other)
        status, message, headers = 422, problem_of(exc), {}
    response = page(request, "error.html", status, status=status, message=message)
    response.headers.update(headers)
    return response
