"""Who may use the HTTP door: signs tokens and checks them, in one file so that both sides agree.

Leaves the header, the status codes and which role a route asks for to `web`. A token is a JWT (RFC 7519) with the
claims `role`, `iss`, `aud`, `exp`. Two modes, each with its algorithms pinned (RFC 8725 section 3.1), never chosen by
the token: JWT_SECRET means HS256; JWT_JWKS_URL means RS256 or ES256 with the identity provider's keys, and wins if both
are set. If neither is set, the secret that `propintel up --web` made for this home signs and checks (`home.py`),
but only for requests that come over loopback: nobody has decided that other machines may use it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import urlsplit

import jwt

from app.access.signing_keys import SigningKeys
from app.clock import Clock
from app.errors import ConfigurationError
from app.errors.requests import InvalidTokenError
from app.home import read_home_secret
from app.settings import Settings
from app.settings.forms import is_loopback

_SECRET_ALGORITHMS = ("HS256",)
#: the last second that a `datetime` can say
_FAR = 253_402_300_799
_JWKS_ALGORITHMS = ("RS256", "ES256")
_REMEDY = (
    "Set JWT_SECRET for every web process, for example to the output of `openssl rand -hex 32`; "
    "`propintel up --web` makes one for this machine alone"
)


class Role(StrEnum):
    """What a token's holder is: executives and managers may do all, operators run jobs, readers see their results."""

    EXEC = "exec"
    MANAGER = "manager"
    OPERATOR = "operator"
    READER = "reader"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: the token's claims `iss`, `sub` and `role` as they stand, empty where it has none.

    The role may be a foreign word. `expires_at` is until when the token holds, None where no token is at hand.
    """

    issuer: str
    subject: str
    role: str
    expires_at: datetime | None = field(default=None, compare=False)

    @property
    def who(self) -> str:
        """As what he did is written down: `alice (manager)`."""
        return f"{self.subject} ({self.role})".strip()

    @property
    def id(self) -> str:
        """Whose limits, quota and idempotency keys count: one name for each issuer and subject, SHA-256 in hex.

        Tokens without a subject cannot be told apart: all of one role are one caller.
        """
        who = [self.issuer, self.subject] if self.subject else [self.issuer, None, self.role]
        return hashlib.sha256(json.dumps(who).encode()).hexdigest()


class TokenVerifier(Protocol):
    """Judges tokens. May block for seconds: the JWKS mode may ask the identity provider.

    `loopback_only`: it may not be used for a request that came from another machine.
    """

    @property
    def loopback_only(self) -> bool: ...

    def verify(self, token: str) -> Caller:
        """The caller; raises `InvalidTokenError`, or `IdentityProviderError` when nothing can be judged now."""
        ...


def issue_token(settings: Settings, role: Role, lifetime: timedelta, *, clock: Clock, subject: str) -> str:
    """A signed token of `subject` that expires after `lifetime`. Raises `ConfigurationError` without a secret."""
    if settings.web.jwt_jwks_url:
        problem = "tokens are checked against this identity provider, so one signed here would be refused"
        raise ConfigurationError("JWT_JWKS_URL", problem, "Get the token there, or unset it and set JWT_SECRET")
    secret = _configured_secret(settings) or read_home_secret(settings.state.propintel_home)
    if secret is None:
        raise ConfigurationError("JWT_SECRET", "is not set, and a token is signed with it", _REMEDY)
    now = clock.now()
    claims = {
        "sub": subject,
        "role": role.value,
        "iss": settings.web.jwt_issuer,
        "aud": settings.web.jwt_audience,
        "iat": now,
        "exp": now + lifetime,
    }
    return jwt.encode(claims, secret, algorithm="HS256")


def build_verifier(settings: Settings, clock: Clock) -> TokenVerifier:
    """The verifier of the configured mode. Raises `ConfigurationError` if there is none. Connects to nothing yet."""
    if settings.web.jwt_jwks_url:
        keys = SigningKeys(_checked_jwks_url(settings.web.jwt_jwks_url), clock)
        return _Verifier(settings, _JWKS_ALGORITHMS, keys.key)
    configured = _configured_secret(settings)
    secret = configured or read_home_secret(settings.state.propintel_home)
    if secret is not None:
        return _Verifier(settings, _SECRET_ALGORITHMS, lambda _kid: secret, loopback_only=configured is None)
    problem = "neither JWT_SECRET nor JWT_JWKS_URL is set, so no token can be checked"
    raise ConfigurationError("JWT_SECRET", problem, _REMEDY)


def not_for_other_machines() -> ConfigurationError:
    """The error of a request from another machine where the verifier is `loopback_only`."""
    problem = "neither JWT_SECRET nor JWT_JWKS_URL is set, and the secret that `up` made serves loopback addresses only"
    return ConfigurationError("JWT_SECRET", problem, _REMEDY)


def _configured_secret(settings: Settings) -> str | None:
    return settings.web.jwt_secret.get_secret_value() if settings.web.jwt_secret is not None else None


class _Verifier:
    """Checks signature, expiry, issuer and audience with the algorithms and the key (by `kid`) of one mode."""

    def __init__(
        self,
        settings: Settings,
        algorithms: tuple[str, ...],
        key_for: Callable[[str], Any],
        *,
        loopback_only: bool = False,
    ) -> None:
        self._issuer, self._audience = settings.web.jwt_issuer, settings.web.jwt_audience
        self._algorithms = algorithms
        self._key_for = key_for
        self.loopback_only = loopback_only

    def verify(self, token: str) -> Caller:
        try:
            claims = self._claims(token)
            expires_at = datetime.fromtimestamp(min(claims["exp"], _FAR), UTC)
        except jwt.ExpiredSignatureError as exc:
            raise InvalidTokenError("it has expired") from exc
        except jwt.InvalidIssuerError as exc:
            raise InvalidTokenError("its issuer is not ours") from exc
        except jwt.InvalidAudienceError as exc:
            raise InvalidTokenError("it is meant for another audience") from exc
        except jwt.MissingRequiredClaimError as exc:
            raise InvalidTokenError(f"it lacks the claim {exc.claim!r}") from exc
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as exc:
            raise InvalidTokenError("it is malformed, or its signature does not hold") from exc
        role = claims.get("role")
        known = role if isinstance(role, str) else ""
        return Caller(self._issuer, str(claims.get("sub") or ""), known, expires_at)

    def _claims(self, token: str) -> dict[str, Any]:
        # judged before a key is looked for: a token of another algorithm must not cost a request to the provider
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in self._algorithms:
            raise jwt.InvalidAlgorithmError
        claims: dict[str, Any] = jwt.decode(
            token,
            self._key_for(header.get("kid", "")),  # a PyJWK brings its algorithm, which the token's must equal
            algorithms=list(self._algorithms),
            issuer=self._issuer,
            audience=self._audience,
            # iat says when, not until when (RFC 7519 section 4.1.6): a provider's clock may run a second ahead of ours
            options={"require": ["exp", "iss", "aud"], "verify_iat": False},
        )
        return claims


def _checked_jwks_url(url: str) -> str:
    """`url` if its keys cannot be swapped on the way: https, or http on this machine."""
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))):
        return url
    raise ConfigurationError("JWT_JWKS_URL", "must be an https:// URL", "Keys read over plain HTTP could be swapped")
