"""The base class of the project's errors, and general errors. Each area's errors have their own module in this package.

An error's facts are the values in its message. They are stored in `args`, so that Celery can pickle the error.
`str(error)` describes the problem and the remedy. `code` is a stable identifier for job rows, logs, and HTTP bodies.
Code that calls a library converts the library's errors with `raise ... from exc`.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, ClassVar


class PropertyIntelligenceError(Exception):
    """The base class of all errors of the project.

    A subclass defines its `code` and the names of its facts as class arguments, and its sentence and remedy as
    attributes. Every subclass must define `code`; the rest may be inherited.
    """

    code: ClassVar[str] = "error"
    fact_names: ClassVar[tuple[str, ...]] = ("problem",)
    sentence: ClassVar[str] = "{problem}"
    remedy: ClassVar[str] = ""
    #: True if the same request may succeed later, so that a task may retry it.
    transient: ClassVar[bool] = False

    def __init_subclass__(cls, code: str, facts: str | None = None) -> None:
        cls.code = code
        if facts is not None:
            cls.fact_names = tuple(facts.split())

    def __init__(self, *facts: object) -> None:
        if len(facts) != len(self.fact_names):
            names = ", ".join(self.fact_names)
            raise TypeError(f"{type(self).__name__} takes exactly these facts: {names}")
        super().__init__(*facts)

    @property
    def facts(self) -> dict[str, Any]:
        return dict(zip(self.fact_names, self.args, strict=True))

    @property
    def without_remedy(self) -> str:
        """The message without the remedy."""
        return self.sentence.format(**self.facts)

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}".strip().format(**self.facts)


class ConfigurationError(PropertyIntelligenceError, code="configuration", facts="variable problem remedy"):
    """A setting is invalid. `remedy` says what to do. The facts never contain a secret."""

    sentence = "{variable}: {problem}."
    remedy = "{remedy}."


class NoAnswerError(PropertyIntelligenceError, code="no_answer", facts="what seconds"):
    """A call timed out, for example because a service is stopped, a lock is held, or a disk hangs."""

    sentence = "{what} gave no answer within {seconds:g} s."
    remedy = "Check whether its process is stopped or its machine is overloaded."
    transient = True


class NotFoundError(PropertyIntelligenceError, code="not_found", facts="kind id"):
    sentence = "There is no {kind} {id}."
    remedy = "Check the ID."


class UnexpectedError(PropertyIntelligenceError, code="unexpected", facts="type text"):
    """A defect of this project or of a library. The facts are the original exception's type and text."""

    sentence = "Unexpected {type}: {text}."
    remedy = "Please report this defect with the log of the job."


def every_kind() -> Iterator[type[PropertyIntelligenceError]]:
    areas = [f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)]
    for module in (__name__, *areas):
        for value in vars(importlib.import_module(module)).values():
            if isinstance(value, type) and value.__module__ == module and value is not PropertyIntelligenceError:
                yield value
