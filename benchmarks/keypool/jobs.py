"""The jobs' prompts: a fixed set of texts of different lengths. Workers import this file, so it only needs the standard
library.

On average, the simulator charges `MEAN_TOKENS` for a job (characters / 4 + max completion tokens). The limits in
`modes.py` are derived from that number.
"""

import random
from dataclasses import dataclass

MODEL = "gpt-4.1-mini"
MAX_COMPLETION_TOKENS = 100
#: The range of the texts' sizes in input tokens. The sizes are spread evenly.
_INPUT_TOKENS = (100, 700)
MEAN_TOKENS = (_INPUT_TOKENS[0] + _INPUT_TOKENS[1]) // 2 + MAX_COMPLETION_TOKENS
_TEXTS = 301
_WORDS = ("the", "house", "has", "a", "bright", "room", "with", "tall", "windows", "and", "an", "old", "oak", "floor")


@dataclass(frozen=True, slots=True)
class Job:
    """A chat completion: `text` is the user's message, `input_tokens` its size as the simulator counts it."""

    text: str
    input_tokens: int
    max_completion_tokens: int = MAX_COMPLETION_TOKENS


def all_jobs() -> list[Job]:
    """Return jobs with 100, 102, ... 700 input tokens. The list is the same in every process."""
    low, high = _INPUT_TOKENS
    return [_job(low + (high - low) * n // (_TEXTS - 1), n) for n in range(_TEXTS)]


def _job(tokens: int, seed: int) -> Job:
    chance = random.Random(seed)
    words = " ".join(chance.choices(_WORDS, k=tokens))
    return Job(f"{seed}: {words}"[: tokens * 4].ljust(tokens * 4, "."), tokens)
