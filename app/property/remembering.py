"""Answers about short texts are kept; those about long ones, which a stranger's page is full of, are not."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps


def remembered[Answer](most: int, longest: int) -> Callable[[Callable[[str], Answer]], Callable[[str], Answer]]:
    """Let a function of a text keep its last `most` answers, none about a text of more than `longest` characters."""

    def keeping(answer: Callable[[str], Answer]) -> Callable[[str], Answer]:
        kept = lru_cache(maxsize=most)(answer)
        return wraps(answer)(lambda text: kept(text) if len(text) <= longest else answer(text))

    return keeping
