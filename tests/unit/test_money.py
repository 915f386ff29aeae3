from __future__ import annotations

import copy
import pickle
import re
import sys
import time
from collections.abc import Callable
from decimal import ROUND_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

import iso4217
import pytest
from attrs.exceptions import FrozenInstanceError

from ordercore._iso4217 import CURRENT, EXPONENTS, WITHDRAWN
from ordercore.errors import InvalidValueError, OrderCoreError
from ordercore.money import (
    BHD,
    CHF,
    CLP,
    EUR,
    GBP,
    ISK,
    JPY,
    KWD,
    MAX_MINOR,
    MAX_PARTS,
    USD,
    AmountOutOfRangeError,
    Currency,
    CurrencyMismatchError,
    ExchangeRate,
    InvalidLocaleError,
    InvalidMoneyError,
    InvalidQuantityError,
    InvalidWeightsError,
    LimitExceededError,
    Money,
    NegativeAmountError,
    Rounding,
    SettledMoney,
    TooPreciseError,
    UnknownCurrencyError,
    apportion,
    apportion_minor,
    checked_amount,
    checked_quantity,
    follow,
    format_money,
    from_gateway_minor,
    round_fraction,
    round_ratio,
    round_to_increment,
    running,
    share,
    share_minor,
    sum_money,
    to_gateway_minor,
)

Anything = Any  # what hosts may hand over by mistake, past every type checker

MOST_SECONDS = 0.05


def refusal(call: Callable[[], object], kind: type[OrderCoreError]) -> OrderCoreError:
    """The refusal of a call, which must be quick in the best of three attempts."""
    seconds: list[float] = []
    errors: list[OrderCoreError] = []
    for _ in range(3):
        began = time.perf_counter()
        with pytest.raises(kind) as caught:
            call()
        seconds.append(time.perf_counter() - began)
        errors.append(caught.value)
    assert min(seconds) < MOST_SECONDS
    assert type(errors[0]) is kind
    assert str(errors[0]).endswith(".")
    return errors[0]


def pickled(value: object) -> object:
    """What comes back from a pickle of *value*."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - we wrote it ourselves


# --- currencies ----------------------------------------------------------------------------------


def published() -> dict[str, int]:
    """The active codes with their digits, as the iso4217 package has them."""
    rows = iso4217.raw_table.values()
    return {
        str(row["Ccy"]): int(str(row["CcyMnrUnts"]))
        for row in rows
        if str(row["CcyMnrUnts"]).isdigit()
    }


def codes(table: dict[int, str]) -> dict[str, int]:
    """A vendored table by code."""
    return {code: digits for digits, text in table.items() for code in text.split()}


def test_currencies_are_those_of_iso_4217() -> None:
    """Every active code of the published list has the published number of digits, and no more."""
    assert published() == codes(CURRENT)


def test_withdrawn_currencies_are_known_and_not_active() -> None:
    """Old orders keep their currency: Croatia's and Bulgaria's too; no code stands twice."""
    withdrawn = codes(WITHDRAWN)
    assert {"HRK": 2, "BGN": 2, "ITL": 0}.items() <= withdrawn.items()
    assert set() == set(withdrawn) & set(published())
    assert len(EXPONENTS) == len(withdrawn) + len(published())
    assert len(EXPONENTS) == sum(
        len(text.split()) for table in (CURRENT, WITHDRAWN) for text in table.values()
    )


def test_currencies_are_one_object_per_code() -> None:
    """Equal currencies are identical, also after a copy, a deep copy and a pickle."""
    assert Currency("EUR") is Currency.of("EUR") is EUR
    assert copy.copy(EUR) is copy.deepcopy(EUR) is pickled(EUR) is EUR
    assert len({EUR, Currency("EUR"), USD}) == 2


@pytest.mark.parametrize(
    ("currency", "exponent"),
    [(EUR, 2), (GBP, 2), (USD, 2), (CHF, 2), (JPY, 0), (CLP, 0), (ISK, 0), (BHD, 3), (KWD, 3)],
    ids=str,
)
def test_common_currencies_are_constants(currency: Currency, exponent: int) -> None:
    """The constants have the digits of the standard, and their code as text."""
    assert exponent == currency.exponent
    assert currency.code == str(currency) == repr(currency)


def test_currencies_cannot_be_changed() -> None:
    """Nobody can give a currency another code or number of digits."""
    euro: Anything = EUR
    with pytest.raises(FrozenInstanceError):
        euro.exponent = 3
    with pytest.raises(FrozenInstanceError):
        del euro.code
    with pytest.raises(AttributeError):
        euro.name = "euro"


@pytest.mark.parametrize(
    "code",
    [
        *("usd", "US", "USDX", "XXX", "XAU", "USD\u200b", "U\u0405D", "U\ud800D", "", " EUR"),
        *("E" * 10**6, None, 978, b"EUR", ["EUR"], EUR),
    ],
    ids=lambda code: ascii(code)[:12],
)
def test_unknown_currencies_are_refused(code: Anything) -> None:
    """Abuse 9: wrong case, length, letters and kinds are no currency, and are not repeated."""
    error = refusal(lambda: Currency.of(code), UnknownCurrencyError)
    refusal(lambda: Currency(code), UnknownCurrencyError)
    assert str(error).isascii()
    assert len(str(error)) < 120


# --- amounts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "minor",
    [19.99, 1.0, True, False, "1000", b"1", None, Decimal(1), Fraction(1), float("nan"), 1j, [1]],
    ids=repr,
)
def test_minor_units_are_ints_and_nothing_else(minor: Anything) -> None:
    """Abuse 1 to 3: floats, bools, text and other numbers are never coerced."""
    error = refusal(lambda: Money(minor, EUR), InvalidMoneyError)
    assert type(minor).__name__ in str(error)


@pytest.mark.parametrize("currency", ["EUR", None, 2, Currency], ids=repr)
def test_an_amount_needs_a_currency(currency: Anything) -> None:
    """A code is no currency: `Currency.of` is the one door."""
    refusal(lambda: Money(1, currency), InvalidMoneyError)
    refusal(lambda: Money.parse("1", currency), InvalidMoneyError)
    refusal(lambda: Money.from_decimal(Decimal(1), currency), InvalidMoneyError)
    refusal(lambda: Money.zero(currency), InvalidMoneyError)


@pytest.mark.parametrize(
    "minor",
    [MAX_MINOR + 1, -MAX_MINOR - 1, 10**5000, -(2**100_000)],
    ids=lambda minor: minor.bit_length(),
)
def test_amounts_fit_into_64_bits(minor: int) -> None:
    """Abuse 5: beyond 2^63 - 1 on either side is out of range; the largest amounts are fine."""
    error = refusal(lambda: Money(minor, EUR), AmountOutOfRangeError)
    assert str(MAX_MINOR) in str(error)
    assert MAX_MINOR == -Money(-MAX_MINOR, EUR).minor


def test_amounts_are_frozen_values() -> None:
    """Equal amounts are equal and hash alike, other currencies differ, and nothing changes one."""
    price: Anything = Money(1000, EUR)
    assert price == Money(1000, EUR)
    assert price != Money(1000, USD)
    assert price != Money(1001, EUR)
    assert price != 1000
    assert len({price, Money(1000, EUR), Money(1000, USD)}) == 2
    with pytest.raises(FrozenInstanceError):
        price.minor = 1
    with pytest.raises(FrozenInstanceError):
        del price.currency
    with pytest.raises(AttributeError):
        price.note = "free"
    assert not hasattr(price, "__dict__")


def test_amounts_survive_copies_and_pickles() -> None:
    """A copy and a pickle are equal, and go through the checks again."""
    price = Money(-5, BHD)
    assert price == copy.copy(price) == copy.deepcopy(price) == pickled(price)
    rebuild, (_, currency) = price.__reduce__()
    refusal(lambda: rebuild(MAX_MINOR + 1, currency), AmountOutOfRangeError)


def test_an_amount_knows_its_sign() -> None:
    """Zero is false and neither side of itself; minus zero is zero."""
    zero, debt, price = Money.zero(EUR), Money(-1, EUR), Money(1, EUR)
    assert [False, True, True] == [bool(zero), bool(debt), bool(price)]
    assert [True, False, False] == [zero.is_zero, debt.is_zero, price.is_zero]
    assert [False, True, False] == [zero.is_negative, debt.is_negative, price.is_negative]
    assert [False, False, True] == [zero.is_positive, debt.is_positive, price.is_positive]
    assert zero == -zero == Money.parse("-0.00", EUR) == Money.from_decimal(Decimal("-0"), EUR)


# --- text and decimals ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("10.00", EUR, 1000),
        ("10", EUR, 1000),
        ("10.5", EUR, 1050),
        ("0.05", EUR, 5),
        ("-0.05", EUR, -5),
        ("1500", JPY, 1500),
        ("1.234", BHD, 1234),
        ("92233720368547758.07", EUR, MAX_MINOR),
    ],
)
def test_text_is_read_exactly(text: str, currency: Currency, minor: int) -> None:
    """Major units with at most the digits of the currency."""
    assert Money(minor, currency) == Money.parse(text, currency)


@pytest.mark.parametrize(
    "text",
    [
        *("1E+2000000", "1E-50000000", "1e2", "NaN", "sNaN", "inf", "-Infinity", "0x10"),
        *("\u0661\u0662\u0663", "\uff11\uff10.00", "1_000", " 7", "7\n", "7 ", "10\u200b"),
        *("1,000.00", "1.000,00", "+1", "--1", "- 1", "1.", ".5", "1.2.3", "007", "00", "-", ""),
        *("10.00 EUR", "€10", "x" * 10**6, "1" + "." * 10**6, "-" * 10**6),
    ],
    ids=lambda text: ascii(text)[:14],
)
def test_text_is_read_strictly(text: str) -> None:
    """Abuse 3, 4 and 6: no exponents, other digits, groups, blanks or names; at once."""
    refusal(lambda: Money.parse(text, EUR), InvalidMoneyError)


@pytest.mark.parametrize("value", [19.99, 10, None, b"10.00", Decimal(10), True], ids=repr)
def test_only_text_is_parsed(value: Anything) -> None:
    """Abuse 1: numbers do not pass as text."""
    refusal(lambda: Money.parse(value, EUR), InvalidMoneyError)


@pytest.mark.parametrize(
    "text",
    ["9" * 5000, "-" + "9" * 5000, "1" * 10**6, "92233720368547758.08", "1" * 64],
    ids=len,
)
def test_huge_text_is_out_of_range(text: str) -> None:
    """Abuse 5: thousands of digits are recognised without being computed."""
    refusal(lambda: Money.parse(text, EUR), AmountOutOfRangeError)


@pytest.mark.parametrize(
    ("text", "currency"),
    [("10.005", USD), ("1.5", JPY), ("1.2345", BHD), ("1.000", EUR), ("1.0", JPY)],
)
def test_text_finer_than_the_currency_is_refused(text: str, currency: Currency) -> None:
    """Abuse 7: nothing is rounded in silence, and 1.000 may be a thousand."""
    error = refusal(lambda: Money.parse(text, currency), TooPreciseError)
    assert {"currency": currency.code, "digits": currency.exponent} == error.facts


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("19.99", EUR, 1999), ("1.000", EUR, 100), ("1E+3", JPY, 1000), ("-0.005", BHD, -5)],
)
def test_decimals_are_taken_exactly(text: str, currency: Currency, minor: int) -> None:
    """A decimal number counts by its value; its trailing zeros say nothing."""
    assert Money(minor, currency) == Money.from_decimal(Decimal(text), currency)


@pytest.mark.parametrize(
    "text", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+2000000", "1E-50000000", "0E+2000000"]
)
def test_decimals_out_of_bounds_are_refused_before_arithmetic(text: str) -> None:
    """Abuse 3 and 4: 11 bytes that would cost minutes are refused in under a millisecond."""
    value = Decimal(text)
    refusal(lambda: Money.from_decimal(value, EUR), InvalidMoneyError)
    spent: list[float] = []
    for _ in range(20):
        began = time.process_time()
        for _ in range(10):
            with pytest.raises(InvalidMoneyError):
                Money.from_decimal(value, EUR)
        spent.append(time.process_time() - began)
    assert min(spent) / 10 < 0.001, "of the machine's own time, whatever else it does"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("10.005", TooPreciseError),
        ("0." + "1" * 5000, TooPreciseError),
        ("1E-60", TooPreciseError),
        ("1E+60", AmountOutOfRangeError),
        ("9" * 60, AmountOutOfRangeError),
    ],
)
def test_decimals_that_do_not_fit_are_refused(text: str, kind: type[OrderCoreError]) -> None:
    """Abuse 5 and 7: finer than a cent, or beyond 64 bits."""
    refusal(lambda: Money.from_decimal(Decimal(text), EUR), kind)


@pytest.mark.parametrize("value", [19.99, 10, "10.00", True, Fraction(1)], ids=repr)
def test_only_decimals_are_taken_as_decimals(value: Anything) -> None:
    """Abuse 1: a float is no decimal."""
    refusal(lambda: Money.from_decimal(value, EUR), InvalidMoneyError)


def test_the_host_s_decimal_context_changes_nothing() -> None:
    """Exactness does not depend on the precision or the traps that a host has set."""
    with localcontext() as context:
        context.prec, context.rounding = 3, ROUND_UP
        assert Money(1234567, EUR) == Money.from_decimal(Decimal("12345.67"), EUR)
        assert Decimal("12345.67") == Money(1234567, EUR).decimal
        with pytest.raises(TooPreciseError):
            Money.from_decimal(Decimal("12345.678"), EUR)


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(1000, EUR), "10.00 EUR"),
        (Money(-5, EUR), "-0.05 EUR"),
        (Money(1500, JPY), "1500 JPY"),
        (Money(-1, BHD), "-0.001 BHD"),
        (Money(MAX_MINOR, EUR), "92233720368547758.07 EUR"),
    ],
)
def test_amounts_are_written_with_all_their_digits(money: Money, text: str) -> None:
    """Text has major units, every digit of the currency, and its code."""
    assert text == str(money)
    assert f"Money({money.minor}, {money.currency})" == repr(money)


# --- arithmetic ----------------------------------------------------------------------------------

COMBINATIONS: list[Callable[[Anything, Anything], object]] = [
    lambda one, other: one + other,
    lambda one, other: one - other,
    lambda one, other: one < other,
    lambda one, other: one <= other,
    lambda one, other: one > other,
    lambda one, other: one >= other,
]


@pytest.mark.parametrize("combine", COMBINATIONS)
def test_currencies_never_mix(combine: Callable[[Anything, Anything], object]) -> None:
    """Abuse 8: adding, subtracting and ordering two currencies is an error that names both."""
    error = refusal(lambda: combine(Money(1, USD), Money(1, EUR)), CurrencyMismatchError)
    assert {"left": "USD", "right": "EUR"} == error.facts


@pytest.mark.parametrize("combine", COMBINATIONS)
@pytest.mark.parametrize("other", [1, 0, 1.5, None, "1.00 EUR", Decimal(1), True], ids=repr)
def test_amounts_go_together_with_amounts_only(
    combine: Callable[[Anything, Anything], object], other: Anything
) -> None:
    """A bare number has no currency, whatever it is."""
    refusal(lambda: combine(Money(1, USD), other), InvalidMoneyError)


@pytest.mark.parametrize("factor", [1.5, True, "2", None, Fraction(1, 2), Money(1, EUR)], ids=repr)
def test_amounts_are_multiplied_by_ints_only(factor: Anything) -> None:
    """Anything else would need a rounding, which `times` asks for."""
    refusal(lambda: Money(2, EUR) * factor, InvalidQuantityError)


def test_arithmetic_stays_within_64_bits() -> None:
    """A sum, a product and a difference that do not fit are refused."""
    largest: Anything = Money(MAX_MINOR, EUR)
    refusal(lambda: largest + Money(1, EUR), AmountOutOfRangeError)
    refusal(lambda: -largest - Money(1, EUR), AmountOutOfRangeError)
    refusal(lambda: largest * 2, AmountOutOfRangeError)
    refusal(lambda: largest * 10**100_000, AmountOutOfRangeError)
    refusal(lambda: largest.times(Fraction(3, 2)), AmountOutOfRangeError)
    assert largest == abs(-largest) == abs(largest)


def test_a_factor_may_be_a_fraction_with_a_rounding() -> None:
    """19 % of 19.99 is 3.7981: the mode decides about the cent."""
    price, rate = Money(1999, EUR), Fraction(19, 100)
    assert Money(380, EUR) == price.times(rate)
    assert Money(379, EUR) == price.times(rate, Rounding.DOWN)
    assert Money(3998, EUR) == price.times(2)


@pytest.mark.parametrize("factor", [0.19, True, "19 %", Decimal("0.19"), None], ids=repr)
def test_a_factor_is_exact(factor: Anything) -> None:
    """Floats and decimals are no fractions."""
    refusal(lambda: Money(1999, EUR).times(factor), InvalidQuantityError)


def test_amounts_sum() -> None:
    """Both ways to sum agree; an empty sum is zero of the stated currency."""
    parts = [Money(334, EUR), Money(333, EUR), Money(-7, EUR)]
    assert Money(660, EUR) == sum_money(parts, EUR) == sum(parts, Money.zero(EUR))
    assert Money.zero(JPY) == sum_money([], JPY)
    assert Money(0, EUR) == sum_money([Money(MAX_MINOR, EUR), Money(-MAX_MINOR, EUR)], EUR)


def test_wrong_sums_are_refused() -> None:
    """Foreign currencies, bare numbers, too large sums, and `sum` without a beginning."""
    wrong: Anything = [Money(1, EUR), 1]
    bare: Anything = sum
    refusal(lambda: sum_money([Money(1, EUR), Money(1, USD)], EUR), CurrencyMismatchError)
    refusal(lambda: sum_money(wrong, EUR), InvalidMoneyError)
    refusal(lambda: sum_money([Money(MAX_MINOR, EUR)] * 2, EUR), AmountOutOfRangeError)
    currency: Anything = "EUR"
    refusal(lambda: sum_money([], currency), InvalidMoneyError)
    error = refusal(lambda: bare([Money(1, EUR)]), InvalidMoneyError)
    assert "sum_money" in str(error)


# --- rounding ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Rounding.HALF_UP, [-3, -2, -1, 1, 2, 3]),
        (Rounding.HALF_EVEN, [-2, -2, 0, 0, 2, 2]),
        (Rounding.HALF_DOWN, [-2, -1, 0, 0, 1, 2]),
        (Rounding.HALF_ODD, [-3, -1, -1, 1, 1, 3]),
        (Rounding.HALF_CEIL, [-2, -1, 0, 1, 2, 3]),
        (Rounding.HALF_FLOOR, [-3, -2, -1, 0, 1, 2]),
        (Rounding.UP, [-3, -2, -1, 1, 2, 3]),
        (Rounding.DOWN, [-2, -1, 0, 0, 1, 2]),
        (Rounding.CEIL, [-2, -1, 0, 1, 2, 3]),
        (Rounding.FLOOR, [-3, -2, -1, 0, 1, 2]),
    ],
    ids=lambda value: getattr(value, "value", ""),
)
def test_ties_go_where_the_mode_says(mode: Rounding, expected: list[int]) -> None:
    """-2.5, -1.5, -0.5, 0.5, 1.5 and 2.5 in each of the ten modes."""
    halves = [-5, -3, -1, 1, 3, 5]
    assert expected == [round_ratio(half, 2, mode) for half in halves]
    assert expected == [round_fraction(Fraction(half, 2), mode) for half in halves]


def test_wrong_ratios_are_refused() -> None:
    """Floats, bools, a zero below the line and a mode by its name."""
    wrong: Anything = round_ratio
    refusal(lambda: round_ratio(1, 0), InvalidQuantityError)
    refusal(lambda: wrong(1.5, 2), InvalidQuantityError)
    refusal(lambda: wrong(1, True), InvalidQuantityError)
    refusal(lambda: wrong(1, 2, "half_up"), InvalidQuantityError)
    refusal(lambda: wrong(1, 2, ["half_up"]), InvalidQuantityError)
    fraction: Anything = 0.5
    refusal(lambda: round_fraction(fraction), InvalidQuantityError)


@pytest.mark.parametrize(
    ("minor", "mode", "expected"),
    [
        (1002, Rounding.HALF_UP, 1000),
        (1003, Rounding.HALF_UP, 1005),
        (-1003, Rounding.HALF_UP, -1005),
        (1001, Rounding.UP, 1005),
        (1004, Rounding.DOWN, 1000),
        (-1001, Rounding.CEIL, -1000),
    ],
)
def test_cash_is_rounded_to_five_rappen(minor: int, mode: Rounding, expected: int) -> None:
    """An increment works in every mode and on both sides of zero."""
    assert Money(expected, CHF) == round_to_increment(Money(minor, CHF), 5, mode)


def test_wrong_increments_are_refused() -> None:
    """An increment is an int of at least one, and the result must fit."""
    wrong: Anything = 0.05
    refusal(lambda: round_to_increment(Money(1, CHF), 0), InvalidQuantityError)
    refusal(lambda: round_to_increment(Money(1, CHF), -5), InvalidQuantityError)
    refusal(lambda: round_to_increment(Money(1, CHF), wrong), InvalidQuantityError)
    refusal(lambda: round_to_increment(wrong, 5), InvalidMoneyError)
    largest = Money(MAX_MINOR, CHF)
    refusal(lambda: round_to_increment(largest, 5, Rounding.UP), AmountOutOfRangeError)


# --- division ------------------------------------------------------------------------------------


def test_apportion_gives_cents_to_the_first_of_equals() -> None:
    """10.00 over three equal lines: 3.34, 3.33, 3.33 (RULES M-4)."""
    assert [334, 333, 333] == [part.minor for part in apportion(Money(1000, EUR), [1, 1, 1])]


@pytest.mark.parametrize(
    ("total", "weights", "expected"),
    [
        (-1, [0, 500, 500], (0, -1, 0)),
        (1, [0, 0, 1], (0, 0, 1)),
        (0, [1, 2], (0, 0)),
        (100, [Fraction(1, 3), Fraction(2, 3)], (33, 67)),
        (10, [1, Fraction(1, 2), Fraction(1, 2)], (5, 3, 2)),
        (5, [10**300, 10**300], (3, 2)),
        (7, (4,), (7,)),
    ],
)
def test_apportion_examples(
    total: int, weights: list[int | Fraction], expected: tuple[int, ...]
) -> None:
    """Zero weights, negative totals, fractions and huge weights."""
    assert expected == apportion_minor(total, weights)


@pytest.mark.parametrize(
    "weights",
    [
        *([], [0, 0], [1, -1], [Fraction(-1, 2), 1], [0.5, 0.5], [True, 1], ["1"], [None]),
        *("11", 5, None, iter([1, 2]), {1, 2}, [Decimal(1)]),
    ],
    ids=lambda weights: f"{weights!r}".partition(" at ")[0],
)
def test_wrong_weights_are_refused(weights: Anything) -> None:
    """Abuse 11: empty, all zero, negative, and what is no exact number."""
    refusal(lambda: apportion(Money(100, EUR), weights), InvalidWeightsError)
    refusal(lambda: apportion_minor(100, weights), InvalidWeightsError)


def test_too_many_parts_are_refused() -> None:
    """Abuse 11: 100,000 parts are divided, one more is refused at once."""
    error = refusal(lambda: apportion_minor(1, [1] * (MAX_PARTS + 1)), LimitExceededError)
    assert {"name": "parts", "limit": MAX_PARTS, "actual": MAX_PARTS + 1} == error.facts
    parts = apportion_minor(MAX_MINOR, range(1, MAX_PARTS + 1))
    assert MAX_MINOR == sum(parts)


def test_absurd_weights_are_refused() -> None:
    """Numbers of a million bits, and fractions without a small common denominator, cost nothing."""
    primes = [n for n in range(2, 5000) if all(n % d for d in range(2, int(n**0.5) + 1))]
    refusal(lambda: apportion_minor(1, [2**1_000_000, 1]), LimitExceededError)
    refusal(lambda: apportion_minor(1, [Fraction(1, n) for n in primes]), LimitExceededError)


def test_share_is_a_difference_of_running_totals() -> None:
    """10.00 over three units: 3.33, 3.34, 3.33 (RULES M-5); 10.10 over four (RULES M-7)."""
    price = Money(1000, EUR)
    assert [333, 334, 333] == [share(price, of=3, start=n, stop=n + 1).minor for n in range(3)]
    assert [253, 252, 253, 252] == [share_minor(1010, 4, n, n + 1) for n in range(4)]
    assert Money(758, EUR) == share(Money(1010, EUR), of=4, start=0, stop=3)
    assert Money.zero(EUR) == share(price, of=3, start=2, stop=2)
    assert [0, -333, -667, -1000] == [running(-1000, 3, n) for n in range(4)]


def test_equal_taxes_stay_equal() -> None:
    """2 × 5.00 including 10 %: slots of 5.00 and 5.00 with tax 0.46 and 0.45 (RULES M-7)."""
    assert [0, 46, 91] == [follow(91, upto, 1000) for upto in (0, 500, 1000)]
    assert [0, 0] == [follow(91, upto, 0) for upto in (0, 0)]
    assert -46 == follow(-91, 500, 1000) == follow(91, -500, 1000) == follow(91, 500, -1000)


@pytest.mark.parametrize(
    ("of", "start", "stop"), [(3, -1, 1), (3, 2, 1), (3, 0, 4), (0, 0, 0), (-1, 0, 0), (3, 4, 4)]
)
def test_units_outside_the_line_are_refused(of: int, start: int, stop: int) -> None:
    """A share lies within the units of its line."""
    refusal(lambda: share(Money(1, EUR), of=of, start=start, stop=stop), InvalidQuantityError)
    if start == 0:
        refusal(lambda: running(1, of, stop), InvalidQuantityError)


def test_only_money_is_divided() -> None:
    """A bare total has no currency."""
    wrong: Anything = 1000
    refusal(lambda: apportion(wrong, [1]), InvalidMoneyError)
    refusal(lambda: share(wrong, of=1, start=0, stop=1), InvalidMoneyError)


# --- exchange ------------------------------------------------------------------------------------


def test_conversion_is_exact_and_rounds_once() -> None:
    """The rate is a fraction of major units, whatever digits the two currencies have."""
    rate = ExchangeRate(EUR, JPY, Fraction("161.45"))
    assert Money(1615, JPY) == rate.convert(Money(1000, EUR))
    assert Money(1614, JPY) == rate.convert(Money(1000, EUR), Rounding.DOWN)
    assert Money(619, EUR) == rate.inverse().convert(Money(1000, JPY))
    assert Money(-1615, JPY) == rate.convert(Money(-1000, EUR))


def test_a_rate_applies_to_its_source_only() -> None:
    """The other currency would be converted the wrong way round."""
    rate = ExchangeRate(EUR, USD, Fraction(11, 10))
    wrong: Anything = 1000
    refusal(lambda: rate.convert(Money(1, USD)), CurrencyMismatchError)
    refusal(lambda: rate.convert(wrong), InvalidMoneyError)
    refusal(lambda: rate.convert(Money(MAX_MINOR, EUR)), AmountOutOfRangeError)


@pytest.mark.parametrize(
    ("source", "target", "rate"),
    [
        (EUR, EUR, Fraction(1)),
        ("EUR", USD, Fraction(1)),
        (EUR, None, Fraction(1)),
        (EUR, USD, Fraction(0)),
        (EUR, USD, Fraction(-1)),
        (EUR, USD, 1.1),
        (EUR, USD, 1),
        (EUR, USD, Fraction(1, 2**300)),
        (EUR, USD, Fraction(2**300)),
    ],
)
def test_wrong_rates_are_refused(source: Anything, target: Anything, rate: Anything) -> None:
    """A rate is a positive exact fraction of bounded length between two currencies."""
    refusal(lambda: ExchangeRate(source, target, rate), InvalidMoneyError)


def test_presentment_and_settlement_stand_side_by_side() -> None:
    """Both amounts are kept as stated, in the currencies of the rate (RULES M-6)."""
    rate = ExchangeRate(USD, EUR, Fraction("0.9"))
    both = SettledMoney(Money(1000, USD), Money(901, EUR), rate)
    assert (Money(1000, USD), Money(901, EUR)) == (both.presentment, both.settlement)
    wrong: Anything = 1000
    refusal(lambda: SettledMoney(Money(1, EUR), Money(1, EUR), rate), CurrencyMismatchError)
    refusal(lambda: SettledMoney(Money(1, USD), Money(1, USD), rate), CurrencyMismatchError)
    refusal(lambda: SettledMoney(wrong, Money(1, EUR), rate), InvalidMoneyError)
    refusal(lambda: SettledMoney(Money(1, USD), wrong, rate), InvalidMoneyError)
    refusal(lambda: SettledMoney(Money(1, USD), Money(1, EUR), wrong), InvalidMoneyError)


# --- gateways ------------------------------------------------------------------------------------

ADYEN = {"CLP": 2, "ISK": 2, "CVE": 0}


@pytest.mark.parametrize(
    ("money", "minor"),
    [
        (Money(1000, CLP), 100_000),
        (Money(-1, ISK), -100),
        (Money(100, Currency("CVE")), 1),
        (Money(1000, EUR), 1000),
        (Money(1000, JPY), 1000),
    ],
)
def test_gateways_may_count_otherwise(money: Money, minor: int) -> None:
    """Adyen's digits for pesos, krónur and escudos, and back (RULES M-1)."""
    assert minor == to_gateway_minor(money, ADYEN)
    assert money == from_gateway_minor(minor, money.currency, ADYEN)


def test_what_a_gateway_cannot_say_is_refused() -> None:
    """Nothing is rounded on the way to or from a gateway."""
    refusal(lambda: to_gateway_minor(Money(150, Currency("CVE")), ADYEN), TooPreciseError)
    refusal(lambda: from_gateway_minor(150, CLP, ADYEN), TooPreciseError)
    refusal(lambda: to_gateway_minor(Money(MAX_MINOR, CLP), ADYEN), AmountOutOfRangeError)
    wrong: Anything = {"EUR": "2", "USD": -1, "JPY": 10**9}
    refusal(lambda: to_gateway_minor(Money(1, EUR), wrong), InvalidQuantityError)
    refusal(lambda: to_gateway_minor(Money(1, USD), wrong), InvalidQuantityError)
    refusal(lambda: to_gateway_minor(Money(1, JPY), wrong), LimitExceededError)
    number: Anything = 19.99
    refusal(lambda: to_gateway_minor(number, ADYEN), InvalidMoneyError)
    refusal(lambda: from_gateway_minor(number, EUR, ADYEN), InvalidMoneyError)


# --- for people ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("money", "locale", "text"),
    [
        (Money(123450, EUR), "de_DE", "1.234,50\xa0€"),
        (Money(123450, EUR), "en-IE", "€1,234.50"),
        (Money(1500, JPY), "ja_JP", "￥1,500"),
        (Money(1234567, BHD), "en_US", "BHD\xa01,234.567"),
        (Money(1234, Currency("AFN")), "en_US", "AFN\xa012.34"),
        (Money(-5, USD), "en_US", "-$0.05"),
    ],
)
def test_people_read_amounts_in_their_own_way(money: Money, locale: str, text: str) -> None:
    """Babel writes signs and groups of the locale, with the digits of ISO 4217, not its own."""
    assert text == format_money(money, locale)


@pytest.mark.parametrize("locale", ["", "xx_YY", "de DE", "x" * 10**5, 5, b"de", ["de"]], ids=type)
def test_unknown_locales_are_refused(locale: Anything) -> None:
    """A locale is a language and a country that Babel knows."""
    refusal(lambda: format_money(Money(1, EUR), locale), InvalidLocaleError)


def test_without_babel_amounts_are_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Babel is optional: without it, or without a locale, the text is that of `str`."""
    assert "1234.50 EUR" == format_money(Money(123450, EUR))
    monkeypatch.setitem(sys.modules, "babel", None)
    assert "1234.50 EUR" == format_money(Money(123450, EUR), "de_DE")
    wrong: Anything = 1
    refusal(lambda: format_money(wrong), InvalidMoneyError)


# --- checks for the rooms above ------------------------------------------------------------------


def test_amounts_below_zero_can_be_forbidden() -> None:
    """Abuse 10: where a sign makes no sense the amount is refused by its name."""
    assert Money(0, EUR) == checked_amount(Money(0, EUR))
    error = refusal(lambda: checked_amount(Money(-1, EUR), "price"), NegativeAmountError)
    assert "price must not be below zero." == str(error)
    wrong: Anything = 5
    refusal(lambda: checked_amount(wrong, "price"), InvalidMoneyError)


@pytest.mark.parametrize("value", [0, -1, -(2**63), 1.5, 1.0, "3", True, None], ids=repr)
def test_wrong_quantities_are_refused(value: Anything) -> None:
    """Abuse 12 and 13: below one, or no int."""
    error = refusal(lambda: checked_quantity(value, "quantity"), InvalidQuantityError)
    assert str(error).startswith("quantity is not usable: it must be ")


def test_quantities_have_bounds() -> None:
    """Abuse 14: a trillion is the most, unless a rule says less; messages stay short."""
    assert 10**12 == checked_quantity(10**12)
    assert 0 == checked_quantity(0, least=0)
    error = refusal(lambda: checked_quantity(10**12 + 1), LimitExceededError)
    assert {"name": "quantity", "limit": 10**12, "actual": 10**12 + 1} == error.facts
    huge = refusal(lambda: checked_quantity(10**10_000, "lines", most=5), LimitExceededError)
    assert "lines: 9223372036854775807 is over the limit of 5." == str(huge)


def test_every_error_of_money_is_a_wrong_value() -> None:
    """Whoever catches ValueError catches them all."""
    kinds: list[type[OrderCoreError]] = [
        AmountOutOfRangeError,
        CurrencyMismatchError,
        InvalidLocaleError,
        InvalidMoneyError,
        InvalidQuantityError,
        InvalidWeightsError,
        LimitExceededError,
        NegativeAmountError,
        TooPreciseError,
        UnknownCurrencyError,
    ]
    assert all(
        issubclass(kind, InvalidValueError) and issubclass(kind, ValueError) for kind in kinds
    )
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", kind.code) for kind in kinds)


@pytest.mark.parametrize("canary", ["4111111111111111x", "hunter2-" + "s" * 80])
def test_messages_do_not_repeat_what_was_given(canary: str) -> None:
    """A secret in the wrong place does not reach a message."""
    wrong: Anything = canary
    for call in (
        lambda: Money(wrong, EUR),
        lambda: Money(1, wrong),
        lambda: Money.parse(canary, EUR),
        lambda: Currency.of(canary),
        lambda: checked_quantity(wrong),
        lambda: apportion_minor(1, [wrong]),
        lambda: format_money(Money(1, EUR), canary),
    ):
        with pytest.raises(OrderCoreError) as caught:
            call()
        assert canary not in f"{caught.value}{caught.value!r}"
