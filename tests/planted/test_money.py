"""
Wrong ways to count money, each of which a law must notice.

Every bug here is one that shops have had: rounding each unit, handing the odd cent to the wrong
line, forgetting the sign, cutting off digits, losing a cent or giving it twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from itertools import accumulate, pairwise
from typing import TypeVar

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ordercore.money import (
    Currency,
    Money,
    Rounding,
    apportion_minor,
    follow,
    round_ratio,
    share_minor,
)
from tests.laws.test_money import (
    Weights,
    amounts,
    law_of_apportionment,
    law_of_following,
    law_of_rounding,
    law_of_shares,
    law_of_text,
    ranges,
    running_bases,
    totals,
    weights,
)

T = TypeVar("T")

HUNT = settings(
    max_examples=2000,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
)


def is_caught(law: Callable[[T], None], cases: st.SearchStrategy[T]) -> bool:
    """Whether the law falls for one of 2,000 cases, the same ones in every run."""

    @HUNT
    @given(cases)
    def hunt(case: T) -> None:
        law(case)

    try:
        hunt()
    except AssertionError:
        return True
    return False


def half_up(numerator: int, denominator: int) -> int:
    return round_ratio(numerator, denominator)


def floors(total: int, weights: Weights) -> tuple[list[int], int]:
    """Each part rounded towards zero, and how many units are then missing."""
    whole = sum(map(Fraction, weights), Fraction())
    parts = [int(abs(total) * Fraction(weight) / whole) for weight in weights]
    return parts, abs(total) - sum(parts)


def signed(total: int, parts: Sequence[int]) -> tuple[int, ...]:
    return tuple(parts) if total >= 0 else tuple(-part for part in parts)


# --- M-4 -----------------------------------------------------------------------------------------


def each_rounded_by_itself(total: int, weights: Weights) -> tuple[int, ...]:
    whole = sum(map(Fraction, weights), Fraction())
    exact = [total * Fraction(weight) / whole for weight in weights]
    return tuple(half_up(part.numerator, part.denominator) for part in exact)


def cut_off(total: int, weights: Weights) -> tuple[int, ...]:
    return signed(total, floors(total, weights)[0])


def rest_to_the_last(total: int, weights: Weights) -> tuple[int, ...]:
    parts, missing = floors(total, weights)
    parts[-1] += missing
    return signed(total, parts)


def rest_to_the_first(total: int, weights: Weights) -> tuple[int, ...]:
    parts, missing = floors(total, weights)
    for index in range(missing):
        parts[index] += 1
    return signed(total, parts)


def ties_to_the_last(total: int, weights: Weights) -> tuple[int, ...]:
    return apportion_minor(total, weights[::-1])[::-1]


def smallest_remainder(total: int, weights: Weights) -> tuple[int, ...]:
    parts, missing = floors(total, weights)
    whole = sum(map(Fraction, weights), Fraction())
    rests = [abs(total) * Fraction(weight) / whole % 1 for weight in weights]
    for index in sorted(range(len(parts)), key=rests.__getitem__)[:missing]:
        parts[index] += 1
    return signed(total, parts)


def largest_weight_first(total: int, weights: Weights) -> tuple[int, ...]:
    parts, missing = floors(total, weights)
    for index in sorted(range(len(parts)), key=lambda n: -weights[n])[:missing]:
        parts[index] += 1
    return signed(total, parts)


def floored_when_negative(total: int, weights: Weights) -> tuple[int, ...]:
    whole = sum(map(Fraction, weights), Fraction())
    exact = [total * Fraction(weight) / whole for weight in weights]
    parts = [part // 1 for part in exact]
    rests = [part % 1 for part in exact]
    ranked = sorted(range(len(parts)), key=rests.__getitem__, reverse=True)
    for index in ranked[: total - sum(parts)]:
        parts[index] += 1
    return tuple(parts)


def drops_a_cent(total: int, weights: Weights) -> tuple[int, ...]:
    parts = list(apportion_minor(total, weights))
    if total and weights[0] == 0:
        parts[-1] -= parts[-1] > 0
    return tuple(parts)


def doubles_a_cent(total: int, weights: Weights) -> tuple[int, ...]:
    parts = list(apportion_minor(total, weights))
    if len(set(weights)) < len(weights):
        parts[-1] += 1
    return tuple(parts)


def cumulative(total: int, weights: Weights) -> tuple[int, ...]:
    whole = sum(map(Fraction, weights), Fraction())
    upto = [Fraction(0), *accumulate(map(Fraction, weights))]
    cuts = [total * so_far / whole for so_far in upto]
    ends = [half_up(cut.numerator, cut.denominator) for cut in cuts]
    return tuple(after - before for before, after in pairwise(ends))


@pytest.mark.parametrize(
    "bug",
    [
        each_rounded_by_itself,
        cut_off,
        rest_to_the_last,
        rest_to_the_first,
        ties_to_the_last,
        smallest_remainder,
        largest_weight_first,
        floored_when_negative,
        drops_a_cent,
        doubles_a_cent,
        cumulative,
    ],
)
def test_a_wrong_way_to_apportion_is_caught(
    bug: Callable[[int, Weights], tuple[int, ...]],
) -> None:
    """Every known way to lose, double or misplace a cent across lines breaks M-4."""
    cases = st.tuples(totals, weights)
    assert is_caught(lambda case: law_of_apportionment(bug, *case), cases)


# --- M-5 -----------------------------------------------------------------------------------------


def each_unit_rounded(total: int, of: int, start: int, stop: int) -> int:
    return half_up(total, of) * (stop - start)


def each_piece_rounded(total: int, of: int, start: int, stop: int) -> int:
    return half_up(total * (stop - start), of)


def pieces_cut_off(total: int, of: int, start: int, stop: int) -> int:
    return signed(total, [abs(total) * (stop - start) // of])[0]


def always_floored(total: int, of: int, start: int, stop: int) -> int:
    return total * stop // of - total * start // of


def half_up_towards_plus(total: int, of: int, start: int, stop: int) -> int:
    return (2 * total * stop + of) // (2 * of) - (2 * total * start + of) // (2 * of)


def half_even_instead(total: int, of: int, start: int, stop: int) -> int:
    upto, before = (round_ratio(total * n, of, Rounding.HALF_EVEN) for n in (stop, start))
    return upto - before


def sign_forgotten(total: int, of: int, start: int, stop: int) -> int:
    return share_minor(abs(total), of, start, stop)


def last_unit_takes_the_rest(total: int, of: int, start: int, stop: int) -> int:
    rest = total - half_up(total, of) * of if stop == of > start else 0
    return half_up(total, of) * (stop - start) + rest


def one_unit_too_many(total: int, of: int, start: int, stop: int) -> int:
    return share_minor(total, of, start, min(stop + 1, of))


def floated(total: int, of: int, start: int, stop: int) -> int:
    return round(total / of * stop) - round(total / of * start)


@pytest.mark.parametrize(
    "bug",
    [
        each_unit_rounded,
        each_piece_rounded,
        pieces_cut_off,
        always_floored,
        half_up_towards_plus,
        half_even_instead,
        sign_forgotten,
        last_unit_takes_the_rest,
        one_unit_too_many,
        floated,
    ],
)
def test_a_wrong_way_to_share_is_caught(bug: Callable[[int, int, int, int], int]) -> None:
    """Every known way to get partial refunds wrong within a line breaks M-5."""
    cases = st.tuples(totals, ranges())
    assert is_caught(lambda case: law_of_shares(bug, case[0], *case[1]), cases)


# --- M-7 -----------------------------------------------------------------------------------------


def rounded_up(total: int, base_upto: int, base: int) -> int:
    return -(-total * base_upto // base) if base else 0


def percent_rounded_first(total: int, base_upto: int, base: int) -> int:
    return half_up(half_up(total * 100, base) * base_upto, 100) if base else 0


def nothing_to_follow(total: int, base_upto: int, base: int) -> int:
    return follow(total, base_upto, base) if base else total


def off_by_one(total: int, base_upto: int, base: int) -> int:
    return follow(total, base_upto, base) + (0 < base_upto < base)


@pytest.mark.parametrize("bug", [rounded_up, percent_rounded_first, nothing_to_follow, off_by_one])
def test_a_wrong_way_to_follow_is_caught(bug: Callable[[int, int, int], int]) -> None:
    """A running amount that leaves its base, or loses its total, breaks M-7."""
    cases = running_bases() | st.just((7, [0, 0]))
    assert is_caught(lambda case: law_of_following(bug, *case), cases)


# --- M-3 -----------------------------------------------------------------------------------------


def swapped(wrong: Rounding, right: Rounding) -> Callable[[int, int, Rounding], int]:
    """Rounding that does *wrong* where it is told to do *right*."""

    def bug(numerator: int, denominator: int, mode: Rounding) -> int:
        return round_ratio(numerator, denominator, wrong if mode is right else mode)

    return bug


@pytest.mark.parametrize("right", list(Rounding), ids=lambda mode: mode.value)
def test_a_rounding_mode_taken_for_another_is_caught(right: Rounding) -> None:
    """No mode can stand in for another: the law tells all ten from each other."""
    ratios = st.tuples(
        st.integers(-20, 20), st.sampled_from([2, 4, -2, 10]), st.sampled_from(Rounding)
    )
    for wrong in set(Rounding) - {right}:
        assert is_caught(partial(_law_of_rounding, swapped(wrong, right)), ratios), wrong


def _law_of_rounding(
    bug: Callable[[int, int, Rounding], int], case: tuple[int, int, Rounding]
) -> None:
    law_of_rounding(bug, *case)


def floated_ratio(numerator: int, denominator: int, mode: Rounding) -> int:
    """Exact as long as the amounts are small."""
    ratio = Fraction(numerator / denominator)
    return round_ratio(ratio.numerator, ratio.denominator, mode)


def test_rounding_through_floats_is_caught() -> None:
    """A ratio that passed through a float is wrong somewhere."""
    cases = st.tuples(totals, st.integers(1, 10**12), st.sampled_from(Rounding))
    assert is_caught(lambda case: law_of_rounding(floated_ratio, *case), cases)


# --- M-2 -----------------------------------------------------------------------------------------


def read_as_float(text: str, currency: Currency) -> Money:
    return Money(int(float(text) * 10**currency.exponent), currency)


def read_with_two_digits(text: str, currency: Currency) -> Money:
    whole, _, part = text.partition(".")
    return Money(int(whole + part.ljust(2, "0")), currency)


def read_without_sign_of_zero(text: str, currency: Currency) -> Money:
    whole, _, part = text.partition(".")
    sign = -1 if int(whole) < 0 else 1
    return Money(sign * (abs(int(whole)) * 10 ** len(part) + int(part or 0)), currency)


@pytest.mark.parametrize("bug", [read_as_float, read_with_two_digits, read_without_sign_of_zero])
def test_a_wrong_way_to_read_is_caught(bug: Callable[[str, Currency], Money]) -> None:
    """Floats, a fixed number of digits and a lost minus before a zero break M-2."""
    assert is_caught(lambda money: law_of_text(_text, bug, money), amounts | cents)


def written_by_floor(money: Money) -> str:
    if money.currency.exponent == 0:
        return str(money.minor)
    whole, part = divmod(money.minor, 10**money.currency.exponent)
    return f"{whole}.{part:0{money.currency.exponent}d}"


def written_unpadded(money: Money) -> str:
    whole, part = divmod(abs(money.minor), 10**money.currency.exponent)
    return f"{'-' * money.is_negative}{whole}.{part}"


@pytest.mark.parametrize("bug", [written_by_floor, written_unpadded])
def test_a_wrong_way_to_write_is_caught(bug: Callable[[Money], str]) -> None:
    """Negative amounts and small fractions that are written wrongly break M-2."""
    assert is_caught(lambda money: law_of_text(bug, Money.parse, money), amounts | cents)


cents = st.builds(Money, st.integers(-99, 99), st.just(Currency("EUR")))


def _text(money: Money) -> str:
    return money.text


def test_what_is_right_is_not_caught() -> None:
    """The hunt itself is no trap: the real functions pass the very same cases."""
    assert not is_caught(
        lambda case: law_of_apportionment(apportion_minor, *case), st.tuples(totals, weights)
    )
    assert not is_caught(
        lambda case: law_of_shares(share_minor, case[0], *case[1]), st.tuples(totals, ranges())
    )
    assert not is_caught(lambda case: law_of_following(follow, *case), running_bases())
    assert not is_caught(lambda money: law_of_text(_text, Money.parse, money), amounts | cents)
