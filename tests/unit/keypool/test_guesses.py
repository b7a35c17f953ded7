"""A rate that no header names: what it is first, when it falls and rises."""

from __future__ import annotations

import pytest

from app.keypool.guesses import NO_GUESS, Guess
from tests.unit.keypool.meters import NOW_US, SECOND


def test_the_first_guess_is_the_rate_at_which_requests_were_sent_and_not_refused() -> None:
    """Ten a second, counted over two seconds; the one that is refused does not count."""
    guess, last = NO_GUESS, NOW_US
    for n in range(200):
        last = NOW_US + n * SECOND // 10
        guess = guess.after_sending(None, last)
    guess, rate = guess.after_refusal(None, last, last)
    assert rate == pytest.approx(60 * 10 * 19 / 20, rel=0.03)
    assert guess.cut_us == last


def test_of_a_provider_that_never_accepted_anything_nothing_is_guessed() -> None:
    guess, rate = NO_GUESS.after_sending(None, NOW_US).after_refusal(None, NOW_US, NOW_US + 1_000)
    assert (rate, guess.cut_us) == (None, 0)


@pytest.mark.parametrize(
    ("sent", "left"),
    [(20, 0.85), (3, 0.5), (0, 0.5)],
    ids=["it was nearly right", "a third was accepted at most", "nothing was"],
)
def test_a_429_cuts_the_rate_the_more_the_less_was_accepted(sent: int, left: float) -> None:
    """600 a minute: 20 in two seconds."""
    now = NOW_US + 2 * SECOND
    guess = Guess(float(sent) + 1, now, cut_us=NOW_US)
    assert guess.after_refusal(600, now, now)[1] == 600 * left


def test_requests_of_before_a_cut_or_soon_after_it_do_not_cut_again() -> None:
    guess = Guess(20, NOW_US, cut_us=NOW_US)
    rates = [guess.after_refusal(600, NOW_US + sent_us, NOW_US + SECOND)[1] for sent_us in (-SECOND, SECOND // 2)]
    assert rates == [600, 600]
    assert guess.after_refusal(600, NOW_US + SECOND // 2 + 1, NOW_US + SECOND)[1] == 600 * 0.85


def test_a_rate_that_is_used_rises_the_more_the_longer_no_429_came() -> None:
    """600 a minute: after 5 s by 1 % a second, after 10 s by 2 %; no success adds more than a fifth."""
    for since, share in ((5, 0.01), (10, 0.02)):
        guess = Guess(20, NOW_US, cut_us=NOW_US - since * SECOND)
        assert guess.raised(600, NOW_US) == pytest.approx(600 * (1 + share / 10))
    assert Guess(20, NOW_US, cut_us=NOW_US - 10_000 * SECOND).raised(600, NOW_US) == 600 * 1.2


def test_a_slow_rate_rises_by_successes_instead_of_seconds() -> None:
    """One in ten seconds: with the third success since, thirty seconds later, by three hundredths."""
    guess = Guess(4, NOW_US, cut_us=NOW_US - 30 * SECOND)
    assert guess.raised(6, NOW_US) == pytest.approx(6 * 1.03)


def test_a_rate_that_is_not_used_stays() -> None:
    guess = Guess(10, NOW_US, cut_us=NOW_US - 60 * SECOND)
    assert guess.raised(600, NOW_US) == 600
    assert Guess(10.1, NOW_US, cut_us=NOW_US - 60 * SECOND).raised(600, NOW_US) > 600
