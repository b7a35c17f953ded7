"""Cache the results of functions that take a text."""

from collections.abc import Callable
from functools import lru_cache, update_wrapper


def remembered[*More, Answer](
    most: int, longest: int
) -> Callable[[Callable[[str, *More], Answer]], Callable[[str, *More], Answer]]:
    """Cache a function's last `most` results, except for texts of more than `longest` characters.

    The function's other arguments must be hashable and positional.
    """

    def keeping(answer: Callable[[str, *More], Answer]) -> Callable[[str, *More], Answer]:
        kept = lru_cache(maxsize=most)(answer)

        def ask(text: str, *more: *More) -> Answer:
            return kept(text, *more) if len(text) <= longest else answer(text, *more)

        update_wrapper(ask, answer)
        return ask

    return keeping
