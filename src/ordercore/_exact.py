"""
Integers only: rounding a ratio, dividing a total, checking a quantity.

The kernels behind `ordercore.money`, which is the door to import them from. Nothing here knows a
currency; a total is a count of minor units.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from fractions import Fraction
from typing import Final, cast

from attrs import define

from ordercore.errors import InvalidValueError

__all__ = [
    "MAX_PARTS",
    "InvalidQuantityError",
    "InvalidWeightsError",
    "LimitExceededError",
    "Rounding",
    "apportion_minor",
    "checked_quantity",
    "follow",
    "round_fraction",
    "round_ratio",
    "running",
    "share_minor",
]

MAX_PARTS: Final = 100_000
"""Into how many parts an amount may be apportioned at most."""
MAX_WEIGHT_BITS: Final = 1024
"""How long one weight may be, as an integer over the common denominator of all."""
MAX_SHOWN: Final = 2**63 - 1


@define
class InvalidQuantityError(InvalidValueError):
    """A number of things is not a whole number, or outside its bounds."""

    sentence = "{name} is not usable: {problem}."
    name: str
    problem: str


@define
class InvalidWeightsError(InvalidValueError):
    """The weights cannot say who gets how much."""

    sentence = "Cannot apportion by these weights: {problem}."
    problem: str


@define
class LimitExceededError(InvalidValueError):
    """More of something than is handled in one go."""

    sentence = "{name}: {actual} is over the limit of {limit}."
    name: str
    limit: int
    actual: int


class Rounding(Enum):
    """
    Which whole number stands for a fraction (RULES M-3).

    The ``HALF_…`` modes go to the nearest and differ only in what they do with a tie.
    """

    HALF_UP = "half_up"
    """Ties away from zero: what people learn at school, and the default everywhere."""
    HALF_EVEN = "half_even"
    HALF_DOWN = "half_down"
    """Ties towards zero."""
    HALF_ODD = "half_odd"
    HALF_CEIL = "half_ceil"
    HALF_FLOOR = "half_floor"
    UP = "up"
    """Away from zero."""
    DOWN = "down"
    """Towards zero."""
    CEIL = "ceil"
    FLOOR = "floor"


_DIRECTED: Final = frozenset({Rounding.UP, Rounding.DOWN, Rounding.CEIL, Rounding.FLOOR})

_UPWARDS: Final[Mapping[Rounding, Callable[[int], bool]]] = {
    Rounding.HALF_UP: lambda floor: floor >= 0,
    Rounding.HALF_EVEN: lambda floor: floor % 2 == 1,
    Rounding.HALF_DOWN: lambda floor: floor < 0,
    Rounding.HALF_ODD: lambda floor: floor % 2 == 0,
    Rounding.HALF_CEIL: lambda _: True,
    Rounding.HALF_FLOOR: lambda _: False,
    Rounding.UP: lambda floor: floor >= 0,
    Rounding.DOWN: lambda floor: floor < 0,
    Rounding.CEIL: lambda _: True,
    Rounding.FLOOR: lambda _: False,
}
"""Whether a mode that must choose takes the whole number above *floor*, by mode."""


def round_ratio(numerator: int, denominator: int, rounding: Rounding = Rounding.HALF_UP) -> int:
    """
    The whole number that stands for ``numerator / denominator``, exactly.

    Raises:
        InvalidQuantityError: No integers, a denominator of zero, or no `Rounding`.

    Source:
        RULES M-3.

    >>> round_ratio(5, 2), round_ratio(-5, 2), round_ratio(5, 2, Rounding.HALF_EVEN)
    (3, -3, 2)
    """
    if type(numerator) is not int or type(denominator) is not int:
        raise InvalidQuantityError("ratio", "it must be made of two ints")
    if type(rounding) is not Rounding:
        raise InvalidQuantityError("rounding", f"it must be a Rounding, {_kind(rounding)}")
    if denominator <= 0:
        if denominator == 0:
            raise InvalidQuantityError("denominator", "it must not be zero")
        numerator, denominator = -numerator, -denominator
    floor, rest = divmod(numerator, denominator)
    side = 2 * rest - denominator
    if rest == 0 or (side < 0 and rounding not in _DIRECTED):
        return floor
    if side > 0 and rounding not in _DIRECTED:
        return floor + 1
    return floor + _UPWARDS[rounding](floor)


def round_fraction(value: Fraction, rounding: Rounding = Rounding.HALF_UP) -> int:
    """
    The whole number that stands for *value*, exactly.

    Raises:
        InvalidQuantityError: No `fractions.Fraction`, or no `Rounding`.

    Source:
        RULES M-3.

    >>> round_fraction(Fraction(7, 2)), round_fraction(Fraction(7, 2), Rounding.DOWN)
    (4, 3)
    """
    if type(value) is not Fraction:
        raise InvalidQuantityError("fraction", f"it must be a Fraction, {_kind(value)}")
    return round_ratio(value.numerator, value.denominator, rounding)


def follow(total: int, base_upto: int, base: int) -> int:
    """
    What *total* has come to when *base* has come to *base_upto*.

    That is ``round(total * base_upto / base)``, half_up; zero when *base* is zero. The running
    amount of a discount or a tax that follows another running amount.

    Raises:
        InvalidQuantityError: One of them is no int.

    Source:
        RULES M-7.

    >>> [follow(91, upto, 1000) for upto in (0, 500, 1000)]
    [0, 46, 91]
    """
    if not (type(total) is type(base_upto) is type(base) is int):
        raise InvalidQuantityError("amounts", "they must be ints of minor units")
    if base == 0:
        return 0
    if base < 0:
        base_upto, base = -base_upto, -base
    product = total * base_upto
    if product >= 0:
        return (2 * product + base) // (2 * base)
    return -((base - 2 * product) // (2 * base))


def running(total: int, of: int, upto: int) -> int:
    """
    What the first *upto* of *of* equal units earn of *total*, in minor units, half_up.

    Raises:
        InvalidQuantityError: *of* is below 1, or *upto* is not in ``0..of``.

    Source:
        RULES M-5.

    >>> [running(1000, 3, upto) for upto in range(4)]
    [0, 333, 667, 1000]
    """
    if type(upto) is not int or type(of) is not int or not 0 <= upto <= of or of < 1:
        raise InvalidQuantityError("units", "they must be ints in 0..of, of at least 1")
    return follow(total, upto, of)


def share_minor(total: int, of: int, start: int, stop: int) -> int:
    """
    The part of *total* minor units that belongs to units *start* to *stop* of *of*.

    Raises:
        InvalidQuantityError: Not ``0 <= start <= stop <= of``, or *of* is below 1.

    Source:
        RULES M-5.

    >>> [share_minor(1010, 4, slot, slot + 1) for slot in range(4)]
    [253, 252, 253, 252]
    """
    whole = type(start) is type(stop) is type(of) is int
    if not whole or not 0 <= start <= stop <= of or of < 1:
        raise InvalidQuantityError("units", "they must be ordered ints in 0..of, of at least 1")
    return follow(total, stop, of) - follow(total, start, of)


def apportion_minor(total: int, weights: Sequence[int | Fraction]) -> tuple[int, ...]:
    """
    Divide *total* minor units by *weights*: largest remainder, ties to the first.

    Raises:
        InvalidQuantityError: The total is no int.
        InvalidWeightsError: Empty, all zero, negative, or neither ints nor fractions.
        LimitExceededError: More than 100,000 parts, or figures of absurd length.

    Source:
        RULES M-4.

    >>> apportion_minor(1000, [1, 1, 1]), apportion_minor(-1, [0, 500, 500])
    ((334, 333, 333), (0, -1, 0))
    """
    if type(total) is not int:
        raise InvalidQuantityError("total", f"it must be an int, {_kind(total)}")
    _check_bits(total, "a total")
    whole = _whole_weights(weights)
    size, everything = abs(total), sum(whole)
    products = [size * weight for weight in whole]
    parts = [product // everything for product in products]
    missing = size - sum(parts)
    if missing:
        rests = [product % everything for product in products]
        largest = sorted(range(len(rests)), key=rests.__getitem__, reverse=True)
        for index in largest[:missing]:
            parts[index] += 1
    return tuple(parts) if total >= 0 else tuple(-part for part in parts)


def _whole_weights(weights: Sequence[int | Fraction]) -> Sequence[int]:
    """The weights as ints in the same proportions, checked."""
    if not isinstance(cast("object", weights), Sequence):
        raise InvalidWeightsError("they must be a sequence")
    if len(weights) > MAX_PARTS:
        raise LimitExceededError("parts", MAX_PARTS, len(weights))
    kinds = set(map(type, weights))
    if not kinds <= {int, Fraction}:
        raise InvalidWeightsError("they must be ints or fractions")
    whole = _over_common_denominator(weights) if Fraction in kinds else cast("list[int]", weights)
    if not whole or min(whole) < 0 or max(whole) == 0:
        raise InvalidWeightsError("they must be zero or more, and one of them above zero")
    _check_bits(max(whole))
    return whole


def _over_common_denominator(weights: Sequence[int | Fraction]) -> list[int]:
    common = 1
    for denominator in {weight.denominator for weight in weights}:
        common = math.lcm(common, denominator)
        _check_bits(common)
    return [weight.numerator * (common // weight.denominator) for weight in weights]


def _check_bits(figure: int, name: str = "a weight") -> None:
    if figure.bit_length() > MAX_WEIGHT_BITS:
        raise LimitExceededError(f"bits of {name}", MAX_WEIGHT_BITS, figure.bit_length())


def checked_quantity(
    value: object, name: str = "quantity", *, least: int = 1, most: int = 10**12
) -> int:
    """
    *value* as a whole number between *least* and *most*, both included.

    Raises:
        InvalidQuantityError: No int (a bool, a float and text are none), or below *least*.
        LimitExceededError: Above *most*; a figure of over 19 digits is shown as 2^63 - 1.

    >>> checked_quantity(3)
    3
    """
    if type(value) is not int:
        raise InvalidQuantityError(name, f"it must be an int, {_kind(value)}")
    if value < least:
        raise InvalidQuantityError(name, f"it must be at least {least}")
    if value > most:
        raise LimitExceededError(name, most, min(value, MAX_SHOWN))
    return value


def _kind(value: object) -> str:
    """What a value is instead, without a word of its content."""
    return f"not {type(value).__name__}"
