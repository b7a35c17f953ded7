"""Sign and verify the tokens of the HTTP API.

The `web` package handles headers, status codes, and the roles that routes require. A token is a JWT (RFC 7519) with the
claims `role`, `iss`, `aud`, and `exp`. The configuration, never the token, determines the algorithm (RFC 8725 section
3.1). JWT_JWKS_URL means RS256 or ES256 with the identity provider's keys. Otherwise, JWT_SECRET means HS256. If neither
is set, tokens are signed with the secret of PROPINTEL_HOME, which `propintel up --web` creates (`home.py`). Such tokens
are accepted over loopback only.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
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
#: The last second that a `datetime` can represent, as a Unix time.
_LAST_SECOND = 253_402_300_799
_JWKS_ALGORITHMS = ("RS256", "ES256")
_REMEDY = (
    "Set JWT_SECRET for every web process, for example to the output of `openssl rand -hex 32`; "
    "`propintel up --web` creates one for this machine only"
)


class Role(StrEnum):
    """Executives and managers may do everything, operators run jobs, and readers read results."""

    EXEC = "exec"
    MANAGER = "manager"
    OPERATOR = "operator"
    READER = "reader"


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request: the claims `iss`, `sub`, and `role` of the token. A missing claim is "".

    `role` is not checked and may be any text. `expires_at` is when the token expires, or None in a page session.
    """

    issuer: str
    subject: str
    role: str
    expires_at: datetime | None = field(default=None, compare=False)

    @property
    def who(self) -> str:
        return f"{self.subject} ({self.role})".strip()

    @property
    def id(self) -> str:
        """The caller's id for limits, quotas, and idempotency keys: the SHA-256 of issuer and subject, in hex.

        All tokens without a subject that have the same issuer and role count as one caller.
        """
        who = [self.issuer, self.subject] if self.subject else [self.issuer, None, self.role]
        return hashlib.sha256(json.dumps(who).encode()).hexdigest()


class TokenVerifier:
    """If `loopback_only` is true, the web server must reject requests with a token from other machines."""

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
        """Return the caller that a valid `token` names. This may fetch the provider's keys, which can take seconds.

        Raises `InvalidTokenError` for other tokens, or `IdentityProviderError` if keys cannot be fetched.
        """
        try:
            claims = self._claims(token)
            expires_at = datetime.fromtimestamp(min(claims["exp"], _LAST_SECOND), UTC)
        except jwt.ExpiredSignatureError as exc:
            raise InvalidTokenError("it has expired") from exc
        except jwt.InvalidIssuerError as exc:
            raise InvalidTokenError("its issuer is not ours") from exc
        except jwt.InvalidAudienceError as exc:
            raise InvalidTokenError("it is meant for another audience") from exc
        except jwt.MissingRequiredClaimError as exc:
            raise InvalidTokenError(f"it lacks the claim {exc.claim!r}") from exc
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as exc:
            raise InvalidTokenError("it is malformed or wrongly signed") from exc
        role = claims.get("role")
        known = role if isinstance(role, str) else ""
        return Caller(self._issuer, str(claims.get("sub") or ""), known, expires_at)

    def _claims(self, token: str) -> dict[str, Any]:
        # Check the algorithm before fetching the key, so that a wrong algorithm causes no request to the provider.
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in self._algorithms:
            raise jwt.InvalidAlgorithmError
        claims: dict[str, Any] = jwt.decode(
            token,
            self._key_for(header.get("kid", "")),  # PyJWT checks that the key's algorithm matches the token's
            algorithms=list(self._algorithms),
            issuer=self._issuer,
            audience=self._audience,
            # do not check `iat`, because the provider's clock may be slightly ahead of this machine's
            options={"require": ["exp", "iss", "aud"], "verify_iat": False},
        )
        return claims


def issue_token(settings: Settings, role: Role, lifetime: timedelta, *, clock: Clock, subject: str) -> str:
    """Return a signed token, valid for `lifetime`. Raises `ConfigurationError` if this service cannot sign tokens."""
    if settings.web.jwt_jwks_url:
        problem = "tokens are verified with this identity provider's keys, so a token signed here would be refused"
        raise ConfigurationError("JWT_JWKS_URL", problem, "Get the token there, or unset it and set JWT_SECRET")
    secret = _configured_secret(settings) or read_home_secret(settings.state.propintel_home)
    if secret is None:
        raise ConfigurationError("JWT_SECRET", "is not set, but tokens are signed with it", _REMEDY)
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
    """Return a verifier that uses the configured keys. Raises `ConfigurationError` if none are configured."""
    if settings.web.jwt_jwks_url:
        keys = SigningKeys(_checked_jwks_url(settings.web.jwt_jwks_url), clock)
        return TokenVerifier(settings, _JWKS_ALGORITHMS, keys.key)
    configured = _configured_secret(settings)
    secret = configured or read_home_secret(settings.state.propintel_home)
    if secret is not None:
        return TokenVerifier(settings, _SECRET_ALGORITHMS, lambda _kid: secret, loopback_only=configured is None)
    problem = "neither JWT_SECRET nor JWT_JWKS_URL is set, so no token can be verified"
    raise ConfigurationError("JWT_SECRET", problem, _REMEDY)


def not_for_other_machines() -> ConfigurationError:
    """Return the error for a request from another machine if the verifier is `loopback_only`."""
    problem = "neither JWT_SECRET nor JWT_JWKS_URL is set, and the secret that `up` created is valid over loopback only"
    return ConfigurationError("JWT_SECRET", problem, _REMEDY)


def _configured_secret(settings: Settings) -> str | None:
    return settings.web.jwt_secret.get_secret_value() if settings.web.jwt_secret is not None else None


def _checked_jwks_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))):
        return url
    raise ConfigurationError("JWT_JWKS_URL", "must be an https:// URL", "Keys could be replaced in transit over HTTP")
