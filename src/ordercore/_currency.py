"""
Currencies: one object per ISO 4217 code, and the digits that gateways use instead.

Import from `ordercore.money`, which is the door.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias, cast

from attrs import define, frozen

from ordercore._exact import InvalidQuantityError, checked_quantity
from ordercore._iso4217 import EXPONENTS
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
    "USD",
    "Currency",
    "CurrencyMismatchError",
    "MinorUnits",
    "UnknownCurrencyError",
    "digits_at",
]

MOST_DIGITS: Final = 18

MinorUnits: TypeAlias = Mapping[str, int]
"""Digits after the point by currency code, where a gateway differs from ISO 4217 (RULES M-1)."""


@define
class UnknownCurrencyError(InvalidValueError):
    """The text is no ISO 4217 code of a currency with minor units."""

    sentence = "{currency} is no ISO 4217 currency code; write three capitals, such as EUR."
    currency: str


@define
class CurrencyMismatchError(InvalidValueError):
    """Two amounts of different currencies met."""

    sentence = "Cannot combine {left} with {right}; convert one of them first."
    left: str
    right: str


@frozen(init=False, eq=False, repr=False, weakref_slot=False)
class Currency:
    """
    A currency of ISO 4217 and how many digits it has after the point (RULES M-1).

    There is one object per code, so equal currencies are identical. Withdrawn codes are known
    too; codes without a minor unit (gold, test codes) are not.

    Raises:
        UnknownCurrencyError: The code is not known; it is three capital ASCII letters.

    >>> Currency("JPY").exponent, Currency.of("HRK").exponent
    (0, 2)
    """

    code: str
    exponent: int

    def __new__(cls, code: str) -> Currency:
        """The one object of this code."""
        return cls.of(code)

    @classmethod
    def of(cls, code: str) -> Currency:
        """The currency with this code."""
        found = _BY_CODE.get(code) if type(code) is str else None
        if found is None:
            raise UnknownCurrencyError(_shown(code))
        return found

    def __repr__(self) -> str:
        return self.code

    def __str__(self) -> str:
        return self.code

    def __reduce__(self) -> tuple[type[Currency], tuple[str]]:
        """Copies and pickles are the one object again."""
        return Currency, (self.code,)


def _shown(code: object) -> str:
    """A wrong code as it may stand in a message: short, and in ASCII."""
    if type(code) is not str:
        return f"A value of type {type(code).__name__}"
    return ascii(code) if len(code) <= 5 else f"A text of {len(code)} characters"


def _interned() -> dict[str, Currency]:
    table: dict[str, Currency] = {}
    for code, exponent in EXPONENTS.items():
        currency = object.__new__(Currency)
        object.__setattr__(currency, "code", code)
        object.__setattr__(currency, "exponent", exponent)
        table[code] = currency
    return table


_BY_CODE: Final = _interned()

BHD: Final = Currency("BHD")
CHF: Final = Currency("CHF")
CLP: Final = Currency("CLP")
EUR: Final = Currency("EUR")
GBP: Final = Currency("GBP")
ISK: Final = Currency("ISK")
JPY: Final = Currency("JPY")
KWD: Final = Currency("KWD")
USD: Final = Currency("USD")


def digits_at(currency: Currency, exponents: MinorUnits) -> int:
    """How many digits after the point a gateway uses for *currency*."""
    if not isinstance(cast("object", exponents), Mapping):
        raise InvalidQuantityError("digits after the point", "they must be a mapping by code")
    digits = exponents.get(currency.code, currency.exponent)
    return checked_quantity(digits, "digits after the point", least=0, most=MOST_DIGITS)
