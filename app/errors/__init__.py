"""The one tree of errors: its root and what may go wrong anywhere here, the rest in a module for each area.

Every error carries its facts in `args` (so that it survives pickling through a result backend), says what is wrong and
what to do about it in `__str__`, and has a `code`: a stable word that job rows, logs and HTTP bodies use.
Errors of other libraries are translated where they enter, with `raise ... from exc`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, ClassVar


class PropertyIntelligenceError(Exception):
    """Base of all our errors. A subclass declares its facts, its sentence and the remedy; it adds no logic."""

    code: ClassVar[str] = "error"
    fact_names: ClassVar[tuple[str, ...]] = ("problem",)
    sentence: ClassVar[str] = "{problem}"
    remedy: ClassVar[str] = ""
    #: True where the same request may succeed later, so that a task may come back to it
    transient: ClassVar[bool] = False

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


class ConfigurationError(PropertyIntelligenceError):
    """A setting that cannot be used. `remedy` says what to set it to; a secret's value is never among the facts."""

    code = "configuration"
    fact_names: ClassVar[tuple[str, ...]] = ("variable", "problem", "remedy")
    sentence = "{variable}: {problem}."
    remedy = "{remedy}."


class NoAnswerError(PropertyIntelligenceError):
    """Something that was asked neither answers nor refuses: a service that is stopped, a lock, a disk that hangs."""

    code = "no_answer"
    fact_names: ClassVar[tuple[str, ...]] = ("what", "seconds")
    sentence = "{what} gave no answer within {seconds:g} s."
    remedy = "See whether its process is stopped or its machine overloaded."
    transient = True


class NotFoundError(PropertyIntelligenceError):
    code = "not_found"
    fact_names: ClassVar[tuple[str, ...]] = ("kind", "id")
    sentence = "There is no {kind} {id}."
    remedy = "`propintel jobs` lists what there is."


class UnexpectedError(PropertyIntelligenceError):
    """A defect of ours or of a library: the type and text of the original, never its traceback or arguments."""

    code = "unexpected"
    fact_names: ClassVar[tuple[str, ...]] = ("type", "text")
    sentence = "Unexpected {type}: {text}."
    remedy = "This is a defect; please report it with the log of this job."


def every_kind() -> Iterator[type[PropertyIntelligenceError]]:
    """The errors of all areas, each of which has a code of its own."""
    areas = [f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)]
    for module in (__name__, *areas):
        for value in vars(importlib.import_module(module)).values():
            if isinstance(value, type) and value.__module__ == module and value is not PropertyIntelligenceError:
                yield value
