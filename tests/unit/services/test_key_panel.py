"""If there are hundreds of keys and limits, the key page shows those that need attention."""

from dataclasses import replace

import pytest

from app.keypool.figures import Capacity
from app.keypool.snapshots import KeySnapshot, State
from app.services.keys.panel import MOST_CAPACITIES, MOST_KEYS, key_row, most_urgent, tightest


def _key(number: int, state: State = "closed") -> KeySnapshot:
    return KeySnapshot(f"key-{number}", state, state == "cooling", 0, 0, 0, 0, 0, None)


def test_keys_that_need_attention_are_shown_first() -> None:
    resting = [_key(number, "cooling") for number in range(MOST_KEYS)]
    refused, tripped, taken_out = _key(100, "dead"), _key(101, "open"), _key(102, "disabled")
    shown = most_urgent([*resting, taken_out, tripped, refused])
    assert shown == [refused, tripped, taken_out, *resting[: MOST_KEYS - 3]]


def test_a_short_list_of_keys_keeps_its_order() -> None:
    keys = [*(_key(number) for number in range(MOST_KEYS - 1)), _key(100, "dead")]
    assert most_urgent(keys) == keys


def test_the_limits_with_the_smallest_remaining_share_are_shown() -> None:
    ample = [Capacity(f"group-{n}", "gpt-4.1-mini", "requests", 1_000, 1_000 - n) for n in range(MOST_CAPACITIES)]
    # much remains of this limit, but only a small share
    nearly = Capacity("large", "gpt-4.1-mini", "tokens", 1_000_000, 2_000)
    used_up = Capacity("rests", "gpt-4.1-mini", "requests", 500, 0)
    shown = tightest([*ample, nearly, used_up])
    assert len(shown) == MOST_CAPACITIES
    assert shown[:2] == [used_up, nearly]
    assert ample[0] not in shown
    assert ample[1] not in shown
    assert shown[2] == ample[-1]


def test_a_limit_of_zero_is_used_up() -> None:
    shut, ample = (Capacity(name, "gpt-4.1-mini", "tokens", size, size) for name, size in (("shut", 0), ("ample", 10)))
    assert tightest([ample, shut]) == [shut, ample]


@pytest.mark.parametrize(
    ("state", "rests_us", "probe_in_us", "name", "reason"),
    [
        ("closed", 0, 0, "healthy", ""),
        ("cooling", 41_200_000, 0, "resting 42 s", "Rate limited (429)."),
        ("open", 0, 230_000_000, "circuit open", "Circuit open after repeated failures. Next probe in 4 min."),
        ("dead", 0, 7_200_000_000, "refused", "The provider refused it (401). Replace it. Next probe in 2 h."),
    ],
)
def test_a_key_state_is_shown_in_plain_words(
    state: State, rests_us: int, probe_in_us: int, name: str, reason: str
) -> None:
    row = key_row(replace(_key(1, state), rests_us=rests_us, probe_in_us=probe_in_us))
    assert (row["state_name"], row["reason"]) == (name, reason)
