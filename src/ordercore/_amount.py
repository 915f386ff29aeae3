"""
One amount of money, and what can be wrong with it.

Import from `ordercore.money`, which is the door.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Context, Decimal, Inexact, InvalidOperation
from fractions import Fraction
from typing import Final, cast

from attrs import define, frozen

from ordercore._currency import Currency, CurrencyMismatchError, MinorUnits, digits_at
from ordercore._exact import InvalidQuantityError, Rounding, round_ratio
from ordercore.errors import InvalidValueError

__all__ = [
    "MAX_MINOR",
    "AmountOutOfRangeError",
    "InvalidMoneyError",
    "Money",
    "NegativeAmountError",
    "TooPreciseError",
    "check_money",
    "from_gateway_minor",
    "to_gateway_minor",
]

MAX_MINOR: Final = 2**63 - 1
"""The largest amount, in minor units; the smallest is its negative."""

_LONGEST_TEXT: Final = 64
_WIDEST_EXPONENT: Final = 64
_TEXT: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.([0-9]+))?")
_EXACT: Final = Context(prec=2 * _WIDEST_EXPONENT, traps=[Inexact, InvalidOperation])


@define
class InvalidMoneyError(InvalidValueError):
    """The value is no amount of money."""

    sentence = "This is no amount of money: {problem}."
    problem: str


@define
class AmountOutOfRangeError(InvalidValueError):
    """The amount does not fit into 64 bits."""

    sentence = "An amount must lie between -{limit} and {limit} minor units of its currency."
    limit: int = MAX_MINOR


@define
class TooPreciseError(InvalidValueError):
    """The amount has more digits than its currency."""

    sentence = "{currency} has {digits} digits after the point here; round the amount first."
    currency: str
    digits: int


@define
class NegativeAmountError(InvalidValueError):
    """An amount below zero where only zero or more makes sense."""

    sentence = "{name} must not be below zero."
    name: str


@frozen(init=False, eq=False, order=False, repr=False, weakref_slot=False)
class Money:
    """
    A whole number of minor units of one currency (RULES M-1).

    Equality is by value and never raises; every other combination of two currencies does. An
    amount is true when it is not zero.

    Args:
        minor: Minor units (cents, yen, fils), an int within ±(2^63 - 1).
        currency: Which currency's.

    Raises:
        InvalidMoneyError: No int (a bool and a float are none), or no `Currency`.
        AmountOutOfRangeError: Beyond 64 bits.

    >>> from ordercore.money import BHD, EUR
    >>> Money(1000, EUR) + Money.parse("0.05", EUR)
    Money(1005, EUR)
    >>> print(Money(-5, BHD))
    -0.005 BHD
    """

    minor: int
    currency: Currency

    def __init__(self, minor: int, currency: Currency) -> None:
        if type(minor) is not int:
            advice = "Money.parse(text, currency) reads text, Money.from_decimal a Decimal"
            raise InvalidMoneyError(
                f"minor units must be an int, not {type(minor).__name__}; {advice}"
            )
        if not -MAX_MINOR <= minor <= MAX_MINOR:
            raise AmountOutOfRangeError
        if type(currency) is not Currency:
            kind = type(currency).__name__
            raise InvalidMoneyError(f"its currency must be a Currency, not {kind}")
        _set_minor(self, minor)
        _set_currency(self, currency)

    @classmethod
    def zero(cls, currency: Currency) -> Money:
        """Nothing, in this currency."""
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, currency: Currency) -> Money:
        """
        The amount that *text* states in major units, read strictly.

        ASCII digits, at most one point, an optional minus; no blanks, groups, plus, exponent or
        leading zeros. Fewer digits than the currency has are fine, more are refused.

        Raises:
            InvalidMoneyError: Not written so.
            TooPreciseError: More digits after the point than the currency has, even zeros:
                ``1.000`` may be one or a thousand.
            AmountOutOfRangeError: Beyond 64 bits.

        Source:
            RULES M-2.

        >>> from ordercore.money import EUR
        >>> Money.parse("10.5", EUR)
        Money(1050, EUR)
        """
        digits = _digits_after_point(text)
        missing = _digits_of(currency) - digits
        if missing < 0:
            raise TooPreciseError(currency.code, currency.exponent)
        return cls(int(text.replace(".", "")) * 10**missing, currency)

    @classmethod
    def from_decimal(cls, value: Decimal, currency: Currency) -> Money:
        """
        The amount that a decimal number of major units states, exactly.

        Trailing zeros do not count: ``Decimal("1.000")`` is one euro.

        Raises:
            InvalidMoneyError: No `decimal.Decimal`, not finite, or an exponent beyond ±64.
            TooPreciseError: Between two minor units.
            AmountOutOfRangeError: Beyond 64 bits.

        Source:
            RULES M-2.

        >>> from ordercore.money import EUR
        >>> Money.from_decimal(Decimal("19.99"), EUR)
        Money(1999, EUR)
        """
        if type(value) is not Decimal:
            raise InvalidMoneyError(f"it must be a Decimal, not {type(value).__name__}")
        if not value.is_finite() or abs(value.adjusted()) > _WIDEST_EXPONENT:
            raise InvalidMoneyError("it is not finite, or its exponent is out of bounds")
        digits = _digits_of(currency)
        try:
            minor = value.scaleb(digits, context=_EXACT).to_integral_exact(context=_EXACT)
        except Inexact:
            raise TooPreciseError(currency.code, digits) from None
        return cls(int(minor), currency)

    @property
    def text(self) -> str:
        """The amount in major units with all its digits, as `parse` reads it: ``10.00``."""
        digits = self.currency.exponent
        if digits == 0:
            return str(self.minor)
        whole, part = divmod(abs(self.minor), 10**digits)
        return f"{'-' if self.minor < 0 else ''}{whole}.{part:0{digits}d}"

    @property
    def decimal(self) -> Decimal:
        """The amount in major units as an exact decimal number."""
        return Decimal(self.text)

    @property
    def is_zero(self) -> bool:
        """Whether it is nothing."""
        return self.minor == 0

    @property
    def is_negative(self) -> bool:
        """Whether it is below zero."""
        return self.minor < 0

    @property
    def is_positive(self) -> bool:
        """Whether it is above zero."""
        return self.minor > 0

    def times(self, factor: Fraction | int, rounding: Rounding = Rounding.HALF_UP) -> Money:
        """
        This amount times an exact fraction, rounded to the minor unit.

        Raises:
            InvalidQuantityError: The factor is neither an int nor a fraction.
            AmountOutOfRangeError: Beyond 64 bits.

        >>> from ordercore.money import EUR
        >>> Money(1999, EUR).times(Fraction(19, 100))
        Money(380, EUR)
        """
        if type(factor) is int:
            return self * factor
        if type(factor) is not Fraction:
            raise InvalidQuantityError("factor", "it must be an int or a Fraction")
        minor = round_ratio(self.minor * factor.numerator, factor.denominator, rounding)
        return Money(minor, self.currency)

    def __add__(self, other: Money) -> Money:
        if type(other) is not Money or self.currency is not other.currency:
            raise _unlike(self, other)
        return Money(self.minor + other.minor, self.currency)

    def __radd__(self, other: object) -> Money:
        """Refuse, with a reason: ``sum`` begins with the int 0 unless told otherwise."""
        raise InvalidMoneyError("sum() must begin with Money.zero(currency); or use sum_money()")

    def __sub__(self, other: Money) -> Money:
        if type(other) is not Money or self.currency is not other.currency:
            raise _unlike(self, other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, factor: int) -> Money:
        if type(factor) is not int:
            kind = type(factor).__name__
            raise InvalidQuantityError("factor", f"it must be an int, not {kind}; see times()")
        return Money(self.minor * factor, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __abs__(self) -> Money:
        return Money(abs(self.minor), self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __eq__(self, other: object) -> bool:
        if type(other) is not Money:
            return NotImplemented
        return self.minor == other.minor and self.currency is other.currency

    def __hash__(self) -> int:
        return hash((self.minor, self.currency))

    def __lt__(self, other: Money) -> bool:
        return self.minor < _minor_beside(self, other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= _minor_beside(self, other)

    def __gt__(self, other: Money) -> bool:
        return self.minor > _minor_beside(self, other)

    def __ge__(self, other: Money) -> bool:
        return self.minor >= _minor_beside(self, other)

    def __str__(self) -> str:
        return f"{self.text} {self.currency.code}"

    def __repr__(self) -> str:
        return f"Money({self.minor}, {self.currency.code})"

    def __reduce__(self) -> tuple[type[Money], tuple[int, Currency]]:
        """Copies and pickles pass the checks again."""
        return Money, (self.minor, self.currency)


_set_minor: Final = cast("Callable[[Money, int], None]", vars(Money)["minor"].__set__)
_set_currency: Final = cast("Callable[[Money, Currency], None]", vars(Money)["currency"].__set__)


def _minor_beside(left: Money, right: Money) -> int:
    """The minor units of *right*, if it can stand beside *left*."""
    if type(right) is not Money or left.currency is not right.currency:
        raise _unlike(left, right)
    return right.minor


def _unlike(left: Money, right: object) -> InvalidValueError:
    """Why two operands do not go together."""
    if type(right) is not Money:
        kind = type(right).__name__
        return InvalidMoneyError(f"an amount goes together with another amount only, not {kind}")
    return CurrencyMismatchError(left.currency.code, right.currency.code)


def _digits_of(currency: Currency) -> int:
    """How many digits after the point the currency has, once it is one."""
    if type(currency) is not Currency:
        raise InvalidMoneyError(f"its currency must be a Currency, not {type(currency).__name__}")
    return currency.exponent


def _digits_after_point(text: str) -> int:
    """How many digits follow the point in a well-written amount."""
    if type(text) is not str:
        raise InvalidMoneyError(f"it must be text, not {type(text).__name__}")
    if len(text) > _LONGEST_TEXT:
        if _TEXT.fullmatch(text[:_LONGEST_TEXT]):
            raise AmountOutOfRangeError
        raise InvalidMoneyError(f"it is longer than {_LONGEST_TEXT} characters")
    written = _TEXT.fullmatch(text)
    if written is None:
        raise InvalidMoneyError("write ASCII digits with one point, such as 1234.50")
    return len(written[1] or "")


def check_money(value: object) -> None:
    """Refuse what is no `Money`."""
    if type(value) is not Money:
        raise InvalidMoneyError(f"it must be Money, not {type(value).__name__}")


def to_gateway_minor(money: Money, exponents: MinorUnits) -> int:
    """
    The amount in the minor units of a gateway that counts some currencies otherwise.

    Args:
        money: The amount.
        exponents: Digits after the point by currency code, where the gateway differs.

    Raises:
        TooPreciseError: The gateway has fewer digits than the amount needs.
        AmountOutOfRangeError: Beyond 64 bits.
        InvalidQuantityError: The exponent is no int in 0..18 (above: `LimitExceededError`).

    Source:
        RULES M-1.

    >>> from ordercore.money import CLP, EUR
    >>> adyen = {"CLP": 2, "ISK": 2, "CVE": 0}
    >>> to_gateway_minor(Money(1000, CLP), adyen), to_gateway_minor(Money(1000, EUR), adyen)
    (100000, 1000)
    """
    check_money(money)
    digits = digits_at(money.currency, exponents)
    return _shifted(money.minor, digits - money.currency.exponent, money.currency.code, digits)


def from_gateway_minor(minor: int, currency: Currency, exponents: MinorUnits) -> Money:
    """
    The amount that a gateway states in its own minor units, exactly.

    Raises:
        TooPreciseError: Between two minor units of ISO 4217.
        InvalidMoneyError: No int, or no `Currency`.
        AmountOutOfRangeError: Beyond 64 bits.

    Source:
        RULES M-1.

    >>> from ordercore.money import ISK
    >>> str(from_gateway_minor(100000, ISK, {"ISK": 2}))
    '1000 ISK'
    """
    stated = Money(minor, currency)
    digits = digits_at(currency, exponents)
    shift = currency.exponent - digits
    return Money(_shifted(stated.minor, shift, currency.code, currency.exponent), currency)


def _shifted(minor: int, shift: int, code: str, digits: int) -> int:
    """*minor* moved by *shift* decimal places, if that can be said in whole units."""
    if shift < 0:
        minor, rest = divmod(minor, 10**-shift)
        if rest:
            raise TooPreciseError(code, digits)
        return minor
    minor *= 10**shift
    if abs(minor) > MAX_MINOR:
        raise AmountOutOfRangeError
    return minor
