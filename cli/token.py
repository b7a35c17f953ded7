"""`propintel token`: a signed token for the web door."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

import typer

from app.access.tokens import Role, issue_token
from app.clock import SystemClock
from app.settings import load_settings
from cli.output import Format, print_json

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXAMPLES = """\b
Examples:
  propintel token --role manager --subject alice
  curl -H "Authorization: Bearer $(propintel token --role reader --subject crm)" localhost:8000/api/v1/jobs
  propintel token --role operator --ttl 30d --subject nightly-import
"""
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = timedelta(days=366)


@app.command(epilog=_EXAMPLES)
def token(
    role: Annotated[Role, typer.Option("--role", help="exec, manager: all; operator: jobs; reader: reads only.")],
    subject: Annotated[
        str, typer.Option("--subject", help="Who calls, a person or program: each has limits of its own.")
    ],
    ttl: Annotated[str, typer.Option("--ttl", help="How long it holds: 30s, 15m, 1h or 7d; at most 366d.")] = "1h",
    format_: Annotated[Format, typer.Option("--format", help="table: the bare token.")] = Format.TABLE,
) -> None:
    """Sign a token with JWT_SECRET, or with the secret that `propintel up --web` has made in PROPINTEL_HOME.

    Its issuer and audience are JWT_ISSUER and JWT_AUDIENCE, which the web server checks.
    """
    lifetime = _lifetime(ttl)
    if not subject.strip():
        raise typer.BadParameter("is blank; name the person or program that the token is for", param_hint="--subject")
    clock = SystemClock()
    signed = issue_token(load_settings(), role, lifetime, clock=clock, subject=subject)
    if format_ is Format.JSON:
        expires_at = (clock.now() + lifetime).isoformat(timespec="seconds")
        print_json({"token": signed, "role": role.value, "subject": subject, "expires_at": expires_at})
    else:
        typer.echo(signed)


def _lifetime(text: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,9})([smhd])", text.strip().lower())
    lifetime = timedelta(seconds=int(match[1]) * _SECONDS[match[2]]) if match else timedelta(0)
    if not timedelta(0) < lifetime <= _LONGEST:
        raise typer.BadParameter(
            f"{text!r} is not a time such as 30s, 15m, 1h or 7d (at most 366d)", param_hint="--ttl"
        )
    return lifetime
