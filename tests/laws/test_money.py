"""
The laws of money (RULES M-1 to M-7), as functions that also judge a wrong implementation.

Each law takes what it judges as its first argument, so that `tests/planted/test_money.py` can hand
it a wrong one and see it fall.
"""

from __future__ import annotations

import decimal
import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ordercore.money import (
    EUR,
    JPY,
    MAX_MINOR,
    USD,
    Currency,
    ExchangeRate,
    Money,
    Rounding,
    apportion,
    apportion_minor,
    follow,
    from_gateway_minor,
    round_ratio,
    round_to_increment,
    running,
    share,
    share_minor,
    sum_money,
    to_gateway_minor,
)

LAW = settings(max_examples=max(500, settings().max_examples))

Weights = Sequence[int | Fraction]
Apportion = Callable[[int, Weights], tuple[int, ...]]
Share = Callable[[int, int, int, int], int]
Follow = Callable[[int, int, int], int]
Round = Callable[[int, int, Rounding], int]
Parse = Callable[[str, Currency], Money]
Write = Callable[[Money], str]

totals = st.integers(-100, 100) | st.integers(-(10**6), 10**6) | st.integers(-MAX_MINOR, MAX_MINOR)
currencies = st.sampled_from(["EUR", "JPY", "BHD", "CLF", "HRK", "ISK"]).map(Currency)
amounts = st.builds(Money, totals, currencies)
whole_weights = st.lists(st.integers(0, 10**9) | st.integers(0, 3), min_size=1, max_size=12)
fractions = st.fractions(0, 1000, max_denominator=360)
weights = st.one_of(
    whole_weights, st.lists(fractions | st.integers(0, 50), min_size=1, max_size=8)
).filter(any)


@st.composite
def ranges(draw: st.DrawFn) -> tuple[int, list[int]]:
    """A number of units, and cuts that partition them: first 0, last that number."""
    of = draw(st.integers(1, 12) | st.integers(1, 10**12))
    if of <= 12 and draw(st.booleans()):
        return of, list(range(of + 1))
    inner = draw(st.lists(st.integers(0, of), max_size=10))
    return of, [0, *sorted(inner), of]


@st.composite
def running_bases(draw: st.DrawFn) -> tuple[int, list[int]]:
    """A total, and a running amount that rises from zero to a base at least as large."""
    steps = draw(st.lists(st.integers(0, 500), min_size=1, max_size=12))
    base = [0]
    for step in steps:
        base.append(base[-1] + step)
    return draw(st.integers(0, base[-1])), base


# --- M-4: across lines ---------------------------------------------------------------------------


def law_of_apportionment(apportion_minor: Apportion, total: int, weights: Weights) -> None:
    """All of M-4: the sum, zero weights, signs, the mirror, one unit, and who gets the cents."""
    parts = apportion_minor(total, weights)
    everything = Fraction(sum(weights))
    exact = [total * Fraction(weight) / everything for weight in weights]
    assert len(weights) == len(parts)
    assert total == sum(parts)
    assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)
    assert all(part * total >= 0 for part in parts)
    assert tuple(-part for part in parts) == apportion_minor(-total, weights)
    assert all(abs(part - ideal) < 1 for part, ideal in zip(parts, exact, strict=True))
    law_of_largest_remainder(parts, exact)


def law_of_largest_remainder(parts: Sequence[int], exact: Sequence[Fraction]) -> None:
    """The lines that were rounded up are those with the largest remainders, the first of equals."""
    rank = sorted(range(len(parts)), key=lambda n: (-(abs(exact[n]) % 1), n))
    extra = [abs(part) - math.floor(abs(ideal)) for part, ideal in zip(parts, exact, strict=True)]
    ranked = [extra[n] for n in rank]
    assert sorted(ranked, reverse=True) == ranked
    assert set(ranked) <= {0, 1}


@LAW
@given(totals, weights)
@example(1000, [1, 1, 1])
@example(-1, [0, 500, 500])
@example(1, [0, 0, 1])
def test_apportion_obeys_its_laws(total: int, weights: Weights) -> None:
    """Any total over any weights: the parts sum to it, and every law of M-4 holds."""
    law_of_apportionment(apportion_minor, total, weights)


@LAW
@given(amounts, weights)
def test_apportion_of_money_is_the_kernel_with_a_currency(total: Money, weights: Weights) -> None:
    """Money is apportioned as its minor units are."""
    parts = apportion(total, weights)
    assert sum(parts, Money.zero(total.currency)) == total
    assert list(apportion_minor(total.minor, weights)) == [part.minor for part in parts]


# --- M-5: within a line --------------------------------------------------------------------------


def law_of_shares(share_minor: Share, total: int, of: int, cuts: Sequence[int]) -> None:
    """Any partition sums to the total, no prefix exceeds it, and signs and sizes are right."""
    pieces = [share_minor(total, of, start, stop) for start, stop in pairwise(cuts)]
    assert total == sum(pieces)
    assert all(piece * total >= 0 for piece in pieces)
    assert [-piece for piece in pieces] == [
        share_minor(-total, of, start, stop) for start, stop in pairwise(cuts)
    ]
    for piece, (start, stop) in zip(pieces, pairwise(cuts), strict=True):
        assert abs(piece - Fraction(total * (stop - start), of)) <= 1
    upto = [share_minor(total, of, 0, cut) for cut in cuts]
    assert [reference(Fraction(total * cut, of), Rounding.HALF_UP) for cut in cuts] == upto


@LAW
@given(totals, ranges())
@example(1000, (3, [0, 1, 2, 3]))
@example(-1000, (3, [0, 1, 2, 3]))
@example(1, (2, [0, 1, 2]))
def test_share_obeys_its_laws(total: int, units: tuple[int, list[int]]) -> None:
    """Any total over any partition of any number of units: every law of M-5 holds."""
    law_of_shares(share_minor, total, *units)


@LAW
@given(amounts, st.integers(1, 30), st.randoms(use_true_random=False))
def test_units_given_back_one_by_one_sum_to_what_was_paid(
    total: Money, of: int, order: Random
) -> None:
    """Refunding every unit singly, in any order, ends at the total and never goes beyond."""
    units = list(range(of))
    order.shuffle(units)
    refunded = Money.zero(total.currency)
    for unit in units:
        refunded += share(total, of=of, start=unit, stop=unit + 1)
        assert abs(refunded) <= abs(total)
    assert total == refunded


@LAW
@given(totals, st.integers(1, 10**6), st.data())
def test_running_is_what_the_first_units_earn(total: int, of: int, data: st.DataObject) -> None:
    """A running total is the share of the units so far, and the share is its difference."""
    start, stop = sorted(data.draw(st.tuples(st.integers(0, of), st.integers(0, of))))
    assert share_minor(total, of, 0, stop) == running(total, of, stop)
    assert share_minor(total, of, start, stop) == running(total, of, stop) - running(
        total, of, start
    )


# --- M-7: one running amount follows another -----------------------------------------------------


def law_of_following(follow: Follow, total: int, base: Sequence[int]) -> None:
    """From zero to the total, never below zero in a slot and never above the slot of its base."""
    upto = [follow(total, before, base[-1]) for before in base]
    assert 0 == upto[0]
    assert (total if base[-1] else 0) == upto[-1]
    slots = [after - before for before, after in pairwise(upto)]
    above = [after - before for before, after in pairwise(base)]
    assert all(0 <= slot <= most for slot, most in zip(slots, above, strict=True))
    assert [-amount for amount in upto] == [follow(-total, before, base[-1]) for before in base]


@LAW
@given(running_bases())
@example((91, [0, 500, 1000]))
def test_follow_obeys_its_laws(amounts: tuple[int, list[int]]) -> None:
    """A running amount that follows a larger one stays within it, slot by slot."""
    law_of_following(follow, *amounts)


@LAW
@given(totals, st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9).filter(bool))
def test_follow_rounds_half_up_exactly(total: int, upto: int, base: int) -> None:
    """Whatever the signs, it is the exact ratio rounded half away from zero."""
    assert reference(Fraction(total * upto, base), Rounding.HALF_UP) == follow(total, upto, base)


# --- M-3: rounding -------------------------------------------------------------------------------

DECIMAL_MODES = {
    Rounding.HALF_UP: decimal.ROUND_HALF_UP,
    Rounding.HALF_EVEN: decimal.ROUND_HALF_EVEN,
    Rounding.HALF_DOWN: decimal.ROUND_HALF_DOWN,
    Rounding.UP: decimal.ROUND_UP,
    Rounding.DOWN: decimal.ROUND_DOWN,
    Rounding.CEIL: decimal.ROUND_CEILING,
    Rounding.FLOOR: decimal.ROUND_FLOOR,
}


def reference(value: Fraction, rounding: Rounding) -> int:
    """Rounding as the words of each mode say it, slowly."""
    low, high = math.floor(value), math.ceil(value)
    inner, outer = sorted((low, high), key=abs)
    even, odd = sorted((low, high), key=lambda number: number % 2)
    directed = {
        Rounding.UP: outer,
        Rounding.DOWN: inner,
        Rounding.CEIL: high,
        Rounding.FLOOR: low,
    }
    if low == high or rounding in directed:
        return directed.get(rounding, low)
    if value - low != high - value:
        return low if value - low < high - value else high
    return {
        Rounding.HALF_UP: outer,
        Rounding.HALF_DOWN: inner,
        Rounding.HALF_EVEN: even,
        Rounding.HALF_ODD: odd,
        Rounding.HALF_CEIL: high,
        Rounding.HALF_FLOOR: low,
    }[rounding]


def law_of_rounding(round_ratio: Round, numerator: int, denominator: int, mode: Rounding) -> None:
    """The mode's own words, and the mirror of its mirrored mode."""
    value = Fraction(numerator, denominator)
    assert reference(value, mode) == round_ratio(numerator, denominator, mode)
    assert round_ratio(numerator, denominator, mode) == round_ratio(-numerator, -denominator, mode)


@LAW
@given(
    st.integers(-200, 200) | totals,
    (st.integers(-20, 20) | totals).filter(bool),
    st.sampled_from(Rounding),
)
@example(5, 2, Rounding.HALF_UP)
@example(-5, 2, Rounding.HALF_UP)
def test_rounding_does_what_its_name_says(numerator: int, denominator: int, mode: Rounding) -> None:
    """Each of the ten modes agrees with its definition on exact fractions."""
    law_of_rounding(round_ratio, numerator, denominator, mode)


@LAW
@given(st.integers(-(10**12), 10**12), st.sampled_from(sorted(DECIMAL_MODES, key=str)))
def test_rounding_agrees_with_decimal(thousandths: int, mode: Rounding) -> None:
    """Where the standard library has the mode, it says the same."""
    expected = Decimal(thousandths).scaleb(-3).quantize(Decimal(1), rounding=DECIMAL_MODES[mode])
    assert int(expected) == round_ratio(thousandths, 1000, mode)


@LAW
@given(
    st.builds(Money, st.integers(-(10**9), 10**9), currencies),
    st.integers(1, 1000),
    st.sampled_from(Rounding),
)
def test_an_increment_rounds_to_a_multiple(money: Money, step: int, mode: Rounding) -> None:
    """Cash rounding gives a multiple, less than one step away, and leaves multiples alone."""
    rounded = round_to_increment(money, step, mode)
    assert 0 == rounded.minor % step
    assert abs(rounded.minor - money.minor) < step
    assert rounded == round_to_increment(rounded, step, mode)


# --- M-1 and M-2: text and currencies ------------------------------------------------------------


def law_of_text(write: Write, parse: Parse, money: Money) -> None:
    """What is written reads back as the same amount, with all digits of the currency."""
    text = write(money)
    assert money == parse(text, money.currency)
    assert money.currency.exponent == len(text.partition(".")[2])
    assert Fraction(money.minor, 10**money.currency.exponent) == Fraction(text)


@LAW
@given(amounts)
@example(Money(-5, EUR))
@example(Money(0, JPY))
def test_text_reads_back(money: Money) -> None:
    """Every amount of every kind of currency survives text and decimals exactly."""
    law_of_text(lambda amount: amount.text, Money.parse, money)
    assert money == Money.from_decimal(money.decimal, money.currency)


@LAW
@given(st.integers(-(10**15), 10**15), currencies, st.integers(0, 6))
def test_a_gateway_with_more_digits_loses_nothing(
    minor: int, currency: Currency, more: int
) -> None:
    """What a finer gateway is told comes back as the same amount."""
    money = Money(minor // 10**more, currency)
    exponents = {currency.code: min(currency.exponent + more, 18)}
    told = to_gateway_minor(money, exponents)
    assert money == from_gateway_minor(told, currency, exponents)


# --- M-6: arithmetic and conversion --------------------------------------------------------------

small = st.builds(Money, st.integers(-(10**15), 10**15), st.just(EUR))


@LAW
@given(small, small, small)
def test_amounts_of_one_currency_add_like_integers(one: Money, two: Money, three: Money) -> None:
    """Addition is associative and commutative with zero and inverses; order is that of integers."""
    zero = Money.zero(EUR)
    assert (one + two) + three == one + (two + three)
    assert one + two == two + one
    assert one + zero == one
    assert one - one == zero == one + -one
    assert (one < two, one <= two) == (one.minor < two.minor, one.minor <= two.minor)
    assert (one > two, one >= two) == (two < one, two <= one)
    assert sum_money([one, two, three], EUR) == sum([one, two, three], zero)
    assert one * 3 == 3 * one == one + one + one


@LAW
@given(
    st.integers(-(10**12), 10**12),
    st.fractions(Fraction(1, 1000), 1000, max_denominator=10**6),
    st.sampled_from(Rounding),
)
def test_conversion_is_the_exact_ratio_rounded_once(
    minor: int, rate: Fraction, mode: Rounding
) -> None:
    """A rate is applied exactly and rounded once, and its inverse is exact."""
    stated = ExchangeRate(USD, JPY, rate)
    exact = Fraction(minor, 100) * rate
    assert reference(exact, mode) == stated.convert(Money(minor, USD), mode).minor
    assert stated == stated.inverse().inverse()
