"""
Money: exact amounts, their currencies, and how to round and divide them.

An amount is an integer number of minor units plus a currency. There is no float, no implied
precision and no silent rounding: text is read strictly, currencies never mix, and whoever divides
gets parts that add up to the whole. Two ways to divide, for two questions:

* `apportion` spreads a total across lines of different weight (largest remainder);
* `share` says which part of a line's total belongs to some of its units (cumulative rounding), so
  that any sequence of partial refunds ends at exactly what was paid.

This module is the only door; the integer kernels live behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import copy
from fractions import Fraction
from typing import Final, cast

from attrs import define, frozen

from ordercore._amount import (
    MAX_MINOR,
    AmountOutOfRangeError,
    InvalidMoneyError,
    Money,
    NegativeAmountError,
    TooPreciseError,
    check_money,
    from_gateway_minor,
    to_gateway_minor,
)
from ordercore._currency import (
    BHD,
    CHF,
    CLP,
    EUR,
    GBP,
    ISK,
    JPY,
    KWD,
    USD,
    Currency,
    CurrencyMismatchError,
    MinorUnits,
    UnknownCurrencyError,
)
from ordercore._exact import (
    MAX_PARTS,
    InvalidQuantityError,
    InvalidWeightsError,
    LimitExceededError,
    Rounding,
    apportion_minor,
    checked_quantity,
    follow,
    round_fraction,
    round_ratio,
    running,
    share_minor,
)
from ordercore.errors import InvalidValueError

__all__ = [
    "BHD",
    "CHF",
    "CLP",
    "EUR",
    "GBP",
    "ISK",
    "JPY",
    "KWD",
    "MAX_MINOR",
    "MAX_PARTS",
    "USD",
    "AmountOutOfRangeError",
    "Currency",
    "CurrencyMismatchError",
    "ExchangeRate",
    "InvalidLocaleError",
    "InvalidMoneyError",
    "InvalidQuantityError",
    "InvalidWeightsError",
    "LimitExceededError",
    "MinorUnits",
    "Money",
    "NegativeAmountError",
    "Rounding",
    "SettledMoney",
    "TooPreciseError",
    "UnknownCurrencyError",
    "apportion",
    "apportion_minor",
    "checked_amount",
    "checked_quantity",
    "follow",
    "format_money",
    "from_gateway_minor",
    "round_fraction",
    "round_ratio",
    "round_to_increment",
    "running",
    "share",
    "share_minor",
    "sum_money",
    "to_gateway_minor",
]

_LARGEST_RATE_BITS: Final = 256
_LETTER_BESIDE_DIGIT: Final = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
"""Where CLDR wants a space that Babel leaves out: ``BHD 1.000``, but ``$1.00``."""


@define
class InvalidLocaleError(InvalidValueError):
    """The text names no locale."""

    sentence = "This is no known locale; write a language and a country, such as de_AT."


def checked_amount(value: Money, name: str = "amount") -> Money:
    """
    *value*, when it is money and not below zero.

    Raises:
        InvalidMoneyError: No `Money`.
        NegativeAmountError: Below zero.

    >>> checked_amount(Money(5, EUR))
    Money(5, EUR)
    """
    if type(value) is not Money:
        raise InvalidMoneyError(f"{name} must be Money, not {type(value).__name__}")
    if value.is_negative:
        raise NegativeAmountError(name)
    return value


def sum_money(amounts: Iterable[Money], currency: Currency) -> Money:
    """
    All amounts together, zero when there are none.

    Raises:
        CurrencyMismatchError: One of them is in another currency.
        InvalidMoneyError: One of them is no `Money`, or they are in no `Currency`.
        AmountOutOfRangeError: Beyond 64 bits.

    >>> sum_money([Money(334, EUR), Money(333, EUR)], EUR)
    Money(667, EUR)
    """
    if type(currency) is not Currency:
        raise InvalidMoneyError(f"its currency must be a Currency, not {type(currency).__name__}")
    if not isinstance(cast("object", amounts), Iterable):
        raise InvalidMoneyError("the parts must be several amounts")
    total = 0
    for amount in amounts:
        if type(amount) is not Money:
            raise InvalidMoneyError(f"all parts must be Money, not {type(amount).__name__}")
        if amount.currency is not currency:
            raise CurrencyMismatchError(currency.code, amount.currency.code)
        total += amount.minor
    return Money(total, currency)


def apportion(total: Money, weights: Sequence[int | Fraction]) -> tuple[Money, ...]:
    """
    Divide *total* across lines by *weights*: largest remainder, ties to the first.

    The parts sum to the total, a zero weight gets zero, no part has the opposite sign, each is
    within one minor unit of its exact share, and a negative total is the mirror image.

    Args:
        total: What to divide; may be negative.
        weights: One per line, ints or exact fractions, zero or more.

    Raises:
        InvalidWeightsError: Empty, all zero, negative, or neither ints nor fractions.
        LimitExceededError: More than 100,000 parts, or weights of absurd precision.

    Source:
        RULES M-4.

    >>> [str(part) for part in apportion(Money(1000, EUR), [1, 1, 1])]
    ['3.34 EUR', '3.33 EUR', '3.33 EUR']
    """
    check_money(total)
    return tuple(Money(part, total.currency) for part in apportion_minor(total.minor, weights))


def share(total: Money, *, of: int, start: int, stop: int) -> Money:
    """
    The part of *total* that belongs to units ``start`` to ``stop`` of ``of``.

    Cumulative: what units 0..stop earn minus what units 0..start earned. So the pieces of any
    partition add up to *total*, whatever their sizes and order.

    Args:
        total: An amount for all units together; may be negative.
        of: How many units there are; at least 1.
        start: The first unit, counted from 0.
        stop: The unit after the last; ``0 <= start <= stop <= of``.

    Raises:
        InvalidQuantityError: The range does not lie inside ``0..of``.

    Source:
        RULES M-5.

    >>> [share(Money(1000, EUR), of=3, start=n, stop=n + 1).minor for n in range(3)]
    [333, 334, 333]
    """
    check_money(total)
    return Money(share_minor(total.minor, of, start, stop), total.currency)


def round_to_increment(
    money: Money, increment_minor: int, rounding: Rounding = Rounding.HALF_UP
) -> Money:
    """
    The multiple of *increment_minor* minor units that stands for the amount.

    Raises:
        InvalidQuantityError: The increment is no int of at least 1.
        AmountOutOfRangeError: The multiple lies beyond 64 bits.

    Source:
        RULES M-3; cash rounding to 0.05.

    >>> str(round_to_increment(Money(1002, CHF), 5)), str(round_to_increment(Money(1003, CHF), 5))
    ('10.00 CHF', '10.05 CHF')
    """
    check_money(money)
    step = checked_quantity(increment_minor, "increment", most=MAX_MINOR)
    return Money(round_ratio(money.minor, step, rounding) * step, money.currency)


@frozen
class ExchangeRate:
    """
    How many units of one currency one unit of another is, as an exact fraction.

    Args:
        source: The currency that is converted.
        target: The currency that comes out; another one.
        rate: Major units of *target* for one major unit of *source*, above zero.

    Raises:
        InvalidMoneyError: The same currency twice, or a rate that is no positive fraction or
            longer than 256 bits.

    Source:
        RULES M-6.

    >>> rate = ExchangeRate(EUR, JPY, Fraction("161.45"))
    >>> str(rate.convert(Money(1000, EUR)))
    '1615 JPY'
    """

    source: Currency
    target: Currency
    rate: Fraction

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        if type(self.source) is not Currency or type(self.target) is not Currency:
            raise InvalidMoneyError("a rate stands between two currencies")
        if self.source is self.target:
            raise InvalidMoneyError("a rate stands between two different currencies")
        _check_rate(self.rate)

    def convert(self, money: Money, rounding: Rounding = Rounding.HALF_UP) -> Money:
        """
        The amount in the target currency, rounded to its minor unit.

        Raises:
            CurrencyMismatchError: The amount is not in the source currency.
            AmountOutOfRangeError: Beyond 64 bits.
        """
        check_money(money)
        if money.currency is not self.source:
            raise CurrencyMismatchError(self.source.code, money.currency.code)
        numerator = money.minor * self.rate.numerator * 10**self.target.exponent
        denominator = self.rate.denominator * 10**self.source.exponent
        return Money(round_ratio(numerator, denominator, rounding), self.target)

    def inverse(self) -> ExchangeRate:
        """The rate the other way round, exact."""
        return ExchangeRate(self.target, self.source, 1 / self.rate)


@frozen
class SettledMoney:
    """
    What the buyer sees and what the shop books, side by side with the stated rate.

    Both amounts are kept as they were stated: whoever converted has rounded already.

    Args:
        presentment: The amount that the buyer sees.
        settlement: The amount that the shop books, in another currency.
        rate: The rate from presentment to settlement.

    Raises:
        CurrencyMismatchError: The amounts are not in the currencies of the rate.
        InvalidMoneyError: Something else than money and a rate.

    Source:
        RULES M-6.
    """

    presentment: Money
    settlement: Money
    rate: ExchangeRate

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        check_money(self.presentment)
        check_money(self.settlement)
        if type(self.rate) is not ExchangeRate:
            raise InvalidMoneyError("the rate must be an ExchangeRate")
        if self.presentment.currency is not self.rate.source:
            raise CurrencyMismatchError(self.rate.source.code, self.presentment.currency.code)
        if self.settlement.currency is not self.rate.target:
            raise CurrencyMismatchError(self.rate.target.code, self.settlement.currency.code)


def format_money(money: Money, locale: str | None = None) -> str:
    """
    The amount as people of *locale* write it, with all digits of its currency.

    Uses Babel where it is installed; without it, or without a locale, it is ``str(money)``.

    Raises:
        InvalidLocaleError: The locale is not known.
        InvalidMoneyError: No `Money`.

    >>> format_money(Money(123450, EUR))
    '1234.50 EUR'
    """
    check_money(money)
    if locale is None:
        return str(money)
    try:
        from babel import Locale, UnknownLocaleError  # noqa: PLC0415 - optional
    except ImportError:
        return str(money)
    try:
        known = Locale.parse(locale.replace("-", "_"))
    except (ValueError, TypeError, AttributeError, UnknownLocaleError):
        raise InvalidLocaleError from None
    pattern = copy(known.currency_formats["standard"])
    pattern.frac_prec = (money.currency.exponent, money.currency.exponent)
    written = str(
        pattern.apply(money.decimal, known, currency=money.currency.code, currency_digits=False)
    )
    return _LETTER_BESIDE_DIGIT.sub("\N{NO-BREAK SPACE}", written)


def _check_rate(rate: object) -> None:
    if type(rate) is not Fraction or rate <= 0:
        raise InvalidMoneyError("a rate must be a Fraction above zero")
    if max(rate.numerator, rate.denominator).bit_length() > _LARGEST_RATE_BITS:
        raise InvalidMoneyError(f"a rate must not be longer than {_LARGEST_RATE_BITS} bits")
