"""The jobs' prompts: a fixed set of texts of different lengths. It only needs the standard library, for the workers.

The simulator charges the mean job `MEAN_TOKENS` (characters / 4 + max completion tokens). The limits in `modes.py` are
derived from that number.
"""

import random
from dataclasses import dataclass

MODEL = "gpt-4.1-mini"
MAX_COMPLETION_TOKENS = 100
#: The sizes of the texts, in input tokens, are spread evenly over this range.
_INPUT_TOKENS = (100, 700)
MEAN_TOKENS = (_INPUT_TOKENS[0] + _INPUT_TOKENS[1]) // 2 + MAX_COMPLETION_TOKENS
_TEXTS = 301
_WORDS = ("the", "house", "has", "a", "bright", "room", "with", "tall", "windows", "and", "an", "old", "oak", "floor")


@dataclass(frozen=True, slots=True)
class Job:
    """One chat completion: `text` is the user's message, `input_tokens` its size as the simulator counts it."""

    text: str
    input_tokens: int
    max_completion_tokens: int = MAX_COMPLETION_TOKENS


def all_jobs() -> list[Job]:
    """Return the same list in every process: 100, 102, ... 700 input tokens."""
    low, high = _INPUT_TOKENS
    return [_job(low + (high - low) * n // (_TEXTS - 1), n) for n in range(_TEXTS)]


def _job(tokens: int, seed: int) -> Job:
    chance = random.Random(seed)
    words = " ".join(chance.choices(_WORDS, k=tokens))
    return Job(f"{seed}: {words}"[: tokens * 4].ljust(tokens * 4, "."), tokens)
