"""
Discounts: what they take off, and who bears it.

A discount is a value that looks at `Discountable` and says an amount. The shop's own rule is a
subclass of `Discount`; whatever it says is capped at what there is, apportioned over the lines by
what they have left, and frozen (RULES P-2, P-3).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction

from attrs import field, frozen

from ordercore.ids import LineId
from ordercore.money import (
    Money,
    apportion_minor,
    checked_amount,
    checked_quantity,
    round_ratio,
)
from ordercore.pricing._fields import (
    InvalidDraftError,
    checked_currency,
    checked_flag,
    checked_text,
    instance_of,
    tuple_of,
)
from ordercore.pricing._fields import code as _code
from ordercore.pricing.policy import DiscountRounding, PricingPolicy

__all__ = [
    "AmountOff",
    "Discount",
    "Discountable",
    "FixedPrice",
    "OrderDiscount",
    "PercentOff",
    "apportion_capped",
]


@frozen(kw_only=True)
class Discountable:
    """
    What a discount may look at.

    Args:
        amount: What the earlier discounts left.
        basis: What a percentage is taken of: the same, or where percents are parallel the amount
            before the discounts of this level.
        quantity: How many units there are.
        policy: How the order is priced.
    """

    amount: Money
    basis: Money
    quantity: int
    policy: PricingPolicy


@frozen(kw_only=True)
class Discount(ABC):
    """
    One discount on a line, a charge or, inside `OrderDiscount`, several lines.

    Args:
        code: The promotion, coupon or agreement behind it.
        verbatim: It comes from outside and is kept as stated: if there is less than it takes, it
            is refused. Otherwise it is an offer, capped at what there is (RULES P-3).

    A shop's own rule is a subclass:

    >>> @frozen(kw_only=True)
    ... class EveryThirdFree(Discount):
    ...     def amount_off(self, on: Discountable) -> Money:
    ...         return on.amount.times(Fraction(on.quantity // 3, on.quantity))
    >>> EveryThirdFree(code="3FOR2").code
    '3FOR2'
    """

    code: str = field(converter=_code)
    title: str = ""
    verbatim: bool = False

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        checked_text(self.title, "title")
        checked_flag(self.verbatim, "verbatim")
        self.check()

    def check(self) -> None:  # noqa: B027 - most subclasses need it, none must have it
        """Refuse fields that make no sense; called once, when the discount is made."""

    @abstractmethod
    def amount_off(self, on: Discountable) -> Money:
        """What it would take off, zero or more; it need not look whether there is so much."""


@frozen(kw_only=True)
class AmountOff(Discount):
    """
    A fixed amount: per line, or per unit, or per unit for at most *units* units.

    Raises:
        NegativeAmountError: The amount is below zero.
        InvalidQuantityError: *units* is no int of at least 1.

    >>> from ordercore.money import EUR
    >>> from ordercore.pricing.policy import STANDARD_PRICING
    >>> two_off = AmountOff(code="A", amount=Money(200, EUR), per_unit=True, units=2)
    >>> line = Money(3000, EUR)
    >>> on = Discountable(amount=line, basis=line, quantity=3, policy=STANDARD_PRICING)
    >>> two_off.amount_off(on)
    Money(400, EUR)
    """

    amount: Money
    per_unit: bool = False
    units: int | None = None

    def check(self) -> None:
        """Refuse a negative amount, or a number of units where it is not per unit."""
        checked_amount(self.amount, f"discount {self.code}")
        checked_flag(self.per_unit, "per_unit")
        _check_units(self.units)
        if self.units is not None and not self.per_unit:
            raise InvalidDraftError("units", "only a discount per unit is limited to some units")

    def amount_off(self, on: Discountable) -> Money:
        """The amount, times the units that it is for."""
        times = min(self.units or on.quantity, on.quantity) if self.per_unit else 1
        return self.amount * times


@frozen(kw_only=True)
class PercentOff(Discount):
    """
    A fraction of the amount, for all units or for at most *units* of them.

    Args:
        rate: ``Fraction(10, 100)`` for ten percent; 0 to 1.

    Raises:
        InvalidDraftError: The rate is no fraction, or not in 0..1.

    >>> from ordercore.money import EUR
    >>> from ordercore.pricing.policy import STANDARD_PRICING
    >>> tenth = PercentOff(code="SUMMER", rate=Fraction(10, 100))
    >>> line = Money(1995, EUR)
    >>> on = Discountable(amount=line, basis=line, quantity=1, policy=STANDARD_PRICING)
    >>> tenth.amount_off(on)
    Money(200, EUR)
    """

    rate: Fraction
    units: int | None = None

    def check(self) -> None:
        """Refuse more than everything."""
        if type(self.rate) is not Fraction or not 0 <= self.rate <= 1:
            problem = "its rate must be a Fraction from 0 to 1, as in Fraction(10, 100) for 10 %"
            raise InvalidDraftError(f"discount {self.code}", problem)
        _check_units(self.units)

    def amount_off(self, on: Discountable) -> Money:
        """The fraction of the basis; the policy says what is rounded."""
        units = on.quantity if self.units is None else min(self.units, on.quantity)
        part, whole = self.rate.numerator * units, self.rate.denominator * on.quantity
        basis, rounding = on.basis.minor, on.policy.discount_rounding
        if on.policy.rounds is DiscountRounding.DISCOUNT:
            off = round_ratio(basis * part, whole, rounding)
        else:
            off = basis - round_ratio(basis * (whole - part), whole, rounding)
        return Money(off, on.basis.currency)


@frozen(kw_only=True)
class FixedPrice(Discount):
    """
    The goods cost *price* together, if they would cost more.

    Raises:
        NegativeAmountError: The price is below zero.

    >>> from ordercore.money import EUR
    >>> from ordercore.pricing.policy import STANDARD_PRICING
    >>> bundle = FixedPrice(code="BUNDLE", price=Money(2500, EUR))
    >>> goods = Money(3000, EUR)
    >>> on = Discountable(amount=goods, basis=goods, quantity=3, policy=STANDARD_PRICING)
    >>> bundle.amount_off(on)
    Money(500, EUR)
    """

    price: Money

    def check(self) -> None:
        """Refuse a negative price."""
        checked_amount(self.price, f"price of {self.code}")

    def amount_off(self, on: Discountable) -> Money:
        """What is above the price."""
        checked_currency(self.price, on.amount)
        return max(on.amount - self.price, Money.zero(on.amount.currency))


@frozen(kw_only=True)
class OrderDiscount:
    """
    A discount on several lines together, apportioned by what they have left (RULES P-2).

    Args:
        discount: What is taken off them.
        lines: Only these lines; all lines when not given.
        minimum_spend: It needs at least this much left on those lines.

    Raises:
        InvalidDraftError: A field is of another type, or the lines are none.
        NegativeAmountError: The minimum is below zero.
    """

    discount: Discount
    lines: tuple[LineId, ...] | None = None
    minimum_spend: Money | None = None

    def __attrs_post_init__(self) -> None:
        """Check the whole."""
        instance_of(self.discount, Discount, "discount")
        if self.lines is not None and not tuple_of(self.lines, str, "lines"):
            raise InvalidDraftError("lines", "name at least one, or leave it out for all")
        if self.minimum_spend is not None:
            checked_amount(self.minimum_spend, "minimum spend")


def apportion_capped(total: int, weights: Sequence[int], room: Sequence[int]) -> tuple[int, ...]:
    """
    Divide *total* by *weights*, no part above its *room*; the others take the rest.

    Args:
        total: Zero or more, and no more than all room together.
        weights: Zero or more each.
        room: ``0 <= room <= weight`` each.

    Source:
        RULES P-3, M-4: what a line cannot take is apportioned to the others.

    >>> apportion_capped(300, [500, 500], [500, 100])
    (200, 100)
    """
    if total == 0:
        return (0,) * len(weights)
    parts = apportion_minor(total, weights)
    if all(part <= most for part, most in zip(parts, room, strict=True)):
        return parts
    return _filled(total, weights, room)


def _filled(total: int, weights: Sequence[int], room: Sequence[int]) -> tuple[int, ...]:
    """
    The lines with the least room for their weight are filled first; the rest is in proportion.

    In proportion, a line asks for ``left * weight / weight_left``. When the one with the least
    room per weight has room for that, all the others have.
    """
    parts = [0] * len(weights)
    order = sorted(
        (index for index in range(len(weights)) if weights[index]),
        key=lambda index: Fraction(room[index], weights[index]),
    )
    left, weight_left = total, sum(weights)
    for place, index in enumerate(order):
        if left * weights[index] <= room[index] * weight_left:
            rest = sorted(order[place:])
            shares = apportion_minor(left, [weights[index] for index in rest])
            for taker, part in zip(rest, shares, strict=True):
                parts[taker] = part
            break
        parts[index] = room[index]
        left -= room[index]
        weight_left -= weights[index]
    return tuple(parts)


def _check_units(units: int | None) -> None:
    if units is not None:
        checked_quantity(units, "units")
