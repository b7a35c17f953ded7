"""Count the tokens of a text."""

from functools import cache
from typing import Any


@cache
def _encoding() -> Any:
    import bpe_openai  # noqa: PLC0415 (it takes half a second and 70 MB, so only counting loads it)

    return bpe_openai.get_encoding("o200k_base")


def count_tokens(text: str) -> int:
    """Return the number of tokens of `text` in `o200k_base`, the encoding of OpenAI's models since GPT-4o."""
    return len(_encoding().encode_ordinary(text))
