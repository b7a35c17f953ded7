"""`propintel token`: sign a token for the HTTP API and the web pages."""

import re
from datetime import timedelta
from typing import Annotated

import typer

from app.access.tokens import Role, issue_token
from app.clock import SystemClock
from app.settings import load_settings
from cli.command import command, new_app
from cli.output import Format, chosen_format, print_json

app = new_app("token")

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = timedelta(days=366)


@command(app, "", "--role manager --subject alice", "--role operator --ttl 30d --subject nightly-import")
def token(
    role: Annotated[Role, typer.Option("--role", help="exec, manager: everything; operator: jobs; reader: read.")],
    subject: Annotated[
        str, typer.Option("--subject", help="The person or program that calls; each has its own limits.")
    ],
    ttl: Annotated[str, typer.Option("--ttl", help="How long it is valid: 30s, 15m, 1h, or 7d; at most 366d.")] = "1h",
) -> None:
    """Sign a token with JWT_SECRET, or with the secret that `propintel up --web` created in PROPINTEL_HOME.

    Prints only the token, even into a pipe, unless JSON is requested. The token has the issuer JWT_ISSUER and the
    audience JWT_AUDIENCE, which the web server checks.

    JSON: `{"token", "role", "subject", "expires_at"}`.
    """
    lifetime = _lifetime(ttl)
    if not subject.strip():
        raise typer.BadParameter("is blank; name the person or program that uses the token", param_hint="--subject")
    clock = SystemClock()
    signed = issue_token(load_settings(), role, lifetime, clock=clock, subject=subject)
    if chosen_format() is Format.JSON:
        expires_at = (clock.now() + lifetime).isoformat(timespec="seconds")
        print_json({"token": signed, "role": role.value, "subject": subject, "expires_at": expires_at})
    else:
        typer.echo(signed)


def _lifetime(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,9})([smhd])", text.strip().lower())
    lifetime = timedelta(seconds=int(match[1]) * _SECONDS[match[2]]) if match else timedelta(0)
    if not timedelta(0) < lifetime <= _LONGEST:
        raise typer.BadParameter(
            f"{text!r} is not a time such as 30s, 15m, 1h, or 7d (at most 366d)", param_hint="--ttl"
        )
    return lifetime
