"""The pages that need no session: sign in with an API token or a one-time link, sign out, and read the API's docs."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from app.access.page_sessions import LINK_PATH
from app.access.tokens import Caller
from app.errors import ConfigurationError, PropertyIntelligenceError
from app.errors.requests import InvalidTokenError, RoleNotAllowedError
from app.settings.forms import is_loopback
from web.auth import READING, strangers_counted, verifier_for
from web.context import context_of
from web.errors import answer_to
from web.pages.rendering import page
from web.pages.route import SIGN_IN_PATH, PageRoute, cookie_name, inner_path, see_other

router = APIRouter(route_class=PageRoute)

_LINK_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_LINK_OVER = (
    "This sign-in link was used or has expired. Sign in with a token, or ask the operator of this service for one."
)


@router.get(SIGN_IN_PATH)
def show_sign_in(request: Request, next: str = "/") -> Response:
    """Show the sign-in form. If sign-in is not configured, show a page that names the missing setting."""
    try:
        verifier_for(request)
        context_of(request).page_sessions.require_key()
    except ConfigurationError as exc:
        return _closed_page(request, exc)
    return _sign_in_page(request, wanted=inner_path(next))


@router.post(SIGN_IN_PATH)
def sign_in(
    request: Request, token: Annotated[str, Form(max_length=16_384)] = "", wanted: Annotated[str, Form()] = "/"
) -> Response:
    """Set the session cookie. If the token is invalid, show the form again and explain the problem."""
    try:
        return _signed_in(request, _caller_of_token(request, token.strip()), inner_path(wanted))
    except ConfigurationError as exc:
        return _closed_page(request, exc)
    except (InvalidTokenError, RoleNotAllowedError) as exc:
        return _sign_in_page(request, wanted=inner_path(wanted), problem=_shown_message(exc), status=403)


@router.get(LINK_PATH)
def sign_in_by_link(request: Request, code: str = "") -> Response:
    """Set the session cookie and redirect to a URL without `code`, to keep the code out of history and referrers."""
    if "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", "")):
        return Response(status_code=503, headers=_LINK_HEADERS)  # a prefetch by the browser must not use up the link
    try:
        response = _signed_in(request, _caller_of_link(request, code), "/")
    except InvalidTokenError:
        response = _sign_in_page(request, wanted="/", problem=_LINK_OVER, status=403)
    response.headers.update(_LINK_HEADERS)
    return response


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End the session on the server, so that copies of its cookie become invalid, too."""
    name = cookie_name(request)
    if sent := request.cookies.get(name):
        context_of(request).page_sessions.end(sent)
    response = see_other(SIGN_IN_PATH)
    response.delete_cookie(name, secure=request.url.scheme == "https", httponly=True, samesite="strict")
    return response


@router.get("/docs")
def show_api(request: Request) -> Response:
    return page(request, "api_docs.html")


def _signed_in(request: Request, caller: Caller, path: str) -> Response:
    session_id, seconds = context_of(request).page_sessions.open(caller)
    response = see_other(path)
    response.set_cookie(
        cookie_name(request),
        session_id,
        max_age=seconds,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return response


def _caller_of_token(request: Request, token: str) -> Caller:
    with strangers_counted(request):
        if not token:
            raise InvalidTokenError("the form has none")
        caller = verifier_for(request).verify(token)
    if caller.role not in READING:
        raise RoleNotAllowedError(caller.role, ", ".join(READING))
    return caller


def _caller_of_link(request: Request, code: str) -> Caller:
    verifier_for(request)  # refuses requests from other machines if only the secret that `up` created is set
    with strangers_counted(request):
        caller = context_of(request).page_sessions.use_link(code)
        if caller is None:
            raise InvalidTokenError("the link was used or has expired")
    return caller


def _shown_message(exc: PropertyIntelligenceError) -> str:
    if isinstance(exc, InvalidTokenError):
        return f"Invalid token: {exc.facts['reason']}."
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
        provider=bool(settings.web.jwt_jwks_url),
        bare=bare,
    )


def _closed_page(request: Request, exc: ConfigurationError) -> Response:
    status, message, headers = answer_to(request, exc)
    response = page(request, "sign_in_closed.html", status, message=message)
    response.headers.update(headers)
    return response
