"""Report a failure as one line on stderr and an exit code, never as a traceback.

Exit codes are 0 for success, 1 for failure, 2 if the work could not be tried, and 130 after Ctrl-C.
"""

import logging
import sys
from pathlib import Path

from app.disk import is_full, space_left
from app.errors import ConfigurationError, PropertyIntelligenceError, UnexpectedError
from app.errors.broker import BrokerUnavailableError
from app.errors.keys import AmbiguousKeyError, KeyStoreUnavailableError, NoKeysError, UnknownKeyError
from app.errors.pages import IdentityDecisionError
from app.errors.purging import InvalidPersonError
from app.errors.requests import InvalidColumnError
from app.errors.storage import DatabaseOutdatedError, DatabaseUnavailableError, NoSpaceError
from app.errors.targets import InvalidHostError, InvalidTargetError
from app.errors.watches import InvalidWatchError, TooManyWatchesError
from app.errors.webhooks import InvalidCallbackError
from app.printable import printable
from app.redaction import redact

FAILED = 1
USAGE = 2
INTERRUPTED = 130

#: Errors that prevent the work from being tried: a wrong command or configuration, or an unavailable service.
_CONFIGURATION = (
    AmbiguousKeyError,
    BrokerUnavailableError,
    ConfigurationError,
    DatabaseOutdatedError,
    DatabaseUnavailableError,
    InvalidCallbackError,
    InvalidColumnError,
    IdentityDecisionError,
    InvalidHostError,
    InvalidPersonError,
    InvalidTargetError,
    InvalidWatchError,
    KeyStoreUnavailableError,
    NoKeysError,
    TooManyWatchesError,
    UnknownKeyError,
)

log = logging.getLogger(__name__)


def exit_code_of(error: PropertyIntelligenceError) -> int:
    """Return 2 if the error prevented the work from being tried, or 1 if the work was tried and failed."""
    return USAGE if isinstance(error, _CONFIGURATION) else FAILED


def say_error(message: str) -> None:
    """Print an error as one line on stderr, with secrets redacted."""
    print(f"propintel: {printable(redact(message))}", file=sys.stderr)  # noqa: T201


def report(error: Exception) -> int:
    """Print the error as one line, and return the exit code.

    With `--verbose`, the traceback of an unexpected error is logged.
    """
    if isinstance(error, OSError) and is_full(error):
        error = NoSpaceError(space_left(Path(error.filename or Path.cwd())), error.strerror)
    if not isinstance(error, PropertyIntelligenceError):
        log.info("Unexpected error", exc_info=error)
        error = UnexpectedError(type(error).__name__, str(error))
    say_error(str(error))
    return exit_code_of(error)
