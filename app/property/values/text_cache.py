"""Answers about short texts are kept; those about long ones, which a stranger's page is full of, are not."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, update_wrapper


def remembered[*More, Answer](
    most: int, longest: int
) -> Callable[[Callable[[str, *More], Answer]], Callable[[str, *More], Answer]]:
    """Let a function of a text keep its last `most` answers, none about a text of more than `longest` characters.

    What else the function takes must be hashable, and is given by place.
    """

    def keeping(answer: Callable[[str, *More], Answer]) -> Callable[[str, *More], Answer]:
        kept = lru_cache(maxsize=most)(answer)

        def ask(text: str, *more: *More) -> Answer:
            return kept(text, *more) if len(text) <= longest else answer(text, *more)

        update_wrapper(ask, answer)
        return ask

    return keeping
