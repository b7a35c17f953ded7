"""Signing in with a token of the API, and out again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from app.errors import PropertyIntelligenceError
from app.errors.requests import InvalidTokenError, RoleNotAllowedError
from app.services.access import is_loopback
from web.auth import READING, strangers_counted
from web.context import Context, context_of
from web.pages.rendering import page
from web.pages.route import SIGN_IN_PATH, PageRoute, cookie_name, find_session, inner_path, see_other

router = APIRouter(route_class=PageRoute)


@router.get("/")
def home(request: Request) -> Response:
    """Where everybody who is signed in may be."""
    return see_other("/jobs" if find_session(request) is not None else SIGN_IN_PATH)


@router.get(SIGN_IN_PATH)
def show_sign_in(request: Request, next: str = "/") -> Response:
    return _sign_in_page(request, wanted=inner_path(next))


@router.post(SIGN_IN_PATH)
def sign_in(
    request: Request, token: Annotated[str, Form(max_length=16_384)] = "", wanted: Annotated[str, Form()] = "/"
) -> Response:
    """Sets the cookie; with a token that does not hold, the form again and what is wrong."""
    context = context_of(request)
    try:
        session_id, seconds = _open_session(context, request, token.strip())
    except (InvalidTokenError, RoleNotAllowedError) as exc:
        return _sign_in_page(request, wanted=inner_path(wanted), problem=_said(exc), status=403)
    response = see_other(inner_path(wanted))
    response.set_cookie(
        cookie_name(request),
        session_id,
        max_age=seconds,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """Ends the session everywhere."""
    name = cookie_name(request)
    if sent := request.cookies.get(name):
        context_of(request).page_sessions.end(sent)
    response = see_other(SIGN_IN_PATH)
    response.delete_cookie(name, secure=request.url.scheme == "https", httponly=True, samesite="strict")
    return response


def _open_session(context: Context, request: Request, token: str) -> tuple[str, int]:
    with strangers_counted(request):
        if not token:
            raise InvalidTokenError("the form has none")
        caller = context.verifier.verify(token)
    if caller.role not in READING:
        raise RoleNotAllowedError(caller.role, ", ".join(READING))
    return context.page_sessions.open(caller)


def _said(exc: PropertyIntelligenceError) -> str:
    """What is wrong, in the words of somebody who looks at a form."""
    if isinstance(exc, InvalidTokenError):
        return f"This token does not hold: {exc.facts['reason']}."
    return str(exc)


def _sign_in_page(request: Request, wanted: str, problem: str = "", status: int = 200) -> Response:
    settings = context_of(request).settings
    bare = request.url.scheme != "https" and not is_loopback(request.url.hostname or "")
    return page(
        request,
        "sign_in.html",
        status,
        wanted=wanted,
        problem=problem,
        provider=bool(settings.jwt_jwks_url),
        bare=bare,
    )
