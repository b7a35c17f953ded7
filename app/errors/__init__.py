"""All errors of the project: the base class and general errors here, the others in a module per area.

An error keeps its facts in `args`, so that it can be pickled for a result backend. `__str__` gives the problem and the
remedy. `code` is a stable word for job rows, logs and HTTP bodies. Errors of libraries are converted where they occur,
with `raise ... from exc`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, ClassVar


class PropertyIntelligenceError(Exception):
    """The base of all errors. A subclass adds no logic: It names its `code` and `facts` as class arguments, and sets
    its sentence and remedy as attributes. It inherits the parts that it leaves out, except for the code.
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
        """The facts by name."""
        return dict(zip(self.fact_names, self.args, strict=True))

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}".strip().format(**self.facts)


class ConfigurationError(PropertyIntelligenceError, code="configuration", facts="variable problem remedy"):
    """A setting is invalid. `remedy` says what to set it to; facts never include a secret."""

    sentence = "{variable}: {problem}."
    remedy = "{remedy}."


class NoAnswerError(PropertyIntelligenceError, code="no_answer", facts="what seconds"):
    """A call timed out: a stopped service, a lock, or a disk that hangs."""

    sentence = "{what} gave no answer within {seconds:g} s."
    remedy = "Check whether its process is stopped or its machine is overloaded."
    transient = True


class NotFoundError(PropertyIntelligenceError, code="not_found", facts="kind id"):
    sentence = "There is no {kind} {id}."
    remedy = "Check the ID."


class UnexpectedError(PropertyIntelligenceError, code="unexpected", facts="type text"):
    """A defect of this project or a library: type and text of the original, without traceback and arguments."""

    sentence = "Unexpected {type}: {text}."
    remedy = "Please report this defect with the log of the job."


def every_kind() -> Iterator[type[PropertyIntelligenceError]]:
    """Yield all error classes. Each has its own code."""
    areas = [f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)]
    for module in (__name__, *areas):
        for value in vars(importlib.import_module(module)).values():
            if isinstance(value, type) and value.__module__ == module and value is not PropertyIntelligenceError:
                yield value
